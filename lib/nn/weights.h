// The numbers that a model computes with: its parameters, and its weight matrices once more in the
// orders in which the kernels read them.
#pragma once

#include "compute/parallel.h"
#include "compute/product.h"
#include "nn/parameters.h"

namespace einsearch {

/// A view of arrays of one ParameterLayout. A plain pointer converts to it: weights that are not
/// packed. What is packed changes speed, never a bit.
template <typename Scalar>
struct Weights {
  Weights(const Scalar* plain_values,
          const Scalar* packed_forward = nullptr,
          const Scalar* packed_backward = nullptr)
      : plain(plain_values), forward(packed_forward), backward(packed_backward) {}

  const Scalar* operator+(Index offset) const { return plain + offset; }

  /// The weights of a product whose tensor starts at `offset`, for W x and for W^T dy.
  FactorWeights<Scalar> of_forward(Index offset) const {
    return {plain + offset, forward != nullptr ? forward + offset : nullptr};
  }
  FactorWeights<Scalar> of_backward(Index offset) const {
    return {plain + offset, backward != nullptr ? backward + offset : nullptr};
  }

  const Scalar* plain;
  const Scalar* forward;   ///< every tensor that has a product, at its offset; null: not packed
  const Scalar* backward;  ///< the same for the transposes
};

/// Memory for packed weights; made when first used, reused after that.
template <typename Scalar>
class PackedWeights {
 public:
  /// Packs all tensors of `layout` that have a product, on all threads.
  Weights<Scalar> pack(const ParameterLayout& layout, const Scalar* values, const Threads& threads);

 private:
  AlignedBuffer<Scalar> forward_, backward_;
};

}  // namespace einsearch
