#include "io/image_files.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/run_binary.h"
#include "base/error.h"

using namespace einsearch;

namespace {

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string big_endian(unsigned value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

/// Images of 2 x 2 with pixels i, i, i, i.
std::string idx_images(unsigned count, unsigned magic = 0x803) {
  std::string bytes = big_endian(magic) + big_endian(count) + big_endian(2) + big_endian(2);
  for (unsigned i = 0; i < count; ++i) bytes += std::string(4, static_cast<char>(i));
  return bytes;
}

std::string npy(const std::string& type, const std::string& shape, const std::string& data) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header += std::string((64 - (10 + header.size() + 1) % 64) % 64, ' ') + "\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) +
         static_cast<char>(header.size() >> 8) + header + data;
}

/// A record whose red, green and blue are constant.
std::string cifar_record(char label, char red, char green, char blue) {
  return label + std::string(1024, red) + std::string(1024, green) + std::string(1024, blue);
}

std::string fresh_folder(const std::string& name) {
  const std::string path = scratch_path(name);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

}  // namespace

TEST_CASE("an IDX folder gives its images, plain or gzipped, and equal contents equal digests") {
  const std::string plain = fresh_folder("idx"), packed = fresh_folder("idx-gz");
  write_bytes(plain + "/train-images-idx3-ubyte", idx_images(5));
  write_bytes(plain + "/t10k-images-idx3-ubyte", idx_images(2));
  for (const char* name : {"/train-images-idx3-ubyte", "/t10k-images-idx3-ubyte"}) {
    const std::string bytes = idx_images(name[1] == 't' && name[2] == 'r' ? 5 : 2);
    const gzFile file = gzopen((packed + name + ".gz").c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  }
  const PixelData data = open_images(plain, {.side = 1});
  CHECK(data.training.count == 5);
  CHECK(data.held_out.count == 2);
  CHECK(data.training.pixels == std::vector<std::uint8_t>{0, 1, 2, 3, 4});
  CHECK(open_images(packed, {.side = 1}) == data);
  CHECK_FALSE(open_images(packed, {.side = 2}) == data);
}

TEST_CASE("CIFAR-10 planes become pixels of red, green and blue") {
  const std::string folder = fresh_folder("cifar");
  write_bytes(folder + "/data_batch_1.bin", cifar_record(3, 1, 2, 3) + cifar_record(9, 4, 5, 6));
  write_bytes(folder + "/data_batch_2.bin", cifar_record(0, 7, 8, 9));
  write_bytes(folder + "/test_batch.bin", cifar_record(0, 100, 100, 100));
  const PixelData data = open_images(folder, {.side = 1});
  CHECK(data.training.pixels == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(data.held_out.pixels == std::vector<std::uint8_t>{100, 100, 100});
  CHECK(open_images(folder, {.side = 1, .is_gray = true}).held_out.pixels ==
        std::vector<std::uint8_t>{100});
}

TEST_CASE("a single array is split: a tenth is held out, every image is in one set") {
  const std::string path = scratch_path("images.npy");
  std::string pixels;
  for (int i = 0; i < 40; ++i) pixels += std::string(4, static_cast<char>(i));
  write_bytes(path, npy("|u1", "(40, 2, 2)", pixels));
  const PixelData data = open_images(path, {.side = 1});
  CHECK(data.training.count == 36);
  CHECK(data.held_out.count == 4);
  std::vector<std::uint8_t> all = data.training.pixels;
  all.insert(all.end(), data.held_out.pixels.begin(), data.held_out.pixels.end());
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < 40; ++i) CHECK(all[i] == i);
  CHECK_FALSE(open_images(path, {.side = 1, .seed_task = 1}) == data);
}

TEST_CASE("files that are not what they should be are refused with one line that names them") {
  const std::string path = scratch_path("images");
  const auto refusal = [&path](const std::string& bytes, const std::string& suffix) {
    write_bytes(path + suffix, bytes);
    try {
      open_images(path + suffix, {.side = 2});
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find(path + suffix) != std::string::npos);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const auto starts = [](const std::string& text, const char* with) {
    CAPTURE(text);
    CHECK(text.starts_with(with));
  };
  const std::string whole = idx_images(5);
  starts(refusal(whole.substr(0, whole.size() - 1), ""), "a truncated image file");
  starts(refusal(whole + "x", ""), "a truncated image file");
  starts(refusal(whole.substr(0, 9), ""), "a truncated image file");
  starts(refusal(idx_images(5, 0x801), ""), "not an IDX file of images");
  starts(refusal("", ""), "not an IDX file of images");
  starts(refusal(idx_images(0), ""), "no images");
  starts(refusal(cifar_record(1, 1, 1, 1) + "x", ".bin"), "not a CIFAR-10 batch");
  starts(refusal(cifar_record(10, 1, 1, 1), ".bin"), "not a CIFAR-10 batch");
  starts(refusal("", ".bin"), "not a CIFAR-10 batch");
  starts(refusal(npy("|u1", "(2, 2, 2)", "1234567"), ".npy"), "a truncated array");
  starts(refusal(npy("<f4", "(1, 1, 1)", "1234"), ".npy"), "not an array of images");
  starts(refusal(npy("|u1", "(8,)", "12345678"), ".npy"), "not an array of images");
  starts(refusal(npy("|O", "(8,)", "12345678"), ".npy"), "an array of an unknown type");
  starts(refusal(npy("|u1", "(2, 2, 2, 2)", std::string(16, 'a')), ".npy"), "no images");
  starts(refusal("\x1f\x8b" + std::string(30, 'x'), ".gz"), "cannot unpack");
  CHECK_THROWS_AS(open_images(fresh_folder("empty"), {}), Error);
  CHECK_THROWS_AS(open_images(scratch_path("nothing-here"), {}), Error);
}

TEST_CASE("a gzip file cut at any place is refused") {
  const std::string path = scratch_path("cut.gz");
  const gzFile file = gzopen(path.c_str(), "wb");
  const std::string bytes = idx_images(100);
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  CHECK(open_images(path, {.side = 2}).training.count == 90);
  const auto size = std::filesystem::file_size(path);
  for (std::uintmax_t kept = size - 1; kept > 2; kept -= std::min<std::uintmax_t>(kept - 2, 7)) {
    CAPTURE(kept);
    std::filesystem::resize_file(path, kept);
    CHECK_THROWS_AS(open_images(path, {.side = 2}), Error);
  }
}
