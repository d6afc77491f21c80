#include "task/pixels.h"

#include <algorithm>

#include "task/epochs.h"

namespace einsearch {
namespace {

/// Old pixel j covers [j new_size, (j + 1) new_size), new pixel i covers [i old_size, (i + 1)
/// old_size) of a common axis of length old_size new_size.
struct Overlap {
  Index first, last;  // old pixels that new pixel i touches
  Index old_size, new_size, i;

  Overlap(Index new_pixel, Index from, Index to)
      : first(new_pixel * from / to),
        last(((new_pixel + 1) * from - 1) / to),
        old_size(from),
        new_size(to),
        i(new_pixel) {}

  Index length(Index j) const {
    return std::min((j + 1) * new_size, (i + 1) * old_size) - std::max(j * new_size, i * old_size);
  }
};

template <typename Scalar>
void put_image(const ImageSet& images,
               Count image,
               Index sample,
               BlockView<Scalar> inputs,
               BlockView<Scalar> targets) {
  const std::uint8_t* pixels = images.pixels.data() + image * images.values();
  for (Index t = 0; t < inputs.features; ++t)
    targets.row(t)[sample] = inputs.row(t)[sample] = static_cast<Scalar>(pixels[t]);
}

}  // namespace

void resize_by_area(const std::uint8_t* image,
                    const ImageSet& shape,
                    Index side,
                    std::uint8_t* resized) {
  const Index area = shape.height * shape.width;
  for (Index y = 0; y < side; ++y) {
    const Overlap rows(y, shape.height, side);
    for (Index x = 0; x < side; ++x) {
      const Overlap columns(x, shape.width, side);
      for (Index c = 0; c < shape.channels; ++c) {
        Index sum = 0;
        for (Index i = rows.first; i <= rows.last; ++i) {
          for (Index j = columns.first; j <= columns.last; ++j) {
            const Index value = image[(i * shape.width + j) * shape.channels + c];
            sum += rows.length(i) * columns.length(j) * value;
          }
        }
        resized[(y * side + x) * shape.channels + c] =
            static_cast<std::uint8_t>((2 * sum + area) / (2 * area));
      }
    }
  }
}

void to_gray(const std::uint8_t* image, Index pixels, std::uint8_t* gray) {
  for (Index i = 0; i < pixels; ++i) {
    const Index sum = 299 * image[3 * i] + 587 * image[3 * i + 1] + 114 * image[3 * i + 2];
    gray[i] = static_cast<std::uint8_t>((sum + 500) / 1000);
  }
}

template <typename Scalar>
void PixelTask<Scalar>::training_examples(Count first,
                                          BlockView<Scalar> inputs,
                                          BlockView<Scalar> targets) const {
  EpochOrder order(options_.seed_data, options_.data->training.count);
  for (Index n = 0; n < inputs.samples; ++n)
    put_image(options_.data->training, order.place(first + n), n, inputs, targets);
}

template <typename Scalar>
void PixelTask<Scalar>::held_out_examples(Count first,
                                          BlockView<Scalar> inputs,
                                          BlockView<Scalar> targets) const {
  const auto count = static_cast<std::uint64_t>(options_.data->held_out.count);
  const RandomPermutation order(options_.seed_task, EpochOrder::kSplit, count);
  for (Index n = 0; n < inputs.samples; ++n) {
    const std::uint64_t image = order(static_cast<std::uint64_t>(first + n) % count);
    put_image(options_.data->held_out, static_cast<Count>(image), n, inputs, targets);
  }
}

template class PixelTask<float>;
template class PixelTask<double>;

}  // namespace einsearch
