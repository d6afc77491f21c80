#include "io/parity_case.h"

#include "compute/random_block.h"
#include "io/safetensors.h"
#include "nn/linear.h"

namespace einsearch {
namespace {

constexpr Index kSamples = 3;

/// (features, N) as (N, features) in single precision.
std::vector<float> transposed(BlockView<const double> block) {
  std::vector<float> numbers;
  for (Index n = 0; n < block.samples; ++n) {
    for (Index f = 0; f < block.features; ++f)
      numbers.push_back(static_cast<float>(block.row(f)[n]));
  }
  return numbers;
}

/// Rounds numbers to single precision, so that the file holds exactly what was computed with.
void round_to_float(std::span<double> numbers) {
  for (double& number : numbers) number = static_cast<double>(static_cast<float>(number));
}

}  // namespace

void write_parity_case(const std::string& path,
                       const LayerShape& shape,
                       bool has_weight_norm,
                       const std::map<std::string, std::string>& metadata) {
  ParameterLayout layout;
  const Linear linear(layout, "", shape, {.has_weight_norm = has_weight_norm});
  AlignedBuffer<double> values = initial_values<double>(layout, 0);
  const AlignedBuffer<double> noise = random_values<double>(layout.size(), 1);
  for (const ParameterInfo& tensor : layout.tensors()) {
    for (Index i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      double& value = values.data()[i];
      value = tensor.init == Init::normal ? value * (has_weight_norm ? 1.5 : 1) : noise.data()[i];
    }
  }
  round_to_float(values.span());
  AlignedBuffer<double> effective(layout.size()), gradient(layout.size());
  normalise_weights(layout, values.data(), effective.data());

  const RandomBlock<double> x(shape.d_in, kSamples, 2), dy(shape.d_out, kSamples, 3);
  for (const auto* block : {&x, &dy}) {
    for (Index f = 0; f < block->view.features; ++f)
      round_to_float({block->view.row(f), static_cast<std::size_t>(kSamples)});
  }
  const Index saved_rows = linear.saved_features() + 1,
              scratch_rows = linear.scratch_features() + 1;
  RandomBlock<double> y(shape.d_out, kSamples, 0), dx(shape.d_in, kSamples, 0);
  RandomBlock<double> saved(saved_rows, kSamples, 0), scratch(scratch_rows, kSamples, 0);
  linear.forward<double>(effective.data(), x.view, y.view, saved.view, scratch.view);
  linear.backward<double>(
      effective.data(), x.view, saved.view, dy.view, dx.view, scratch.view, gradient.data());
  normalise_weights_backward(layout, values.data(), gradient.data());

  const auto to_float = [](const AlignedBuffer<double>& from) {
    return std::vector<float>(from.span().begin(), from.span().end());
  };
  const std::vector<float> parameters = to_float(values), gradients = to_float(gradient);
  std::vector<NamedTensor> tensors;
  for (const auto& [prefix, numbers] : {std::pair{"", &parameters}, std::pair{"d", &gradients}}) {
    for (NamedTensor& tensor : named_tensors(layout, *numbers)) {
      tensor.name = prefix + tensor.name.substr(1);  // the layer has no name: ".A"
      tensors.push_back(std::move(tensor));
    }
  }
  const std::vector<float> of_x = transposed(x.view), of_y = transposed(y.view),
                           of_dx = transposed(dx.view), of_dy = transposed(dy.view);
  tensors.push_back({"x", {kSamples, shape.d_in}, of_x});
  tensors.push_back({"y", {kSamples, shape.d_out}, of_y});
  tensors.push_back({"dx", {kSamples, shape.d_in}, of_dx});
  tensors.push_back({"dy", {kSamples, shape.d_out}, of_dy});
  write_safetensors(path, tensors, metadata);
}

}  // namespace einsearch
