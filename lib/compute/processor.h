// What the processor must offer, and how its floating point is set while einsearch computes.
#pragma once

namespace einsearch {

/// Throws SystemError when this processor lacks AVX2 and FMA (x86-64-v3), which the kernels are
/// compiled for.
void require_supported_processor();

/// While alive, the calling thread treats denormal numbers as zero: decaying moments of the
/// optimiser would otherwise become denormal and cost 20 to 40 times as much.
class DenormalsAreZero {
 public:
  DenormalsAreZero();
  ~DenormalsAreZero();
  DenormalsAreZero(const DenormalsAreZero&) = delete;
  DenormalsAreZero& operator=(const DenormalsAreZero&) = delete;

 private:
  unsigned saved_;
};

}  // namespace einsearch
