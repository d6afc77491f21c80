#include "io/checkpoint_file.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <sstream>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "io/atomic_file.h"
#include "io/mapped_file.h"

namespace einsearch {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

constexpr std::string_view kMark = "einsearch checkpoint 1\n";
constexpr std::size_t kDigestSize = 16;

std::string digest_of(std::string_view text) {
  ContentDigest content;
  content.update({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return content.text();
}

class Writer {
 public:
  template <typename Number>
  void put(Number number) {
    text_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }

  template <typename Number>
  void put_all(const Number* numbers, std::size_t size) {
    put(static_cast<std::uint64_t>(size));
    text_.append(reinterpret_cast<const char*>(numbers), size * sizeof(Number));
  }

  std::string& text() { return text_; }

 private:
  std::string text_{kMark};
};

/// Reads what Writer wrote. The digest has been checked, so lengths can be trusted.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text.substr(kMark.size())) {}

  template <typename Number>
  Number take() {
    Number number;
    std::memcpy(&number, text_.data(), sizeof number);
    text_.remove_prefix(sizeof number);
    return number;
  }

  template <typename Array>
  Array take_all() {
    Array array;
    array.resize(static_cast<std::size_t>(take<std::uint64_t>()));
    const std::size_t bytes = array.size() * sizeof(typename Array::value_type);
    if (bytes > 0) std::memcpy(array.data(), text_.data(), bytes);
    text_.remove_prefix(bytes);
    return array;
  }

 private:
  std::string_view text_;
};

void put_point(Writer& file, const CurvePoint& point) {
  file.put(point.step);
  file.put(point.examples);
  for (const double value : {point.train_flops,
                             point.loss,
                             point.loss_se,
                             point.train_loss,
                             point.anneal,
                             point.time_s,
                             point.epochs.value_or(-1),
                             point.rate,
                             point.grad_norm})
    file.put(value);
  file.put(static_cast<std::uint8_t>(point.status));
  file.put_all(point.block_rms.data(), point.block_rms.size());
  std::vector<double> experts;
  if (const auto& usage = point.experts)
    experts = {usage->effective, usage->least_load, usage->most_load};
  file.put_all(experts.data(), experts.size());
}

CurvePoint take_point(Reader& file) {
  CurvePoint point;
  point.step = file.take<Count>();
  point.examples = file.take<Count>();
  for (double* value : {&point.train_flops,
                        &point.loss,
                        &point.loss_se,
                        &point.train_loss,
                        &point.anneal,
                        &point.time_s})
    *value = file.take<double>();
  if (const auto epochs = file.take<double>(); epochs >= 0) point.epochs = epochs;
  point.rate = file.take<double>();
  point.grad_norm = file.take<double>();
  point.status = static_cast<RunStatus>(file.take<std::uint8_t>());
  point.block_rms = file.take_all<std::vector<double>>();
  const auto experts = file.take_all<std::vector<double>>();
  if (!experts.empty()) point.experts = ExpertUsage{experts[0], experts[1], experts[2]};
  return point;
}

/// Where two canonical texts part: the words "width=64" and "width=32".
void check_spec(const std::string& path, const std::string& expected, const std::string& got) {
  if (expected == got) return;
  std::istringstream ours(expected), theirs(got);
  std::string want, have;
  while (ours >> want && theirs >> have && want == have) {
  }
  throw Error("the checkpoint is of another run",
              {.where = path,
               .expected = want,
               .got = have,
               .hint = "the options of that run, or another file"});
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint<float>& checkpoint) {
  Writer file;
  file.put_all(checkpoint.spec.data(), checkpoint.spec.size());
  file.put(checkpoint.step);
  file.put(checkpoint.loss_sum);
  file.put(checkpoint.norm_sum);
  file.put(checkpoint.time_s);
  file.put(static_cast<std::uint64_t>(checkpoint.points.size()));
  for (const CurvePoint& point : checkpoint.points) put_point(file, point);
  for (const auto* array : {&checkpoint.numbers.values,
                            &checkpoint.numbers.first_moment,
                            &checkpoint.numbers.second_moment})
    file.put_all(array->data(), array->size());
  file.text() += digest_of(file.text());
  write_file(path, file.text());
}

Checkpoint<float> read_checkpoint(const std::string& path, const std::string& spec) {
  const MappedFile mapped(path);
  const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()),
                              mapped.bytes().size());
  if (!text.starts_with(kMark)) {
    throw Error("no checkpoint of this program",
                {.where = path,
                 .expected = fmt::format("a file that begins with \"{}\"",
                                         kMark.substr(0, kMark.size() - 1))});
  }
  const std::string_view body = text.substr(0, text.size() - std::min(kDigestSize, text.size()));
  if (body.size() < kMark.size() || digest_of(body) != text.substr(body.size())) {
    throw Error("the checkpoint is torn or was changed",
                {.where = path,
                 .expected = "a file that ends with the digest of its contents",
                 .hint = "remove it to train from the beginning"});
  }
  Reader file(body);
  Checkpoint<float> checkpoint;
  checkpoint.spec = file.take_all<std::string>();
  check_spec(path, spec, checkpoint.spec);
  checkpoint.step = file.take<Count>();
  checkpoint.loss_sum = file.take<double>();
  checkpoint.norm_sum = file.take<double>();
  checkpoint.time_s = file.take<double>();
  checkpoint.points.resize(static_cast<std::size_t>(file.take<std::uint64_t>()));
  for (CurvePoint& point : checkpoint.points) point = take_point(file);
  checkpoint.numbers.values = file.take_all<std::vector<float>>();
  checkpoint.numbers.first_moment = file.take_all<std::vector<float>>();
  checkpoint.numbers.second_moment = file.take_all<std::vector<float>>();
  return checkpoint;
}

}  // namespace einsearch
