#include "nn/weights.h"

namespace einsearch {

template <typename Scalar>
Weights<Scalar> PackedWeights<Scalar>::pack(const ParameterLayout& layout,
                                            const Scalar* values,
                                            const Threads& threads) {
  if (forward_.size() != layout.size()) {
    forward_ = AlignedBuffer<Scalar>(layout.size());
    backward_ = AlignedBuffer<Scalar>(layout.size());
  }
  const std::vector<ParameterInfo>& tensors = layout.tensors();
  threads.for_each(2 * static_cast<Index>(tensors.size()), [&](Index job) {
    const ParameterInfo& tensor = tensors[static_cast<std::size_t>(job / 2)];
    if (!tensor.product) return;
    for (Index copy = 0; copy < tensor.copies; ++copy) {
      const Index offset = tensor.offset + copy * (tensor.size / tensor.copies);
      if (job % 2 == 0) {
        pack_forward(*tensor.product, values + offset, forward_.data() + offset);
      } else {
        pack_backward(*tensor.product, values + offset, backward_.data() + offset);
      }
    }
  });
  return {values, forward_.data(), backward_.data()};
}

template class PackedWeights<float>;
template class PackedWeights<double>;

}  // namespace einsearch
