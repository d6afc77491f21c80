#include "io/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "base/checked.h"
#include "base/error.h"

namespace einsearch {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

template <typename T>
double number_at(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

struct NumericType {
  std::string_view name;
  Count bytes;
  double (*at)(const std::uint8_t*);
};

constexpr NumericType kTypes[] = {{"|u1", 1, number_at<std::uint8_t>},
                                  {"|i1", 1, number_at<std::int8_t>},
                                  {"|b1", 1, number_at<std::uint8_t>},
                                  {"<u2", 2, number_at<std::uint16_t>},
                                  {"<i2", 2, number_at<std::int16_t>},
                                  {"<u4", 4, number_at<std::uint32_t>},
                                  {"<i4", 4, number_at<std::int32_t>},
                                  {"<u8", 8, number_at<std::uint64_t>},
                                  {"<i8", 8, number_at<std::int64_t>},
                                  {"<f4", 4, number_at<float>},
                                  {"<f8", 8, number_at<double>}};

const NumericType* find_type(std::string_view name) {
  const auto found = std::find_if(
      std::begin(kTypes), std::end(kTypes), [name](const auto& type) { return type.name == name; });
  return found == std::end(kTypes) ? nullptr : found;
}

/// The text after "'key':" in the header's dictionary.
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) return {};
  header.remove_prefix(at + key.size() + 3);
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

/// "(60000, 28, 28)" or "(5,)" or "()".
std::vector<Count> parse_shape(std::string_view text, const Error& damaged) {
  if (!text.starts_with('(') || text.find(')') == std::string_view::npos) throw damaged;
  std::vector<Count> shape;
  const char* at = text.data() + 1;
  const char* end = text.data() + text.find(')');
  while (at < end) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    const auto [stop, fault] = std::from_chars(at, end, shape.emplace_back());
    if (fault != std::errc() || shape.back() < 0) throw damaged;
    at = stop;
  }
  return shape;
}

}  // namespace

bool is_npy(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), bytes.begin(), [](char a, std::uint8_t b) {
           return static_cast<std::uint8_t>(a) == b;
         });
}

Count NpyArray::size() const {
  Count product = 1;
  for (const Count extent : shape) product *= extent;
  return product;
}

bool NpyArray::is_numeric() const { return find_type(type) != nullptr; }

double NpyArray::number(Count i) const {
  const NumericType* known = find_type(type);
  return known->at(data.data() + i * known->bytes);
}

NpyArray parse_npy(std::span<const std::uint8_t> bytes, const std::string& path) {
  const Error damaged("not a .npy file", {.where = path, .expected = "a NumPy header"});
  if (!is_npy(bytes) || bytes.size() < 12) throw damaged;
  const std::size_t length_bytes = bytes[6] == 1 ? 2 : 4, start = 8 + length_bytes;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length |= std::size_t{bytes[8 + i]} << (8 * i);
  if (length > bytes.size() - start) throw damaged;
  const std::string_view header(reinterpret_cast<const char*>(bytes.data() + start), length);

  NpyArray array;
  const std::string_view descr = value_of(header, "descr");
  const std::size_t quote = descr.find('\'', 1);
  if (!descr.starts_with('\'') || quote == std::string_view::npos) throw damaged;
  array.type = std::string(descr.substr(1, quote - 1));
  if (value_of(header, "fortran_order").starts_with("True"))
    throw Error("an array in Fortran order", {.where = path, .hint = "numpy.ascontiguousarray"});
  array.shape = parse_shape(value_of(header, "shape"), damaged);
  array.data = bytes.subspan(start + length);

  const NumericType* known = find_type(array.type);
  if (known == nullptr) {
    throw Error("an array of an unknown type",
                {.where = path,
                 .expected = "little-endian integers, float32 or float64",
                 .got = array.type});
  }
  std::optional<Count> size = known->bytes;
  for (const Count extent : array.shape) size = size ? checked_multiply(*size, extent) : size;
  if (!size || *size != static_cast<Count>(array.data.size())) {
    throw Error("a truncated array",
                {.where = path,
                 .expected = size ? fmt::format("{} bytes", *size) : "a size that exists",
                 .got = fmt::format("{}", array.data.size())});
  }
  return array;
}

}  // namespace einsearch
