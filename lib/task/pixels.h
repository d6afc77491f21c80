// Next-pixel prediction: an image is a sequence of values 0 ... 255 in the order row, column,
// channel.
//
// Inputs and targets are the same T values: a model that predicts pixel t sees those before it (and
// puts a token of its own in front). Training images are taken epoch by epoch, each in a
// counter-based random order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "task/task.h"

namespace einsearch {

inline constexpr Index kPixelValues = 256;

/// Images of one size, one after another, each in the order row, column, channel.
struct ImageSet {
  Count count = 0;
  Index height = 0;
  Index width = 0;
  Index channels = 0;  ///< 1 gray, 3 colour
  std::vector<std::uint8_t> pixels;

  Index values() const { return height * width * channels; }
  bool has_shape_of(const ImageSet& other) const {
    return height == other.height && width == other.width && channels == other.channels;
  }
};

/// One image (height, width, channels) made smaller (or larger) to (side, side, channels): each new
/// pixel is the mean over the area that it covers, rounded to the nearest value, halves up. Exact
/// integer arithmetic.
void resize_by_area(const std::uint8_t* image,
                    const ImageSet& shape,
                    Index side,
                    std::uint8_t* resized);

/// One image (height, width, 3) to (height, width): (299 R + 587 G + 114 B) / 1000, rounded.
void to_gray(const std::uint8_t* image, Index pixels, std::uint8_t* gray);

struct PixelData {
  ImageSet training;
  ImageSet held_out;
  std::string digest;  ///< of both; stands for the data in a run's identity

  bool operator==(const PixelData& other) const { return digest == other.digest; }
};

struct PixelTaskOptions {
  std::shared_ptr<const PixelData> data;  ///< both sets hold an image, and all have one size
  std::uint64_t seed_data = 0;            ///< order of the training images
  std::uint64_t seed_task = 0;            ///< order of the held-out images

  bool operator==(const PixelTaskOptions&) const = default;
};

template <typename Scalar>
class PixelTask final : public Task<Scalar> {
 public:
  explicit PixelTask(const PixelTaskOptions& options) : options_(options) {}

  std::string name() const override { return "pixels"; }
  Index inputs() const override { return options_.data->training.values(); }
  Index outputs() const override { return inputs(); }
  Index vocabulary() const override { return kPixelValues; }
  std::optional<double> examples_per_epoch() const override {
    return static_cast<double>(options_.data->training.count);
  }
  std::optional<Count> held_out_size() const override { return options_.data->held_out.count; }
  void training_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;
  void held_out_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;

 private:
  PixelTaskOptions options_;
};

}  // namespace einsearch
