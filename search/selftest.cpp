#include "search/selftest.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/digest.h"
#include "compute/isa.h"
#include "compute/parallel.h"
#include "compute/random_block.h"
#include "nn/mlp.h"
#include "search/selftest_kernels.h"
#include "structure/notation.h"
#include "task/regression.h"
#include "train/training_state.h"

namespace einsearch {
namespace {

/// Largest |analytic gradient - central difference| over all parameters of a small model, relative
/// to the largest gradient.
double error_of_gradient(const std::string& structure) {
  constexpr Index kN = 5;
  MlpOptions options;
  options.inputs = 3;
  options.outputs = 2;
  options.width = 6;
  options.depth = 1;
  options.structure = parse_structure(structure);
  const Mlp<double> model(options);
  const Index size = model.parameters().size();
  AlignedBuffer<double> values = random_values<double>(size, 1), gradient(size);
  const RandomBlock<double> inputs(options.inputs, kN, 2), targets(options.outputs, kN, 3);
  const ExampleBlock<double> examples{inputs.view, targets.view};
  AlignedBuffer<double> workspace(model.workspace_size(kN));
  model.loss_and_gradient(values.data(), examples, 1.0, workspace.data(), gradient.data());

  const auto loss = [&] {
    double each[kN], sum = 0;
    model.losses(values.data(), examples, workspace.data(), each);
    for (const double one : each) sum += one;
    return sum;
  };
  WorstError worst;
  double largest = 0;
  for (Index i = 0; i < size; ++i) {
    constexpr double kStep = 1e-5;
    double& value = values.data()[i];
    const double saved = value;
    value = saved + kStep;
    const double above = loss();
    value = saved - kStep;
    const double below = loss();
    value = saved;
    worst.see(gradient.data()[i], (above - below) / (2 * kStep));
    largest = std::max(largest, std::abs(gradient.data()[i]));
  }
  return worst.value() / largest;
}

/// A short training: the model, and how its sizes are chosen.
struct Training {
  const char* structure;
  Rounding rounding = Rounding::exact;
  bool has_weight_norm = false;
};
constexpr Training kTrainings[] = {{"dense"},
                                   {"low-rank:1/2"},
                                   {"kronecker"},
                                   {"monarch", Rounding::exact, true},
                                   {"btt:ranks=2"},
                                   {"(0.4|0.3|0.3|0.3|0.4|0.3|0.2)", Rounding::paper}};

/// The numbers of a model after a few steps on the regression task.
std::vector<float> train_briefly(const Training& training, const Threads& threads) {
  constexpr Index kBatch = 300, kUpdates = 5;
  MlpOptions options;
  options.width = 44;
  options.depth = 2;
  options.structure = parse_structure(training.structure);
  options.resolve.rounding = training.rounding;
  options.has_weight_norm = training.has_weight_norm;
  const Mlp<float> model(options);
  TrainingState<float> state(model,
                             initial_values<float>(model.parameters(), 1),
                             {.weight_decay = 0.1, .clip = 1},
                             threads);
  const RegressionTask<float> task({.target_width = 16, .target_depth = 2});
  RandomBlock<float> inputs(options.inputs, kBatch, 0), targets(options.outputs, kBatch, 0);
  for (Index step = 0; step < kUpdates; ++step) {
    task.training_examples(step * kBatch, inputs.view, targets.view);
    state.update({inputs.view, targets.view}, 1e-2);
  }
  return {state.values().data(), state.values().data() + state.values().size()};
}

std::vector<float> train_all(const Threads& threads) {
  std::vector<float> all;
  for (const Training& training : kTrainings) {
    const std::vector<float> values = train_briefly(training, threads);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return kInfinity;
  WorstError worst;
  for (std::size_t i = 0; i < a.size(); ++i)
    worst.see(static_cast<double>(a[i]), static_cast<double>(b[i]));
  return worst.value();
}

std::string digest_of(const std::vector<float>& values) {
  return digest({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

/// Chooses instruction sets and puts the one from before back.
class IsaChoice {
 public:
  ~IsaChoice() { use_isa(before_); }
  void use(Isa isa) { use_isa(isa); }

 private:
  Isa before_ = active_isa();
};

class SelfTest {
 public:
  explicit SelfTest(const CheckReport& report) : report_(report) {}

  bool run() {
    IsaChoice choice;
    for (const Isa isa : supported_isas()) {
      choice.use(isa);
      isa_ = to_string(isa);
      const KernelReport checked = [this](const std::string& check, double worst, double most) {
        report(check, worst, most);
      };
      check_products<float>(checked);
      check_products<double>(checked);
      check_passes<float>(checked);
      check_passes<double>(checked);
      check_mixtures<float>(checked);
      check_mixtures<double>(checked);
      for (const char* structure : {"dense", "btt:ranks=2", "(0.5|0.25|0.25|0.25|0.5|0.25|0)"})
        report(std::string("gradient_") + structure, error_of_gradient(structure), 1e-7);
      check_equal_bits();
    }
    return is_passed_;
  }

 private:
  void report(const std::string& check, double worst, double tolerance) {
    send({.check = check,
          .isa = isa_,
          .worst_error = worst,
          .tolerance = tolerance,
          .is_passed = worst <= tolerance});
  }

  void send(const SelfCheck& check) {
    is_passed_ = is_passed_ && check.is_passed;
    report_(check);
  }

  /// Trainings on any number of threads end in the same numbers, and those are the ones expected.
  void check_equal_bits() {
    const std::vector<float> one = train_all(Threads(1));
    double worst = 0;
    for (const int threads : {2, 3}) {
      const double difference = largest_difference(train_all(Threads(threads)), one);
      if (!(difference <= worst)) worst = difference;
    }
    report("equal_bits_threads", worst, 0);
    const std::string signature = digest_of(one);
    send({.check = "signature",
          .isa = isa_,
          .signature = signature,
          .is_passed = signature == kNumericsSignature});
  }

  const CheckReport& report_;
  std::string isa_;
  bool is_passed_ = true;
};

}  // namespace

bool run_selftest(const CheckReport& report) { return SelfTest(report).run(); }

}  // namespace einsearch
