// The gate of a mixture of experts: which experts work on which samples, and with what weight.
//
//   h = W x                                 W (E, I), one logit per expert
//   K experts of the largest logits;  share = softmax over these K;  weight = share + floor
//
// The copies of samples that the experts work on lie in columns (compute/routes.h).
//
// Auxiliary loss of one gate over the N samples of a block (Fedus et al. 2021, Zoph et al. 2022):
//   E sum_e p_e f_e + 0.1 mean_n (log sum_e exp h)^2
// with p_e the mean of the softmax over all experts and f_e = (samples that chose e) / (K N), which
// passes no gradient. The means are over one block of samples, not over a batch, so that blocks
// stay independent of each other.
#pragma once

#include <vector>

#include "compute/routes.h"
#include "nn/linear.h"
#include "nn/workspace.h"

namespace einsearch {

struct GateOptions {
  Index experts = 1;
  Index active = 1;           ///< K experts per sample
  double floor = 0;           ///< is added to the weights of the chosen
  bool has_zero_init = true;  ///< else std d_in^-1/2
  Index base_in = 0;          ///< see LinearOptions
};

class Gate {
 public:
  /// Adds NAME.weight. 1 <= active <= experts.
  Gate(ParameterLayout& layout, const std::string& name, Index inputs, const GateOptions& options);

  Index experts() const { return options_.experts; }
  Index active() const { return options_.active; }
  Count flops() const { return linear_.shape().flops; }
  Count weights() const { return linear_.shape().params; }

  void take_rows(RowCounter& rows);

  /// How much room `features` rows of all columns take.
  ColumnPlace column_room(Index features) const;

  /// Chooses experts for the samples of x whose `token` is not negative (null: for all).
  template <typename Scalar>
  void choose(const Weights<Scalar>& weights,
              BlockView<const Scalar> x,
              const Scalar* token,
              const Rows<Scalar>& rows) const;

  /// Those of each expert, after choose().
  template <typename Scalar>
  std::vector<ExpertColumns<Scalar>> columns(const Rows<Scalar>& rows) const;

  /// Samples that chose the expert.
  template <typename Scalar>
  Count load(Index expert, const Rows<const Scalar>& rows) const {
    return static_cast<Count>(rows.at(counts_)[expert]);
  }

  /// After choose(), before backward().
  template <typename Scalar>
  double auxiliary_loss(const Scalar* token, const Rows<Scalar>& rows) const;

  /// The gradient by what the columns' weights and auxiliary_scale * auxiliary_loss() contribute:
  /// dW += ..., and dx += ... unless dx has no data. The columns' slope must have been filled.
  template <typename Scalar>
  void backward(const Weights<Scalar>& weights,
                BlockView<const Scalar> x,
                const Scalar* token,
                double auxiliary_scale,
                const Rows<Scalar>& rows,
                BlockView<Scalar> dx,
                Scalar* gradient) const;

 private:
  GateOptions options_;
  Linear linear_;
  Index logits_ = 0, chosen_ = 0, shares_ = 0, log_sum_ = 0;  // rows
  ColumnPlace counts_, firsts_;                               // one number per expert
  ColumnPlace sample_, share_, weight_, slope_;               // one number per column
};

}  // namespace einsearch
