#include "base/error.h"

namespace einsearch {
namespace {

std::string message(const std::string& what, const ErrorDetail& detail) {
  std::string text = what;
  if (!detail.where.empty()) text += ", " + detail.where;
  if (!detail.expected.empty() || !detail.got.empty()) text += ": ";
  if (!detail.expected.empty()) text += "expected " + detail.expected;
  if (!detail.expected.empty() && !detail.got.empty()) text += ", ";
  if (!detail.got.empty()) text += "got " + detail.got;
  if (!detail.hint.empty()) text += " (" + detail.hint + ")";
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) c = '?';  // a file's bytes must not steer the terminal
  }
  return text;
}

}  // namespace

Error::Error(const std::string& what, const ErrorDetail& detail)
    : std::runtime_error(message(what, detail)) {}

}  // namespace einsearch
