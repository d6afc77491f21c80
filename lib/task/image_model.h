// Synthetic images whose entropy is known: every pixel is a prediction from its neighbours plus
// noise, on the circle of 256 values.
//
//   x_t = (prediction_t + offset_t + noise_t) mod 256,   P(noise = k) ~ exp(-|k| / scale_t), -128
//   <= k < 128
//
// The prediction is the mean, rounded down, of the pixels to the left and above (of the same
// channel), one of them at an edge, and 128 at the corner; in channels after the first the pixel's
// channel before is averaged in as well. Offsets (-8 ... 8) and scales (2, 4, 8 or 16) of each
// place come from the seed. Given the pixels before it a pixel has the entropy of its noise
// whatever they are, so the least loss of any model is the mean of those entropies.
#pragma once

#include <array>
#include <vector>

#include "base/random.h"
#include "task/pixels.h"

namespace einsearch {

struct ImageModelOptions {
  Index side = 8;
  Index channels = 1;           ///< 1 gray, 3 colour
  std::uint64_t seed_task = 0;  ///< offsets and scales, and the held-out images
  std::uint64_t seed_data = 0;  ///< the training images

  bool operator==(const ImageModelOptions&) const = default;
};

template <typename Scalar>
class ImageModelTask final : public Task<Scalar> {
 public:
  explicit ImageModelTask(const ImageModelOptions& options);

  std::string name() const override { return "pixels"; }
  Index inputs() const override { return options_.side * options_.side * options_.channels; }
  Index outputs() const override { return inputs(); }
  Index vocabulary() const override { return kPixelValues; }
  std::optional<double> entropy() const override;
  void training_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;
  void held_out_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;

 private:
  struct Place {
    int offset = 0;
    std::size_t scale = 0;  // which of the noises
  };
  using Noise = std::array<double, kPixelValues>;  // cumulative probability of -128, -127, ...

  void examples(const RandomStream& stream,
                Count first,
                BlockView<Scalar> inputs,
                BlockView<Scalar> targets) const;
  int prediction(const std::vector<int>& pixels, Index place) const;

  ImageModelOptions options_;
  std::vector<Place> places_;
  std::vector<Noise> noises_;
  std::vector<double> entropies_;  // of the noises
};

}  // namespace einsearch
