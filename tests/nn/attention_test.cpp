#include "nn/attention.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "compute/random_block.h"
#include "gradients.h"

using namespace einsearch;

namespace {

/// Attention with all its memory; loss = sum_n o c with fixed random coefficients c.
struct AttentionRun {
  explicit AttentionRun(const AttentionShape& options)
      : shape(options),
        samples(shape.sequences * shape.positions),
        q(shape.features(), samples, 1),
        k(shape.features(), samples, 2),
        v(shape.features(), samples, 3),
        c(shape.features(), samples, 4),
        p(shape.score_features(), samples, 5),
        o(shape.features(), samples, 6),
        dq(shape.features(), samples, 7),
        dk(shape.features(), samples, 8),
        dv(shape.features(), samples, 9),
        scratch(shape.scratch_size()) {}

  double loss() {
    attention_forward<double>(shape, q.view, k.view, v.view, p.view, o.view);
    double sum = 0;
    for (Index f = 0; f < shape.features(); ++f) {
      for (Index n = 0; n < samples; ++n) sum += o.view.row(f)[n] * c.view.row(f)[n];
    }
    return sum;
  }

  AttentionShape shape;
  Index samples;
  RandomBlock<double> q, k, v, c, p, o, dq, dk, dv;
  AlignedBuffer<double> scratch;
};

}  // namespace

TEST_CASE("attention is the weighted mean of the values seen so far") {
  AttentionRun run({.heads = 2, .head_size = 5, .sequences = 2, .positions = 48, .scale = 0.7});
  run.loss();
  for (Index s = 0; s < 2; ++s) {
    for (Index h = 0; h < 2; ++h) {
      for (const Index t : {0, 1, 15, 16, 31, 32, 47}) {
        const Index n = s * 48 + t;
        std::vector<double> weights;
        double sum = 0;
        for (Index key = 0; key <= t; ++key) {
          double score = 0;
          for (Index f = 5 * h; f < 5 * h + 5; ++f)
            score += run.k.view.row(f)[s * 48 + key] * run.q.view.row(f)[n];
          weights.push_back(std::exp(0.7 * score));
          sum += weights.back();
        }
        for (Index f = 5 * h; f < 5 * h + 5; ++f) {
          double mean = 0;
          for (Index key = 0; key <= t; ++key)
            mean += weights[static_cast<std::size_t>(key)] / sum * run.v.view.row(f)[s * 48 + key];
          CHECK(run.o.view.row(f)[n] == doctest::Approx(mean).epsilon(1e-12));
        }
      }
    }
  }
}

TEST_CASE("the backward pass of attention equals central differences") {
  for (const AttentionShape& shape :
       {AttentionShape{.heads = 3, .head_size = 2, .sequences = 2, .positions = 16, .scale = 0.9},
        AttentionShape{
            .heads = 1, .head_size = 3, .sequences = 1, .positions = 48, .scale = 1.3}}) {
    AttentionRun run(shape);
    run.loss();
    attention_backward<double>(shape,
                               run.q.view,
                               run.k.view,
                               run.v.view,
                               run.p.view,
                               run.c.view,
                               run.dq.view,
                               run.dk.view,
                               run.dv.view,
                               run.scratch.data());
    const auto loss = [&] { return run.loss(); };
    const auto row = [&](RandomBlock<double>& block, Index f) {
      return std::span<double>(block.view.row(f), static_cast<std::size_t>(run.samples));
    };
    for (Index f = 0; f < shape.features(); ++f) {
      check_gradient(row(run.q, f), row(run.dq, f), loss);
      check_gradient(row(run.k, f), row(run.dk, f), loss);
      check_gradient(row(run.v, f), row(run.dv, f), loss);
    }
  }
}
