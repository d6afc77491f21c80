#include "nn/regression_loss.h"

#include <doctest/doctest.h>

#include <vector>

#include "compute/random_block.h"
#include "gradients.h"
#include "nn/mlp.h"
#include "structure/notation.h"

using namespace einsearch;

TEST_CASE("huber is half the square inside [-1, 1], grows by 1 outside, and joins smoothly") {
  const auto huber = [](double e) { return loss_of(RegressionLoss::huber, e); };
  CHECK(huber(0.5) == 0.125);
  CHECK(huber(-3) == 2.5);
  CHECK(huber(4) - huber(3) == 1);
  CHECK(huber(1 + 1e-9) - huber(1 - 1e-9) == doctest::Approx(2e-9));
}

TEST_CASE("the gradient of a model with huber loss equals central differences; losses add up") {
  MlpOptions options;
  options.structure = parse_structure("monarch");
  options.width = 6;
  options.depth = 1;
  options.outputs = 3;
  options.loss = RegressionLoss::huber;
  const Mlp<double> model(options);
  const Index samples = 5;
  const RandomBlock<double> x(8, samples, 1), target(3, samples, 2);
  AlignedBuffer<double> values = random_values<double>(model.parameters().size(), 3);
  AlignedBuffer<double> gradient(values.size()), unused(values.size());
  AlignedBuffer<double> workspace(model.workspace_size(samples));
  const ExampleBlock<double> examples{x.view, target.view};
  const double loss =
      model.loss_and_gradient(values.data(), examples, 1, workspace.data(), gradient.data());
  check_gradient(values.span(), gradient.span(), [&] {
    return model.loss_and_gradient(values.data(), examples, 1, workspace.data(), unused.data());
  });
  std::vector<double> each(samples);
  model.losses(values.data(), examples, workspace.data(), each);
  double sum = 0, beyond = 0;
  for (const double one : each) {
    sum += one;
    beyond += one > 0.5 ? 1 : 0;
  }
  CHECK(sum == doctest::Approx(loss));
  CHECK(beyond > 0);  // some errors are in the linear part
}
