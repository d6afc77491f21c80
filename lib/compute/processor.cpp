#include "compute/processor.h"

#include <xmmintrin.h>

#include "base/error.h"

namespace einsearch {

void require_supported_processor() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    throw SystemError("this processor is too old for einsearch",
                      {.expected = "x86-64-v3 (AVX2 and FMA, 2013 or later)"});
  }
}

DenormalsAreZero::DenormalsAreZero() : saved_(_mm_getcsr()) {
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero);
}

DenormalsAreZero::~DenormalsAreZero() { _mm_setcsr(saved_); }

}  // namespace einsearch
