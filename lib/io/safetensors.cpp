#include "io/safetensors.h"

#include <bit>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"

namespace einsearch {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

template <typename Number>
std::string_view bytes_of(const Number* numbers, std::size_t count) {
  return {reinterpret_cast<const char*>(numbers), count * sizeof(Number)};
}

}  // namespace

void write_safetensors(const std::string& path,
                       const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    const std::size_t end = offset + tensor.numbers.size_bytes();
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  constexpr std::size_t kAlignment = 8;
  std::string text = header.dump();
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const std::uint64_t size = text.size();

  AtomicFile file(path);
  file.write(bytes_of(&size, 1));
  file.write(text);
  for (const NamedTensor& tensor : tensors)
    file.write(bytes_of(tensor.numbers.data(), tensor.numbers.size()));
  file.commit();
}

std::vector<NamedTensor> named_tensors(const ParameterLayout& layout,
                                       std::span<const float> values) {
  std::vector<NamedTensor> tensors;
  for (const ParameterInfo& tensor : layout.tensors()) {
    const auto offset = static_cast<std::size_t>(tensor.offset);
    const auto size = static_cast<std::size_t>(tensor.size);
    tensors.push_back({tensor.name, tensor.shape, values.subspan(offset, size)});
  }
  return tensors;
}

}  // namespace einsearch
