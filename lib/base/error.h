// The one exception type for faults of a user or of a file: a bad flag, a theta that does not sum
// to one, a ragged CSV row, an unwritable folder. A bug is an assert; a normal outcome (a diverged
// run) is a value.
#pragma once

#include <stdexcept>
#include <string>

namespace einsearch {

/// What a reader needs in order to mend the input. Empty parts are left out of the message.
struct ErrorDetail {
  std::string where = {};     ///< file and line, flag, or layer
  std::string expected = {};  ///< what would have been right
  std::string got = {};       ///< what was there
  std::string hint = {};      ///< how to mend it
};

/// Reads as one line: "what, where: expected E, got G (hint)".
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what, const ErrorDetail& detail = {});
};

/// A fault of the world rather than of the input (a full disk, a closed pipe): exit status 1
/// instead of 2.
class SystemError : public Error {
 public:
  using Error::Error;
};

}  // namespace einsearch
