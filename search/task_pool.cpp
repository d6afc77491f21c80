#include "search/task_pool.h"

#include <algorithm>
#include <atomic>

namespace einsearch {
namespace {

constexpr Index kChunk = 1024;

/// Examples 0 ... of one stream, in chunks that are made when first asked for.
class LazyExamples {
 public:
  LazyExamples(Index inputs, Index outputs, Count examples)
      : inputs_(inputs),
        outputs_(outputs),
        chunks_(static_cast<std::size_t>((examples + kChunk - 1) / kChunk)) {}

  template <typename Make>
  void copy(Count first, BlockView<float> inputs, BlockView<float> targets, const Make& make) {
    for (Index done = 0; done < inputs.samples;) {
      const Count at = first + done;
      const Index inside = at % kChunk, count = std::min(kChunk - inside, inputs.samples - done);
      const BlockView<float> x{inputs.data + done, inputs.features, count, inputs.stride};
      const BlockView<float> y{targets.data + done, targets.features, count, targets.stride};
      const auto chunk = static_cast<std::size_t>(at / kChunk);
      if (chunk < chunks_.size() && is_ready(chunk, make)) {
        copy_rows(chunks_[chunk].memory.data() + inside, x);
        copy_rows(chunks_[chunk].memory.data() + inputs_ * kChunk + inside, y);
      } else {
        make(at, x, y);
      }
      done += count;
    }
  }

 private:
  enum State { kUnmade, kInWork, kReady };
  struct Chunk {
    std::atomic<int> state = kUnmade;
    AlignedBuffer<float> memory;  // inputs, then targets; kChunk to a row
  };

  template <typename Make>
  bool is_ready(std::size_t index, const Make& make) {
    Chunk& chunk = chunks_[index];
    int expected = kUnmade;
    if (chunk.state.compare_exchange_strong(expected, kInWork)) {
      chunk.memory = AlignedBuffer<float>((inputs_ + outputs_) * kChunk);
      const BlockView<float> x{chunk.memory.data(), inputs_, kChunk, kChunk};
      const BlockView<float> y{chunk.memory.data() + inputs_ * kChunk, outputs_, kChunk, kChunk};
      make(static_cast<Count>(index) * kChunk, x, y);
      chunk.state.store(kReady, std::memory_order_release);
      return true;
    }
    return chunk.state.load(std::memory_order_acquire) == kReady;
  }

  static void copy_rows(const float* from, BlockView<float> to) {
    for (Index row = 0; row < to.features; ++row)
      std::copy_n(from + row * kChunk, to.samples, to.data + row * to.stride);
  }

  Index inputs_, outputs_;
  std::vector<Chunk> chunks_;
};

class SharedTask final : public Task<float> {
 public:
  SharedTask(std::unique_ptr<Task<float>> source, Count training, Count held_out)
      : source_(std::move(source)),
        training_(source_->inputs(), source_->outputs(), training),
        held_out_(source_->inputs(), source_->outputs(), held_out) {}

  std::string name() const override { return source_->name(); }
  Index inputs() const override { return source_->inputs(); }
  Index outputs() const override { return source_->outputs(); }
  Index vocabulary() const override { return source_->vocabulary(); }
  std::optional<double> entropy() const override { return source_->entropy(); }
  std::optional<double> examples_per_epoch() const override {
    return source_->examples_per_epoch();
  }
  std::optional<Count> held_out_size() const override { return source_->held_out_size(); }

  void training_examples(Count first,
                         BlockView<float> inputs,
                         BlockView<float> targets) const override {
    training_.copy(
        first, inputs, targets, [this](auto... block) { source_->training_examples(block...); });
  }
  void held_out_examples(Count first,
                         BlockView<float> inputs,
                         BlockView<float> targets) const override {
    held_out_.copy(
        first, inputs, targets, [this](auto... block) { source_->held_out_examples(block...); });
  }

 private:
  std::unique_ptr<Task<float>> source_;
  mutable LazyExamples training_, held_out_;  // a cache: what it gives does not depend on it
};

std::string key_of(const RunSpec& spec) { return canonical_text(spec.task); }

}  // namespace

TaskPool::TaskPool(const Plan& plan, const std::vector<std::size_t>& runs, double bytes)
    : bytes_(bytes) {
  for (const std::size_t run : runs) {
    const RunSpec& spec = plan.runs[run].spec;
    Entry& entry = entries_[key_of(spec)];
    ++entry.runs;
    entry.examples = std::max(entry.examples, spec.steps * spec.batch);
  }
}

void TaskPool::keep(const RunSpec& spec) {
  constexpr Count kForGood = Count{1} << 40;
  Entry& entry = entries_[key_of(spec)];
  entry.runs += kForGood;
  entry.examples = std::max(entry.examples, spec.steps * spec.batch);
}

std::shared_ptr<const Task<float>> TaskPool::task(const RunSpec& spec) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key_of(spec)];
  if (entry.task) return entry.task;
  std::unique_ptr<Task<float>> source = make_task<float>(spec.task);
  if (std::holds_alternative<RegressionOptions>(spec.task) && entry.runs > 1) {
    const auto bytes_per_example = static_cast<double>(
        sizeof(float) * static_cast<std::size_t>(source->inputs() + source->outputs()));
    const double bytes_per_task = bytes_ / static_cast<double>(entries_.size());
    const auto room = static_cast<Count>(bytes_per_task / bytes_per_example);
    const Count held_out = std::min(spec.held_out, room);
    const Count training = std::min(entry.examples, room - held_out);
    entry.task = std::make_shared<SharedTask>(std::move(source), training, held_out);
  } else {
    entry.task = std::move(source);
  }
  return entry.task;
}

void TaskPool::finish(const RunSpec& spec) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(key_of(spec));
  if (entry != entries_.end() && --entry->second.runs <= 0) entries_.erase(entry);
}

}  // namespace einsearch
