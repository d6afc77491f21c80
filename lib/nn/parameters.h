// The trainable numbers of a model: one flat array, and a list that says what lies where. Values,
// gradients and moments of the optimiser are arrays of this one layout.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "compute/block.h"
#include "compute/product.h"
#include "structure/layer_shape.h"

namespace einsearch {

enum class Init { normal, zeros, ones };

/// Weight normalisation: the layer uses gain w / max(1, rms / max_rms), rms = sqrt(mean(w^2) +
/// epsilon).
struct WeightNorm {
  double max_rms;
  double epsilon;
  Index gain = -1;  ///< offset of the learned gain in the layout; -1: the gain is 1
};

struct ParameterInfo {
  std::string name;          ///< e.g. blocks.0.up.A
  std::vector<Index> shape;  ///< row-major
  Init init = Init::zeros;
  double init_std = 0;           ///< of the normal draws
  double lr_multiplier = 1;      ///< learning rate = base rate * multiplier, for Adam
  double lr_multiplier_sgd = 1;  ///< the same for plain gradient descent
  bool decays = false;           ///< weight decay acts on it
  std::optional<WeightNorm> norm = {};
  std::optional<BatchedProduct> product = {};  ///< that the tensor is the weights of
  std::optional<LayerShape> layer = {};        ///< that the tensor is the weights of
  Index copies = 1;  ///< equal parts of the tensor, each of them the weights of such a product
  Index offset = 0;  ///< first element in the flat array; set by ParameterLayout::add
  Index size = 0;    ///< product of shape; set by ParameterLayout::add
};

class ParameterLayout {
 public:
  /// Appends a tensor and returns its offset.
  Index add(ParameterInfo info);

  const std::vector<ParameterInfo>& tensors() const { return tensors_; }
  Index size() const { return size_; }

 private:
  std::vector<ParameterInfo> tensors_;
  Index size_ = 0;
};

/// Initial values; tensor k draws from sub-stream k of `seed`.
template <typename Scalar>
AlignedBuffer<Scalar> initial_values(const ParameterLayout& layout, std::uint64_t seed);

bool has_weight_norm(const ParameterLayout& layout);

/// effective = values, with weight normalisation applied; of one tensor or of all.
template <typename Scalar>
void normalise_weights(const ParameterInfo& tensor, const Scalar* values, Scalar* effective);
template <typename Scalar>
void normalise_weights(const ParameterLayout& layout, const Scalar* values, Scalar* effective);

/// Turns the gradient by effective weights into that by the raw ones and the gains, in place. With
/// s = rms / max_rms > 1:
///   dw = gain (dE / s - w sum(dE w) / (s^2 n rms max_rms));    dw = gain dE where s <= 1
///   dgain = sum(dE w) / max(1, s)
template <typename Scalar>
void normalise_weights_backward(const ParameterInfo& tensor,
                                const Scalar* values,
                                Scalar* gradient);
template <typename Scalar>
void normalise_weights_backward(const ParameterLayout& layout,
                                const Scalar* values,
                                Scalar* gradient);

}  // namespace einsearch
