#include "train/training_state.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "compute/isa.h"
#include "compute/random_block.h"
#include "nn/mlp.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

std::atomic<long> allocations = 0;

/// While alive, kernels are those of one instruction set.
struct IsaInUse {
  explicit IsaInUse(Isa isa) : before(active_isa()) { use_isa(isa); }
  ~IsaInUse() { use_isa(before); }

  Isa before;
};

MlpOptions model_options(const std::string& structure) {
  MlpOptions options;
  options.inputs = 5;
  options.width = 20;
  options.depth = 2;
  options.structure = parse_structure(structure);
  options.has_weight_norm = structure != "dense";
  return options;
}

/// Values after `steps` updates on one batch of 300 samples: two chunks, odd blocks of samples.
AlignedBuffer<float> trained(const std::string& structure, int threads, int steps) {
  const Mlp<float> model(model_options(structure));
  const RandomBlock<float> inputs(5, 300, 1), targets(1, 300, 2);
  TrainingState<float> state(model,
                             initial_values<float>(model.parameters(), 3),
                             {.weight_decay = 0.1, .clip = 0.5},
                             Threads(threads));
  for (int i = 0; i < steps; ++i) state.update({inputs.view, targets.view}, 1e-3);
  AlignedBuffer<float> values(model.parameters().size());
  std::copy_n(state.values().data(), values.size(), values.data());
  return values;
}

}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size); memory != nullptr) return memory;
  throw std::bad_alloc();
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto unit = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit); memory != nullptr)
    return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

TEST_CASE("training allocates nothing after its first step") {
  for (const char* structure : {"dense", "btt"}) {
    const Mlp<float> model(model_options(structure));
    const RandomBlock<float> inputs(5, 300, 1), targets(1, 300, 2);
    const ExampleBlock<float> batch{inputs.view, targets.view};
    TrainingState<float> state(
        model, initial_values<float>(model.parameters(), 3), {.clip = 1}, Threads(2));
    state.update(batch, 1e-3);
    const long before = allocations;
    for (int i = 0; i < 10; ++i) state.update(batch, 1e-3);
    CHECK(allocations == before);
    const AlignedBuffer<float> seen(16);  // the counter counts
    CHECK(allocations == before + 1);
  }
}

#endif

TEST_CASE("50 steps end at the same bytes for every instruction set and number of threads") {
  for (const char* structure :
       {"dense", "btt", "kronecker", "tt:1/2", "(0.5|0.25|0.25|0.25|0.5|0.25|0.25)"}) {
    CAPTURE(structure);
    const AlignedBuffer<float> expected = trained(structure, 1, 50);
    for (const Isa isa : supported_isas()) {
      const IsaInUse use(isa);
      for (const int threads : {1, 2, 3, 5}) {
        CAPTURE(to_string(isa));
        CAPTURE(threads);
        const AlignedBuffer<float> got = trained(structure, threads, 50);
        const auto bytes = static_cast<std::size_t>(expected.size()) * sizeof(float);
        CHECK(std::memcmp(got.data(), expected.data(), bytes) == 0);
      }
    }
  }
}
