// How the processor's floating point is set while einsearch computes.
#pragma once

namespace einsearch {

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
