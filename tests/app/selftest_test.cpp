#include "search/selftest.h"

#include <doctest/doctest.h>

#include "app/run_binary.h"
#include "compute/isa.h"

using namespace einsearch;

namespace {

constexpr const char* kTrain =
    " $EINSEARCH train --structure \"$STRUCTURE\" --width 24 --depth 2 --steps 10 --batch 150"
    " --held-out 64 --target-width 16 --target-depth 2 --no-times";

}  // namespace

TEST_CASE("every kernel of this machine passes, and trained numbers have the pinned signature") {
  const Outcome outcome = run_einsearch({"selftest"});
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  CHECK(outcome.out.starts_with("check,isa,worst_error,tolerance,status,signature\n"));
  CHECK(outcome.out.find(",failed,") == std::string::npos);
  for (const char* check : {"expert_choice_float,", "expert_sorting_double,"}) {
    CHECK(outcome.out.find(check) != std::string::npos);
  }
  // A new signature means new results: change kNumericsSignature and kNumericsVersion together.
  for (const Isa isa : supported_isas()) {
    const std::string row =
        "signature," + to_string(isa) + ",,,ok," + std::string(kNumericsSignature) + "\n";
    CHECK(outcome.out.find(row) != std::string::npos);
  }
}

TEST_CASE("train gives the same bytes with the smallest instruction set and with the best") {
  for (const std::string structure : {"dense", "tt:1/4", "btt:ranks=2"}) {
    CAPTURE(structure);
    const std::string set = "STRUCTURE='" + structure + "';";
    const Outcome best = run_shell(set + kTrain);
    const Outcome smallest = run_shell(set + "EINSEARCH_ISA=v3" + kTrain);
    CHECK(best.status == 0);
    CHECK(smallest.status == 0);
    CHECK(best.out.size() > 1000);
    CHECK(smallest.out == best.out);
  }
}

TEST_CASE("an unknown instruction set is refused in one line with status 2") {
  for (const char* line :
       {"EINSEARCH_ISA=v5 $EINSEARCH selftest", "$EINSEARCH --isa avx selftest"}) {
    const Outcome outcome = run_shell(line);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("einsearch: error: unknown instruction set"));
  }
}
