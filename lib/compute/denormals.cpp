#include "compute/denormals.h"

#include <xmmintrin.h>

namespace einsearch {

DenormalsAreZero::DenormalsAreZero() : saved_(_mm_getcsr()) {
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero);
}

DenormalsAreZero::~DenormalsAreZero() { _mm_setcsr(saved_); }

}  // namespace einsearch
