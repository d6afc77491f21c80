// The kernels one by one, on one thread and in cache, with Eigen's products beside ours.
// EINSEARCH_ISA=v3 measures the kernels of that instruction set; Eigen is always compiled for this
// processor. Compare with `einsearch bench --names peak_fma --threads 1`.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "benchmark/eigen_product.h"
#include "compute/contraction.h"
#include "compute/denormals.h"
#include "compute/elementwise.h"
#include "compute/isa.h"
#include "compute/random_block.h"
#include "structure/layer_shape.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

using benchmark::Counter;
using benchmark::State;

/// GFLOP/s from multiply-accumulates per iteration.
void count_flops(State& state, Index macs) {
  state.counters["FLOP/s"] = Counter(
      2.0 * static_cast<double>(macs), Counter::kIsIterationInvariantRate, Counter::OneK::kIs1000);
}

/// Numbers per second.
void count_elements(State& state, Index elements) {
  state.SetItemsProcessed(state.iterations() * elements);
}

/// rows, inner, samples: dense layers, and the small matrices of structured ones.
void product_shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "inner", "samples"});
  for (const Index size : {8, 16, 32, 64}) benchmark->Args({size, size, 128});
  benchmark->Args({256, 64, 128})->Args({1024, 256, 128})->Args({256, 1024, 128});
  benchmark->Args({2048, 512, 256});
}

void product(State& state) {
  const DenormalsAreZero mode;
  const Index rows = state.range(0), inner = state.range(1), samples = state.range(2);
  const AlignedBuffer<float> w = random_values<float>(rows * inner, 1);
  const RandomBlock<float> x(inner, samples, 2), z(rows, samples, 3);
  for (auto _ : state) {
    products<float>().multiply({w.data(), rows, inner, inner, 1}, x.view, z.view, Store::overwrite);
    benchmark::ClobberMemory();
  }
  count_flops(state, rows * inner * samples);
}
BENCHMARK(product)->Apply(product_shapes);

void product_of_eigen(State& state) {
  const Index rows = state.range(0), inner = state.range(1), samples = state.range(2);
  const AlignedBuffer<float> w = random_values<float>(rows * inner, 1),
                             x = random_values<float>(inner * samples, 2);
  AlignedBuffer<float> z(rows * samples);
  for (auto _ : state) {
    eigen_product(w.data(), x.data(), z.data(), rows, inner, samples);
    benchmark::ClobberMemory();
  }
  count_flops(state, rows * inner * samples);
}
BENCHMARK(product_of_eigen)->Apply(product_shapes);

void weight_gradient(State& state) {
  const DenormalsAreZero mode;
  const Index rows = state.range(0), inner = state.range(1), samples = state.range(2);
  AlignedBuffer<float> dw(rows * inner);
  const RandomBlock<float> x(inner, samples, 2), dz(rows, samples, 3);
  for (auto _ : state) {
    products<float>().accumulate_outer(dz.view, x.view, {dw.data(), rows, inner, inner, 1});
    benchmark::ClobberMemory();
  }
  count_flops(state, rows * inner * samples);
}
BENCHMARK(weight_gradient)->Apply(product_shapes);

void weight_gradient_of_eigen(State& state) {
  const Index rows = state.range(0), inner = state.range(1), samples = state.range(2);
  const AlignedBuffer<float> dz = random_values<float>(rows * samples, 1),
                             x = random_values<float>(inner * samples, 2);
  AlignedBuffer<float> dw(rows * inner);
  for (auto _ : state) {
    eigen_outer_product(dz.data(), x.data(), dw.data(), rows, inner, samples);
    benchmark::ClobberMemory();
  }
  count_flops(state, rows * inner * samples);
}
BENCHMARK(weight_gradient_of_eigen)->Apply(product_shapes);

/// Both steps of a structured layer w -> 4w, forward.
void contraction(State& state, const char* structure) {
  const DenormalsAreZero mode;
  const Index width = state.range(0), samples = 128;
  const LayerShape shape = resolve(parse_structure(structure), width, 4 * width);
  const TwoFactorContraction steps = two_factor_contraction(shape.sizes, shape.order);
  const auto size = [](const BatchedProduct& p) { return p.batches * p.rows * p.inner; };
  const AlignedBuffer<float> first = random_values<float>(size(steps.first), 1),
                             second = random_values<float>(size(steps.second), 2);
  const RandomBlock<float> x(steps.first.x_features(), samples, 3),
      z(steps.first.z_features(), samples, 4), y(steps.second.z_features(), samples, 5);
  for (auto _ : state) {
    products<float>().forward(steps.first, first.data(), x.view, z.view, {});
    products<float>().forward(steps.second, second.data(), z.view, y.view, {});
    benchmark::ClobberMemory();
  }
  count_flops(state, shape.flops / 2 * samples);
}
BENCHMARK_CAPTURE(contraction, monarch, "monarch")
    ->ArgName("width")
    ->RangeMultiplier(4)
    ->Range(64, 1024);
BENCHMARK_CAPTURE(contraction, kronecker, "kronecker")
    ->ArgName("width")
    ->RangeMultiplier(4)
    ->Range(64, 1024);
BENCHMARK_CAPTURE(contraction, tt, "tt:1/4")->ArgName("width")->RangeMultiplier(4)->Range(64, 1024);

void gelu(State& state) {
  const RandomBlock<float> x(state.range(0), 128, 1), y(state.range(0), 128, 2),
      slope(state.range(0), 128, 3);
  for (auto _ : state) {
    elementwise<float>().gelu(x.view, y.view, slope.view);
    benchmark::ClobberMemory();
  }
  count_elements(state, state.range(0) * 128);
}
BENCHMARK(gelu)->ArgName("features")->Arg(16)->Arg(256);

void layer_norm(State& state) {
  const Index features = state.range(0), samples = 128;
  const RandomBlock<float> x(features, samples, 1), y(features, samples, 2),
      normalised(features, samples, 3), inverse(1, samples, 4);
  const AlignedBuffer<float> gain = random_values<float>(features, 5);
  for (auto _ : state) {
    elementwise<float>().layer_norm(
        x.view, gain.data(), gain.data(), normalised.view, inverse.view, y.view);
    benchmark::ClobberMemory();
  }
  count_elements(state, features * samples);
}
BENCHMARK(layer_norm)->ArgName("features")->Arg(64)->Arg(256)->Arg(1024);

void layer_norm_backward(State& state) {
  const Index features = state.range(0), samples = 128;
  const RandomBlock<float> dy(features, samples, 1), dx(features, samples, 2),
      normalised(features, samples, 3), inverse(1, samples, 4);
  const AlignedBuffer<float> gain = random_values<float>(features, 5);
  AlignedBuffer<float> dgain(features), dbias(features);
  for (auto _ : state) {
    elementwise<float>().layer_norm_backward(normalised.view,
                                             inverse.view,
                                             gain.data(),
                                             dy.view,
                                             dx.view,
                                             Store::overwrite,
                                             dgain.data(),
                                             dbias.data());
    benchmark::ClobberMemory();
  }
  count_elements(state, features * samples);
}
BENCHMARK(layer_norm_backward)->ArgName("features")->Arg(64)->Arg(256)->Arg(1024);

}  // namespace
}  // namespace einsearch

int main(int argc, char** argv) {
  if (const char* isa = std::getenv("EINSEARCH_ISA"); isa != nullptr && *isa != '\0')
    einsearch::use_isa(einsearch::parse_isa(isa));
  benchmark::AddCustomContext("isa", einsearch::to_string(einsearch::active_isa()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
