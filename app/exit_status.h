// What the program's exit status means.
#pragma once

namespace einsearch {

enum ExitStatus {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kIncomplete = 3,
  kInterrupted = 130,
};

}  // namespace einsearch
