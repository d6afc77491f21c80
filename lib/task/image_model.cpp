#include "task/image_model.h"

#include <algorithm>
#include <cmath>

namespace einsearch {
namespace {

constexpr std::array<double, 4> kScales = {2, 4, 8, 16};
constexpr int kHalf = static_cast<int>(kPixelValues) / 2;

}  // namespace

template <typename Scalar>
ImageModelTask<Scalar>::ImageModelTask(const ImageModelOptions& options) : options_(options) {
  const RandomStream stream(options.seed_task, StreamId::image_model);
  for (std::uint64_t t = 0; t < static_cast<std::uint64_t>(inputs()); ++t) {
    places_.push_back({.offset = static_cast<int>(stream.below(17, 2 * t)) - 8,
                       .scale = static_cast<std::size_t>(stream.below(kScales.size(), 2 * t + 1))});
  }
  for (const double scale : kScales) {
    const auto weight = [scale](int k) { return std::exp(-std::abs(k) / scale); };
    double total = 0, sum = 0, entropy = 0;
    for (int k = -kHalf; k < kHalf; ++k) total += weight(k);
    Noise& noise = noises_.emplace_back();
    for (int k = -kHalf; k < kHalf; ++k) {
      const double p = weight(k) / total;
      entropy -= p * std::log(p);
      noise[static_cast<std::size_t>(k + kHalf)] = sum += p;
    }
    entropies_.push_back(entropy);
  }
}

template <typename Scalar>
std::optional<double> ImageModelTask<Scalar>::entropy() const {
  double sum = 0;
  for (const Place& place : places_) sum += entropies_[place.scale];
  return sum / static_cast<double>(places_.size());
}

template <typename Scalar>
int ImageModelTask<Scalar>::prediction(const std::vector<int>& pixels, Index place) const {
  const Index c = options_.channels, row = options_.side * c;
  const auto at = [&pixels](Index t) { return pixels[static_cast<std::size_t>(t)]; };
  const bool has_left = place % row >= c, has_above = place >= row;
  int neighbours = kHalf;
  if (has_left && has_above) {
    neighbours = (at(place - c) + at(place - row)) / 2;
  } else if (has_left) {
    neighbours = at(place - c);
  } else if (has_above) {
    neighbours = at(place - row);
  }
  return place % c == 0 ? neighbours : (neighbours + at(place - 1)) / 2;
}

template <typename Scalar>
void ImageModelTask<Scalar>::training_examples(Count first,
                                               BlockView<Scalar> inputs,
                                               BlockView<Scalar> targets) const {
  examples(RandomStream(options_.seed_data, StreamId::image_pixels, 0), first, inputs, targets);
}

template <typename Scalar>
void ImageModelTask<Scalar>::held_out_examples(Count first,
                                               BlockView<Scalar> inputs,
                                               BlockView<Scalar> targets) const {
  examples(RandomStream(options_.seed_task, StreamId::image_pixels, 1), first, inputs, targets);
}

template <typename Scalar>
void ImageModelTask<Scalar>::examples(const RandomStream& stream,
                                      Count first,
                                      BlockView<Scalar> inputs,
                                      BlockView<Scalar> targets) const {
  std::vector<int> pixels(places_.size());
  for (Index n = 0; n < inputs.samples; ++n) {
    const std::uint64_t draws = static_cast<std::uint64_t>(first + n) * pixels.size();
    for (std::size_t t = 0; t < pixels.size(); ++t) {
      const Noise& noise = noises_[places_[t].scale];
      const auto k = std::upper_bound(noise.begin(), noise.end() - 1, stream.uniform(draws + t)) -
                     noise.begin() - kHalf;
      const int value =
          prediction(pixels, static_cast<Index>(t)) + places_[t].offset + static_cast<int>(k);
      pixels[t] = value & static_cast<int>(kPixelValues - 1);
      targets.row(static_cast<Index>(t))[n] = inputs.row(static_cast<Index>(t))[n] =
          static_cast<Scalar>(pixels[t]);
    }
  }
}

template class ImageModelTask<float>;
template class ImageModelTask<double>;

}  // namespace einsearch
