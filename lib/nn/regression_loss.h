// What a regression model is trained to make small, per output, with e = prediction - target:
//
//   mse    e^2                                        derivative 2 e
//   huber  e^2 / 2 where |e| <= 1, else |e| - 1/2     derivative e, cut to [-1, 1]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/block.h"

namespace einsearch {

enum class RegressionLoss { mse, huber };

const char* to_string(RegressionLoss loss);
/// Throws Error with a suggestion for an unknown name.
RegressionLoss parse_loss(std::string_view name);
const std::vector<std::string>& loss_names();

/// Of one output.
double loss_of(RegressionLoss loss, double error);

/// Sum over outputs and samples; error = scale * its derivative by the prediction, and zero in the
/// padding lanes. prediction, targets and error are (outputs, N).
template <typename Scalar>
double loss_and_error(RegressionLoss loss,
                      BlockView<const Scalar> prediction,
                      BlockView<const Scalar> targets,
                      double scale,
                      BlockView<Scalar> error);

}  // namespace einsearch
