// One linear layer for each expert of a mixture: all of one shape, each with its own weights and
// its own samples (compute/routes.h).
//
// The batches of a product are independent of each other (compute/contraction.h), so the experts go
// through them side by side, as many batches at a time as make some hundred rows of x or y. What is
// gathered from x is still in the cache when the products read it, and what they make is still
// there when it is added to y: each row of x and of y is read or written once for all experts
// together, or once for each part of z where that is wide.
#pragma once

#include <utility>
#include <vector>

#include "compute/mixture_kernels.h"
#include "nn/linear.h"

namespace einsearch {

/// What the layers of a mixture share during a pass over one block of samples.
template <typename Scalar>
struct ExpertPass {
  ExpertPass(const Weights<Scalar>& all_weights,
             std::vector<ExpertColumns<Scalar>> all_experts,
             Index samples)
      : weights(all_weights),
        experts(std::move(all_experts)),
        routes(find_routes(experts, samples, mixture_kernels<Scalar>().lanes)),
        row_size(experts.back().before + experts.back().stride) {}

  Weights<Scalar> weights;
  std::vector<ExpertColumns<Scalar>> experts;  ///< at least one
  Routes<Scalar> routes;
  Index row_size;  ///< columns of all experts, with their margins
};

/// What the experts read or make: samples, whose copies or sums go through columns; or, where
/// `samples` has no data, columns; or nothing, where they have none either. Columns of x have
/// pad_in rows at least, those of y pad_out.
template <typename Scalar>
struct ExpertBlock {
  BlockView<Scalar> samples = {};
  ColumnRows<Scalar> columns = {};
};

class ExpertLayers {
 public:
  /// Layers of one shape, at least one.
  explicit ExpertLayers(std::vector<Linear> experts) : experts_(std::move(experts)) {}

  const LayerShape& shape() const { return experts_.front().shape(); }

  /// Rows of all columns that forward() leaves for backward(), and that either needs for itself.
  Index saved_features() const { return experts_.front().kept_features(); }
  Index scratch_features() const;

  /// y = sum_e weight_e f_e(x) for samples, or higher by that; y_e = f_e(x_e) for columns, whatever
  /// `store`, and with `slope` as in Linear::forward.
  template <typename Scalar>
  void forward(const ExpertPass<Scalar>& pass,
               const ExpertBlock<const Scalar>& x,
               const ExpertBlock<Scalar>& y,
               Scalar* saved,
               Scalar* scratch,
               Store store = Store::overwrite,
               ColumnRows<Scalar> slope = {}) const;

  /// dx = sum_e W_e^T dy_e for samples, or higher by that; dx_e = W_e^T dy_e for columns, whatever
  /// `store`; or nothing. The gradients by the weights are added to `gradient`. Where dy are
  /// samples, dy_e = weight_e dy and
  ///   slope_e += <W_e^T dy_e, x_e> + <dy_e, b_e> = weight_e dweight_e
  template <typename Scalar>
  void backward(const ExpertPass<Scalar>& pass,
                const ExpertBlock<const Scalar>& x,
                const Scalar* saved,
                const ExpertBlock<const Scalar>& dy,
                const ExpertBlock<Scalar>& dx,
                Scalar* scratch,
                Scalar* gradient,
                Store store = Store::overwrite) const;

 private:
  std::vector<Linear> experts_;
};

}  // namespace einsearch
