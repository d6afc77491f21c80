#include "compute/sequence_kernels.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "compute/isa.h"
#include "compute/random_block.h"
#include "gradients.h"

using namespace einsearch;

namespace {

/// While alive, kernels are those of one instruction set.
struct IsaInUse {
  explicit IsaInUse(Isa isa) : before(active_isa()) { use_isa(isa); }
  ~IsaInUse() { use_isa(before); }

  Isa before;
};

template <typename Scalar>
std::vector<Scalar> tokens(Index count, Index vocabulary) {
  std::vector<Scalar> all;
  for (Index n = 0; n < count; ++n) {
    all.push_back(static_cast<Scalar>(n % 7 == 6 ? kNoToken : (n * 5 + 3) % vocabulary));
  }
  return all;
}

}  // namespace

TEST_CASE_TEMPLATE("softmax is accurate to the last digits of the differences it exponentiates",
                   Scalar,
                   float,
                   double) {
  const double tolerance = std::is_same_v<Scalar, float> ? 5e-7 : 1e-14;
  for (const Isa isa : supported_isas()) {
    const IsaInUse use(isa);
    for (const double spread : {0.01, 1.0, 30.0}) {
      RandomBlock<Scalar> block(40, 100, 1);
      std::vector<std::vector<double>> scores(40, std::vector<double>(100));
      for (Index k = 0; k < 40; ++k) {
        for (Index n = 0; n < 100; ++n) {
          block.view.row(k)[n] *= static_cast<Scalar>(spread);
          scores[static_cast<std::size_t>(k)][static_cast<std::size_t>(n)] =
              static_cast<double>(block.view.row(k)[n]);
        }
      }
      sequence_kernels<Scalar>().causal_softmax(Scalar{1}, 5, block.view);
      for (std::size_t n = 0; n < 100; ++n) {
        const std::size_t seen = std::min<std::size_t>(40, n + 6);
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        for (std::size_t k = 0; k < seen; ++k) largest = std::max(largest, scores[k][n]);
        for (std::size_t k = 0; k < seen; ++k) sum += std::exp(scores[k][n] - largest);
        for (std::size_t k = 0; k < 40; ++k) {
          const double want = k < seen ? std::exp(scores[k][n] - largest) / sum : 0;
          const double got =
              static_cast<double>(block.view.row(static_cast<Index>(k))[static_cast<Index>(n)]);
          CHECK(std::abs(got - want) <=
                tolerance * (want * (1 + std::abs(scores[k][n] - largest)) + 1e-30));
        }
      }
    }
  }
}

TEST_CASE("cross-entropy is -log softmax of the target, and its gradient the derivative") {
  constexpr Index kVocabulary = 11, kSamples = 37;
  RandomBlock<double> logits(kVocabulary, kSamples, 1);
  const std::vector<double> target = tokens<double>(kSamples, kVocabulary);
  std::vector<double> losses(kSamples);
  const auto loss = [&] {
    sequence_kernels<double>().cross_entropy(logits.view, target.data(), losses.data());
    double sum = 0;
    for (const double each : losses) sum += each;
    return 0.3 * sum;
  };
  const double total = loss();
  double expected = 0;
  for (Index n = 0; n < kSamples; ++n) {
    const auto slot = static_cast<std::size_t>(n);
    if (target[slot] < 0) continue;
    double sum = 0;
    for (Index v = 0; v < kVocabulary; ++v) sum += std::exp(logits.view.row(v)[n]);
    expected += std::log(sum) - logits.view.row(static_cast<Index>(target[slot]))[n];
  }
  CHECK(total == doctest::Approx(0.3 * expected).epsilon(1e-13));

  RandomBlock<double> gradient(kVocabulary, kSamples, 1);
  std::vector<double> again(kSamples);
  sequence_kernels<double>().cross_entropy_gradient(
      0.3, target.data(), gradient.view, again.data());
  CHECK(again == losses);
  for (Index v = 0; v < kVocabulary; ++v) {
    check_gradient({logits.view.row(v), kSamples}, {gradient.view.row(v), kSamples}, loss);
    for (Index n = kSamples; n < gradient.view.padded(); ++n) CHECK(gradient.view.row(v)[n] == 0);
  }
}

TEST_CASE("losses stay finite where exponentials would not") {
  RandomBlock<float> logits(3, 16, 1);
  for (Index n = 0; n < 16; ++n) {
    logits.view.row(0)[n] = 1e4f;
    logits.view.row(1)[n] = -1e4f;
    logits.view.row(2)[n] = 0;
  }
  const std::vector<float> target(16, 1.0f);
  std::vector<float> losses(16);
  sequence_kernels<float>().cross_entropy_gradient(1.0f, target.data(), logits.view, losses.data());
  CHECK(losses[0] == 2e4f);
  CHECK(logits.view.row(0)[0] == 1);
  CHECK(logits.view.row(1)[0] == -1);
  CHECK(logits.view.row(2)[0] == 0);
}

TEST_CASE("embedding reads rows of both tables, and its backward adds to the same rows") {
  constexpr Index kFeatures = 3, kPeriod = 16, kSamples = 32, kVocabulary = 5;
  const std::vector<double> token = tokens<double>(kSamples, kVocabulary);
  AlignedBuffer<double> table = random_values<double>(kVocabulary * kFeatures, 1),
                        positions = random_values<double>(kPeriod * kFeatures, 2);
  RandomBlock<double> y(kFeatures, kSamples, 3), c(kFeatures, kSamples, 4);
  const auto loss = [&] {
    sequence_kernels<double>().embed(token.data(), table.data(), positions.data(), kPeriod, y.view);
    double sum = 0;
    for (Index f = 0; f < kFeatures; ++f) {
      for (Index n = 0; n < kSamples; ++n) sum += y.view.row(f)[n] * c.view.row(f)[n];
    }
    return sum;
  };
  loss();
  CHECK(y.view.row(2)[17] ==
        table.data()[3 * static_cast<Index>(token[17]) + 2] + positions.data()[3 * 1 + 2]);
  CHECK(y.view.row(1)[6] == 0);  // no token
  AlignedBuffer<double> dtable(table.size()), dpositions(positions.size());
  sequence_kernels<double>().embed_backward(
      token.data(), kPeriod, c.view, dtable.data(), dpositions.data());
  check_gradient(table.span(), dtable.span(), loss);
  check_gradient(positions.span(), dpositions.span(), loss);
}

TEST_CASE("both instruction sets give the same bits for the passes over sequences") {
  const auto run = [](Isa isa) {
    const IsaInUse use(isa);
    RandomBlock<float> scores(96, 96, 1), dp(96, 96, 2);
    const std::vector<float> target = tokens<float>(96, 96);
    std::vector<float> losses(96);
    sequence_kernels<float>().causal_softmax(0.8f, 0, scores.view);
    sequence_kernels<float>().softmax_backward(0.8f, dp.view, scores.view);
    sequence_kernels<float>().cross_entropy_gradient(0.1f, target.data(), dp.view, losses.data());
    sequence_kernels<float>().add_scaled(0.3f, dp.view, scores.view);
    std::vector<float> all(scores.memory.data(), scores.memory.data() + scores.memory.size());
    all.insert(all.end(), losses.begin(), losses.end());
    return all;
  };
  const std::vector<float> expected = run(Isa::v3);
  for (const Isa isa : supported_isas()) {
    const std::vector<float> got = run(isa);
    CHECK(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0);
  }
}
