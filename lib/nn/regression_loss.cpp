#include "nn/regression_loss.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/suggest.h"
#include "compute/elementwise.h"

namespace einsearch {

const std::vector<std::string>& loss_names() {
  static const std::vector<std::string> names = {"mse", "huber"};
  return names;
}

const char* to_string(RegressionLoss loss) {
  return loss_names()[static_cast<std::size_t>(loss)].c_str();
}

RegressionLoss parse_loss(std::string_view name) {
  const auto& names = loss_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<RegressionLoss>(found - names.begin());
  throw Error("unknown loss", {.got = std::string(name), .hint = did_you_mean(name, names)});
}

double loss_of(RegressionLoss loss, double error) {
  if (loss == RegressionLoss::mse) return error * error;
  const double size = std::abs(error);
  return size <= 1 ? error * error / 2 : size - 0.5;
}

template <typename Scalar>
double loss_and_error(RegressionLoss loss,
                      BlockView<const Scalar> prediction,
                      BlockView<const Scalar> targets,
                      double scale,
                      BlockView<Scalar> error) {
  if (loss == RegressionLoss::mse)
    return elementwise<Scalar>().squared_error(prediction, targets, scale, error);
  double sum = 0;
  for (Index f = 0; f < prediction.features; ++f) {
    Scalar* derivative = error.row(f);
    for (Index n = 0; n < prediction.samples; ++n) {
      const double e =
          static_cast<double>(prediction.row(f)[n]) - static_cast<double>(targets.row(f)[n]);
      sum += loss_of(loss, e);
      derivative[n] = static_cast<Scalar>(scale * std::clamp(e, -1.0, 1.0));
    }
    std::fill(derivative + prediction.samples, derivative + prediction.padded(), Scalar{0});
  }
  return sum;
}

template double loss_and_error<float>(
    RegressionLoss, BlockView<const float>, BlockView<const float>, double, BlockView<float>);
template double loss_and_error<double>(
    RegressionLoss, BlockView<const double>, BlockView<const double>, double, BlockView<double>);

}  // namespace einsearch
