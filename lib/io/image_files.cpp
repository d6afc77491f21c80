#include "io/image_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/checked.h"
#include "base/digest.h"
#include "base/error.h"
#include "io/gzip.h"
#include "io/npy.h"
#include "task/epochs.h"

namespace einsearch {
namespace {

namespace fs = std::filesystem;

/// Images as a file holds them: `image(i, scratch)` gives one in the order row, column, channel.
struct RawImages {
  ImageSet shape;  // without pixels
  std::function<const std::uint8_t*(Count image, std::vector<std::uint8_t>& scratch)> image;
};

RawImages consecutive(const ImageSet& shape, const std::uint8_t* first) {
  return {shape, [first, size = shape.values()](Count image, std::vector<std::uint8_t>&) {
            return first + image * size;
          }};
}

/// The file says `sizes` (N, H, W, C); throws where that is not what it holds.
ImageSet checked_shape(const std::array<Count, 4>& sizes,
                       std::size_t bytes,
                       const std::string& path) {
  const auto [count, height, width, channels] = sizes;
  if (std::min({count, height, width}) < 1 || (channels != 1 && channels != 3)) {
    throw Error("no images",
                {.where = path,
                 .expected = "at least one image, gray or RGB",
                 .got = fmt::format("{} x {} x {} x {}", count, height, width, channels)});
  }
  const std::optional<Count> size = checked_product(count, height, width, channels);
  if (!size || *size != static_cast<Count>(bytes)) {
    throw Error("a truncated image file",
                {.where = path,
                 .expected = size ? fmt::format("{} bytes of pixels", *size) : "a size that exists",
                 .got = fmt::format("{}", bytes)});
  }
  return {.count = count, .height = height, .width = width, .channels = channels, .pixels = {}};
}

Count big_endian(const std::uint8_t* bytes) {
  return Count{bytes[0]} << 24 | Count{bytes[1]} << 16 | Count{bytes[2]} << 8 | Count{bytes[3]};
}

/// Magic 0 0 8 R: unsigned bytes, R = 3 or 4 sizes of four bytes, then pixels.
RawImages parse_idx(std::span<const std::uint8_t> bytes, const std::string& path) {
  const std::size_t ranks = bytes.size() >= 4 ? bytes[3] : 0, header = 4 + 4 * ranks;
  const bool is_idx = bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 8 &&
                      (ranks == 3 || ranks == 4);
  if (!is_idx) {
    const std::string got = bytes.size() < 4 ? fmt::format("{} bytes", bytes.size())
                                             : fmt::format("0x{:08x}", big_endian(bytes.data()));
    throw Error("not an IDX file of images",
                {.where = path, .expected = "magic number 0x00000803 or 0x00000804", .got = got});
  }
  if (bytes.size() < header)
    throw Error("a truncated image file", {.where = path, .got = "half a header"});
  std::array<Count, 4> sizes = {1, 1, 1, 1};
  for (std::size_t i = 0; i < ranks; ++i) sizes[i] = big_endian(bytes.data() + 4 + 4 * i);
  return consecutive(checked_shape(sizes, bytes.size() - header, path), bytes.data() + header);
}

RawImages parse_image_array(std::span<const std::uint8_t> bytes, const std::string& path) {
  const NpyArray array = parse_npy(bytes, path);
  if (array.type != "|u1" || array.shape.size() < 3 || array.shape.size() > 4) {
    throw Error("not an array of images",
                {.where = path,
                 .expected = "uint8 of shape (N, H, W) or (N, H, W, C)",
                 .got = fmt::format("{} of {} axes", array.type, array.shape.size())});
  }
  std::array<Count, 4> sizes = {1, 1, 1, 1};
  std::copy(array.shape.begin(), array.shape.end(), sizes.begin());
  return consecutive(checked_shape(sizes, array.data.size(), path), array.data.data());
}

/// Records of a label and 32 x 32 values of red, of green, of blue.
RawImages parse_cifar(std::span<const std::uint8_t> bytes, const std::string& path) {
  constexpr Count kPixels = 1024, kRecord = 1 + 3 * kPixels;
  const auto size = static_cast<Count>(bytes.size());
  if (size == 0 || size % kRecord != 0) {
    throw Error("not a CIFAR-10 batch",
                {.where = path,
                 .expected = fmt::format("a multiple of {} bytes", kRecord),
                 .got = fmt::format("{}", size)});
  }
  for (Count i = 0; i < size / kRecord; ++i) {
    const int label = bytes[static_cast<std::size_t>(i * kRecord)];
    if (label <= 9) continue;
    throw Error("not a CIFAR-10 batch",
                {.where = fmt::format("{}, byte {}", path, i * kRecord),
                 .expected = "a label from 0 to 9",
                 .got = fmt::format("{}", label)});
  }
  const ImageSet shape{
      .count = size / kRecord, .height = 32, .width = 32, .channels = 3, .pixels = {}};
  return {shape, [first = bytes.data()](Count image, std::vector<std::uint8_t>& scratch) {
            scratch.resize(3 * kPixels);
            const std::uint8_t* planes = first + image * kRecord + 1;
            for (Count i = 0; i < kPixels; ++i) {
              for (Count c = 0; c < 3; ++c)
                scratch[static_cast<std::size_t>(3 * i + c)] = planes[c * kPixels + i];
            }
            return static_cast<const std::uint8_t*>(scratch.data());
          }};
}

RawImages parse_images(std::span<const std::uint8_t> bytes, const std::string& path) {
  if (is_npy(bytes)) return parse_image_array(bytes, path);
  if (path.ends_with(".bin")) return parse_cifar(bytes, path);
  return parse_idx(bytes, path);
}

/// Appends the images of a file, made small, to `set`.
void append_file(const std::string& path, const ImageOptions& options, ImageSet& set) {
  const PlainBytes file(path);
  const RawImages raw = parse_images(file.bytes(), path);
  ImageSet small{.count = set.count + raw.shape.count,
                 .height = options.side,
                 .width = options.side,
                 .channels = options.is_gray ? 1 : raw.shape.channels,
                 .pixels = {}};
  if (set.count > 0 && !small.has_shape_of(set)) {
    throw Error("images of different kinds",
                {.where = path,
                 .expected = fmt::format("{} channels", set.channels),
                 .got = fmt::format("{}", small.channels)});
  }
  small.pixels = std::move(set.pixels);
  std::vector<std::uint8_t> scratch, gray;
  for (Count i = 0; i < raw.shape.count; ++i) {
    const std::uint8_t* image = raw.image(i, scratch);
    ImageSet shape = raw.shape;
    if (options.is_gray && shape.channels == 3) {
      gray.resize(static_cast<std::size_t>(shape.height * shape.width));
      to_gray(image, shape.height * shape.width, gray.data());
      image = gray.data();
      shape.channels = 1;
    }
    const std::size_t end = small.pixels.size();
    small.pixels.resize(end + static_cast<std::size_t>(small.values()));
    resize_by_area(image, shape, options.side, small.pixels.data() + end);
  }
  set = std::move(small);
}

/// The files of a folder, by kind: those that exist of `training`, and one of `held_out`.
struct KnownNames {
  std::vector<std::string> training;
  std::string held_out;
};

const std::vector<KnownNames>& known_names() {
  static const std::vector<KnownNames> names = {
      {{"data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin"},
       "test_batch.bin"},
      {{"train-images-idx3-ubyte"}, "t10k-images-idx3-ubyte"},
      {{"train-images-idx3-ubyte.gz"}, "t10k-images-idx3-ubyte.gz"},
      {{"train.npy"}, "test.npy"}};
  return names;
}

PixelData open_folder(const std::string& folder, const ImageOptions& options) {
  for (const KnownNames& names : known_names()) {
    PixelData data;
    const std::string held_out = folder + "/" + names.held_out;
    std::vector<std::string> training;
    for (const std::string& name : names.training) {
      if (fs::exists(folder + "/" + name)) training.push_back(folder + "/" + name);
    }
    if (training.empty()) continue;
    if (!fs::exists(held_out)) {
      throw Error(
          "no held-out images",
          {.where = held_out, .got = "no such file", .hint = "or give the one file itself"});
    }
    for (const std::string& path : training) append_file(path, options, data.training);
    append_file(held_out, options, data.held_out);
    if (!data.held_out.has_shape_of(data.training)) {
      throw Error("images of different kinds",
                  {.where = held_out,
                   .expected = fmt::format("{} channels", data.training.channels),
                   .got = fmt::format("{}", data.held_out.channels)});
    }
    return data;
  }
  throw Error("no images",
              {.where = folder,
               .expected = "data_batch_1.bin (CIFAR-10), train-images-idx3-ubyte, the same with "
                           ".gz, or train.npy"});
}

/// Moves a tenth of the images, at most 10,000, to the held-out set.
PixelData split_file(ImageSet all, const ImageOptions& options, const std::string& path) {
  if (all.count < 2)
    throw Error("no held-out images", {.where = path, .expected = "at least 2 images", .got = "1"});
  const Count held_out = std::clamp<Count>(all.count / 10, 1, 10000);
  const RandomPermutation order(
      options.seed_task, EpochOrder::kSplit, static_cast<std::uint64_t>(all.count));
  PixelData data;
  for (ImageSet* set : {&data.training, &data.held_out}) {
    *set = {.height = all.height, .width = all.width, .channels = all.channels, .pixels = {}};
  }
  const auto size = static_cast<std::ptrdiff_t>(all.values());
  for (Count i = 0; i < all.count; ++i) {
    const bool is_held_out = static_cast<Count>(order(static_cast<std::uint64_t>(i))) < held_out;
    ImageSet& set = is_held_out ? data.held_out : data.training;
    const auto image = all.pixels.begin() + i * size;
    set.pixels.insert(set.pixels.end(), image, image + size);
    ++set.count;
  }
  return data;
}

}  // namespace

PixelData open_images(const std::string& path, const ImageOptions& options) {
  if (!fs::exists(path)) throw Error("no images", {.where = path, .got = "no such file or folder"});
  PixelData data;
  if (fs::is_directory(path)) {
    data = open_folder(path, options);
  } else {
    ImageSet all;
    append_file(path, options, all);
    data = split_file(std::move(all), options, path);
  }
  ContentDigest contents;
  for (const ImageSet* set : {&data.training, &data.held_out}) contents.update(set->pixels);
  data.digest = digest(fmt::format("{} {} {} {}",
                                   data.training.count,
                                   data.training.height,
                                   data.training.channels,
                                   contents.text()));
  return data;
}

}  // namespace einsearch
