// Images from files, made small for the next-pixel task.
//
//   CIFAR-10, binary version   data_batch_1.bin ... data_batch_5.bin, test_batch.bin
//   IDX (MNIST, Fashion-MNIST) train-images-idx3-ubyte, t10k-images-idx3-ubyte, also .gz
//   NumPy                      train.npy, test.npy: uint8, (N, H, W) or (N, H, W, C), C 1 or 3
//
// A folder is searched for these names in this order. A single file of any of these kinds (told by
// its first bytes, CIFAR by its name ending in .bin) is a set whose held-out images are a tenth of
// it, at most 10,000, chosen by the seed.
#pragma once

#include <string>

#include "task/pixels.h"

namespace einsearch {

struct ImageOptions {
  Index side = 8;               ///< images become side x side by area averaging
  bool is_gray = false;         ///< turns colour into gray
  std::uint64_t seed_task = 0;  ///< the held-out images of a single file

  bool operator==(const ImageOptions&) const = default;
};

/// Throws Error naming the file for whatever is missing, truncated, or not what it should be.
PixelData open_images(const std::string& path, const ImageOptions& options);

}  // namespace einsearch
