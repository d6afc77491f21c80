// The synthetic sources: their entropy is what it is said to be.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <vector>

#include "task/image_model.h"
#include "task/markov.h"
#include "task/task_examples.h"

using namespace einsearch;

TEST_CASE("the stationary distribution is a distribution and the chain keeps it") {
  for (const Index order : {1, 2}) {
    CAPTURE(order);
    const MarkovSource source({.order = order, .seed_task = 5});
    const std::vector<double>& pi = source.stationary();
    std::vector<double> next(pi.size());
    double sum = 0;
    for (std::size_t s = 0; s < pi.size(); ++s) {
      sum += pi[s];
      for (std::size_t c = 0; c < 96; ++c)
        next[(s * 96 + c) % pi.size()] += pi[s] * source.transition()[s * 96 + c];
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-12));
    for (std::size_t s = 0; s < pi.size(); ++s) CHECK(std::abs(next[s] - pi[s]) < 1e-13);
  }
}

TEST_CASE("a long sample's mean -ln P(token | state) is the entropy rate, within its error") {
  for (const Index order : {1, 2}) {
    CAPTURE(order);
    const MarkovSource source({.order = order, .seed_task = 1});
    std::vector<int> tokens(200000);
    source.sample(RandomStream(3, StreamId::markov_text), 0, tokens);
    double sum = 0, squares = 0;
    std::size_t state = 0, states = static_cast<std::size_t>(source.states()), count = 0;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const auto token = static_cast<std::size_t>(tokens[t]);
      if (t >= static_cast<std::size_t>(order)) {
        const double surprise = -std::log(source.transition()[state * 96 + token]);
        sum += surprise;
        squares += surprise * surprise;
        ++count;
      }
      state = (state * 96 + token) % states;
    }
    const double n = static_cast<double>(count), mean = sum / n;
    const double error = std::sqrt((squares / n - mean * mean) / n);
    CHECK(std::abs(mean - source.entropy_rate()) < 4 * error);
    CHECK(source.entropy_rate() < 0.8 * std::log(96.0));
    CHECK(source.window_entropy(128) >= source.entropy_rate());
    CHECK(source.window_entropy(1000000) == doctest::Approx(source.entropy_rate()).epsilon(1e-5));
  }
}

TEST_CASE("the entropy of a pair of tokens counted in samples is that of the stationary source") {
  // H(x_1 | x_0), the first target of a window, from counts of pairs at its start.
  const MarkovTask<float> task({.window = 1, .order = 2});
  const Index samples = 100000;
  const Examples<float> examples = training(task, 0, samples);
  const MarkovSource source({.window = 1, .order = 2});
  double cross = 0;
  std::vector<double> single(96);
  for (std::size_t s = 0; s < 9216; ++s) single[s / 96] += source.stationary()[s];
  for (Index n = 0; n < samples; ++n) {
    const auto a = static_cast<std::size_t>(examples.input(0, n));
    const auto b = static_cast<std::size_t>(examples.target(0, n));
    cross -= std::log(source.stationary()[a * 96 + b] / single[a]) / static_cast<double>(samples);
  }
  CHECK(cross == doctest::Approx(*task.entropy()).epsilon(0.005));
}

TEST_CASE("sequences and images of a source differ by seed and set, and repeat by index") {
  const auto check = [](const auto& task, const auto& other_seed) {
    const auto examples = training(task, 0, 5);
    CHECK(training(task, 3, 1).input(4, 0) == examples.input(4, 3));
    CHECK(training(other_seed, 0, 5).inputs() != examples.inputs());
    CHECK(held_out(task, 0, 5).inputs() != examples.inputs());
    CHECK(held_out(other_seed, 0, 5).inputs() == held_out(task, 0, 5).inputs());
  };
  check(MarkovTask<float>({.window = 20}), MarkovTask<float>({.window = 20, .seed_data = 1}));
  check(ImageModelTask<float>({.side = 4}), ImageModelTask<float>({.side = 4, .seed_data = 1}));
}

TEST_CASE("noise about the prediction has the stated entropy, also in colour") {
  // The noise is what is left of a pixel once the prediction, made here again, is taken off.
  for (const Index channels : {1, 3}) {
    CAPTURE(channels);
    const Index side = 3, samples = 20000, pixels = side * side * channels;
    const ImageModelTask<double> task({.side = side, .channels = channels, .seed_task = 2});
    const Examples<double> images = training(task, 0, samples);
    double entropy = 0;
    for (Index t = 0; t < pixels; ++t) {
      const Index c = t % channels, x = t / channels % side, y = t / channels / side;
      std::map<int, double> counts;
      for (Index n = 0; n < samples; ++n) {
        const auto at = [&](Index row, Index column, Index channel) {
          return static_cast<int>(images.target((row * side + column) * channels + channel, n));
        };
        int mean = 128;
        if (x > 0 && y > 0) mean = (at(y, x - 1, c) + at(y - 1, x, c)) / 2;
        if (x > 0 && y == 0) mean = at(y, x - 1, c);
        if (x == 0 && y > 0) mean = at(y - 1, x, c);
        if (c > 0) mean = (mean + at(y, x, c - 1)) / 2;
        counts[(at(y, x, c) - mean + 256) % 256] += 1;
      }
      for (const auto& [value, count] : counts) {
        const double p = count / static_cast<double>(samples);
        entropy -= p * std::log(p) / static_cast<double>(pixels);
      }
    }
    CHECK(entropy == doctest::Approx(*task.entropy()).epsilon(0.005));
    CHECK(*task.entropy() < 0.9 * std::log(256.0));
  }
}
