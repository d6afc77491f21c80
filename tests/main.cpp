// Runs the tests, with the kernels of EINSEARCH_ISA where that is set.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>

#include "compute/isa.h"

int main(int argc, char** argv) {
  const char* isa = std::getenv("EINSEARCH_ISA");
  if (isa != nullptr && *isa != '\0') einsearch::use_isa(einsearch::parse_isa(isa));
  return doctest::Context(argc, argv).run();
}
