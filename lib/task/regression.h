// Regression on the output of a fixed random network: the synthetic task of the paper (arXiv
// 2410.02117).
//
//   x ~ N(0, I),   h_1 = f(V_1 x), ..., h_L = f(V_L h_{L-1}),   t = v h_L + c
//
// with f(z) = sqrt(2) relu(z), the paper's, or the smooth f(z) = sin(z) sqrt(2 / (1 - e^-2)), which
// has the same variance for normal z; V entries N(0, 1 / fan_in); v and c are set so that t has
// mean 0 and variance 1 on 1,024 samples. Every step sees fresh examples, so there is no
// over-fitting and no irreducible loss.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "task/task.h"

namespace einsearch {

enum class RegressionTarget { relu, sine };

struct RegressionOptions {
  Index inputs = 8;
  Index target_width = 1024;    ///< the paper's
  Index target_depth = 6;       ///< hidden layers; the paper's
  std::uint64_t seed_task = 0;  ///< the target network and the held-out set
  std::uint64_t seed_data = 0;  ///< the training examples
  RegressionTarget target = RegressionTarget::relu;

  bool operator==(const RegressionOptions&) const = default;
};

template <typename Scalar>
class RegressionTask final : public Task<Scalar> {
 public:
  explicit RegressionTask(const RegressionOptions& options);

  std::string name() const override { return "regression"; }
  Index inputs() const override { return options_.inputs; }
  Index outputs() const override { return 1; }
  void training_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;
  void held_out_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;

 private:
  void examples(const RandomStream& stream,
                Count first,
                BlockView<Scalar> inputs,
                BlockView<Scalar> targets) const;
  void label(BlockView<const Scalar> inputs, BlockView<Scalar> targets) const;
  void activate(BlockView<Scalar> hidden) const;

  RegressionOptions options_;
  std::vector<AlignedBuffer<Scalar>> weights_;  // per layer (outputs, inputs), the read-out last
  Scalar bias_ = 0;
};

}  // namespace einsearch
