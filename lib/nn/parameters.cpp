#include "nn/parameters.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "compute/elementwise.h"

namespace einsearch {
namespace {

template <typename Scalar>
double root_mean_square(const ParameterInfo& tensor, const Scalar* values) {
  return std::sqrt(elementwise<Scalar>().sum_of_squares(values + tensor.offset, tensor.size) /
                       static_cast<double>(tensor.size) +
                   tensor.norm->epsilon);
}

template <typename Scalar>
double gain_of(const ParameterInfo& tensor, const Scalar* values) {
  return tensor.norm->gain < 0 ? 1 : static_cast<double>(values[tensor.norm->gain]);
}

}  // namespace

Index ParameterLayout::add(ParameterInfo info) {
  info.offset = size_;
  info.size = 1;
  for (const Index extent : info.shape) info.size *= extent;
  size_ += info.size;
  tensors_.push_back(std::move(info));
  return tensors_.back().offset;
}

template <typename Scalar>
AlignedBuffer<Scalar> initial_values(const ParameterLayout& layout, std::uint64_t seed) {
  AlignedBuffer<Scalar> values(layout.size());
  std::uint32_t sub_stream = 0;
  for (const ParameterInfo& tensor : layout.tensors()) {
    const auto part = values.span().subspan(static_cast<std::size_t>(tensor.offset),
                                            static_cast<std::size_t>(tensor.size));
    if (tensor.init == Init::ones) std::fill(part.begin(), part.end(), Scalar{1});
    if (tensor.init == Init::normal) {
      RandomStream(seed, StreamId::parameters, sub_stream).fill_normal(0, part);
      for (Scalar& value : part) value *= static_cast<Scalar>(tensor.init_std);
    }
    ++sub_stream;
  }
  return values;
}

bool has_weight_norm(const ParameterLayout& layout) {
  return std::any_of(layout.tensors().begin(),
                     layout.tensors().end(),
                     [](const ParameterInfo& tensor) { return tensor.norm.has_value(); });
}

template <typename Scalar>
void normalise_weights(const ParameterInfo& tensor, const Scalar* values, Scalar* effective) {
  double scale = 1;
  if (tensor.norm) {
    const double ratio = root_mean_square(tensor, values) / tensor.norm->max_rms;
    scale = gain_of(tensor, values) / std::max(1.0, ratio);
  }
  elementwise<Scalar>().scale_into(
      scale, values + tensor.offset, effective + tensor.offset, tensor.size);
}

template <typename Scalar>
void normalise_weights(const ParameterLayout& layout, const Scalar* values, Scalar* effective) {
  for (const ParameterInfo& tensor : layout.tensors()) normalise_weights(tensor, values, effective);
}

template <typename Scalar>
void normalise_weights_backward(const ParameterInfo& tensor,
                                const Scalar* values,
                                Scalar* gradient) {
  if (!tensor.norm) return;
  const double rms = root_mean_square(tensor, values);
  const double ratio = rms / tensor.norm->max_rms, gain = gain_of(tensor, values);
  const bool has_gain = tensor.norm->gain >= 0;
  if (ratio <= 1 && !has_gain) return;
  const Scalar* w = values + tensor.offset;
  Scalar* dw = gradient + tensor.offset;
  const double product = elementwise<Scalar>().dot(dw, w, tensor.size);
  if (has_gain) gradient[tensor.norm->gain] += static_cast<Scalar>(product / std::max(1.0, ratio));
  if (ratio <= 1) {
    elementwise<Scalar>().scale_into(gain, dw, dw, tensor.size);
    return;
  }
  const double along =
      product / (ratio * ratio * static_cast<double>(tensor.size) * rms * tensor.norm->max_rms);
  elementwise<Scalar>().combine(-gain * along, w, gain / ratio, dw, tensor.size);
}

template <typename Scalar>
void normalise_weights_backward(const ParameterLayout& layout,
                                const Scalar* values,
                                Scalar* gradient) {
  for (const ParameterInfo& tensor : layout.tensors())
    normalise_weights_backward(tensor, values, gradient);
}

template AlignedBuffer<float> initial_values<float>(const ParameterLayout&, std::uint64_t);
template AlignedBuffer<double> initial_values<double>(const ParameterLayout&, std::uint64_t);
template void normalise_weights<float>(const ParameterInfo&, const float*, float*);
template void normalise_weights<double>(const ParameterInfo&, const double*, double*);
template void normalise_weights<float>(const ParameterLayout&, const float*, float*);
template void normalise_weights<double>(const ParameterLayout&, const double*, double*);
template void normalise_weights_backward<float>(const ParameterInfo&, const float*, float*);
template void normalise_weights_backward<double>(const ParameterInfo&, const double*, double*);
template void normalise_weights_backward<float>(const ParameterLayout&, const float*, float*);
template void normalise_weights_backward<double>(const ParameterLayout&, const double*, double*);

}  // namespace einsearch
