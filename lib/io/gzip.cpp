#include "io/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "base/error.h"

namespace einsearch {
namespace {

std::vector<std::uint8_t> inflate_gzip(std::span<const std::uint8_t> packed,
                                       const std::string& path) {
  constexpr int kGzip = 16 + MAX_WBITS;
  constexpr std::size_t kStep = std::size_t{1} << 20, kMostAtOnce = std::size_t{1} << 30;
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closer(&stream, inflateEnd);
  std::vector<std::uint8_t> plain;
  std::size_t taken = 0, made = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END || taken < packed.size()) {  // members may follow one another
    if (status == Z_STREAM_END && inflateReset(&stream) != Z_OK) throw std::bad_alloc();
    plain.resize(std::max(plain.size(), made + kStep));
    const std::size_t input = std::min(packed.size() - taken, kMostAtOnce);
    stream.next_in = const_cast<Bytef*>(packed.data() + taken);
    stream.avail_in = static_cast<uInt>(input);
    stream.next_out = plain.data() + made;
    stream.avail_out = kStep;
    status = inflate(&stream, Z_NO_FLUSH);
    taken += input - stream.avail_in;
    made += kStep - stream.avail_out;
    if (status != Z_OK && status != Z_STREAM_END) {
      throw Error("cannot unpack",
                  {.where = path,
                   .expected = "a whole gzip file",
                   .got = status == Z_BUF_ERROR ? "one that ends early" : "damaged data"});
    }
  }
  plain.resize(made);
  return plain;
}

}  // namespace

PlainBytes::PlainBytes(const std::string& path) : file_(path), bytes_(file_.bytes()) {
  if (bytes_.size() < 2 || bytes_[0] != 0x1f || bytes_[1] != 0x8b) return;
  inflated_ = inflate_gzip(bytes_, path);
  bytes_ = inflated_;
}

}  // namespace einsearch
