#include "search/benchmark.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/suggest.h"
#include "compute/parallel.h"
#include "compute/peak.h"
#include "search/benchmark_subjects.h"
#include "structure/layer_shape.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 9;
constexpr int kRoundsOfSlow = 5;       // where one call takes longer than a row should
constexpr double kPeakSeconds = 0.01;  // at most, of the peak beside each subject
constexpr const char* kLayerParts[] = {
    "layer_forward", "layer_input_gradient", "layer_weight_gradient"};

double seconds_between(Clock::time_point start, Clock::time_point stop) {
  return std::chrono::duration<double>(stop - start).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Keeps the calling thread on the i-th core that this process may use.
void stay_on_core(int i) {
  cpu_set_t allowed, one;
  CPU_ZERO(&allowed);
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &allowed) == 0 || i-- > 0) continue;
    CPU_SET(core, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

/// Seconds that `threads` threads, which start together, need for this many rounds each.
double time_multiply_adds(int threads, Count rounds) {
  std::vector<Clock::time_point> start(static_cast<std::size_t>(threads)), stop = start;
  std::atomic<int> waiting = threads;
  std::atomic<float> sink = 0;
  const bool is_every_core_busy = threads == available_threads();
  const auto work = [&](int i) {
    if (is_every_core_busy && threads > 1) stay_on_core(i);
    const auto slot = static_cast<std::size_t>(i);
    waiting.fetch_sub(1);
    while (waiting.load() > 0 && threads <= available_threads()) {
    }
    start[slot] = Clock::now();
    sink.store(peak_kernels().fused_multiply_adds(rounds, 0.999f, 0.001f));
    stop[slot] = Clock::now();
  };
  if (threads == 1) {
    work(0);
  } else {
    std::vector<std::jthread> team;
    for (int i = 0; i < threads; ++i) team.emplace_back(work, i);
  }
  return seconds_between(*std::min_element(start.begin(), start.end()),
                         *std::max_element(stop.begin(), stop.end()));
}

/// FLOPs per second of fused multiply-adds in registers.
class Peak {
 public:
  explicit Peak(int threads) : threads_(threads) {
    constexpr Count kTrial = 100'000;
    time_multiply_adds(1, kTrial);
    rounds_per_second_ = static_cast<double>(kTrial) / time_multiply_adds(1, kTrial);
  }

  double measure(double seconds) const {
    const auto rounds = static_cast<Count>(seconds * rounds_per_second_) + 1;
    const double flops = static_cast<double>(rounds * peak_kernels().flops_per_round) * threads_;
    return flops / time_multiply_adds(threads_, rounds);
  }

 private:
  int threads_;
  double rounds_per_second_;
};

/// A subject and what each round measured: seconds per call, and the peak beside it.
struct Measured {
  Subject subject;
  std::vector<double> seconds = {};
  std::vector<double> peak = {};  ///< FLOPs per second
};

double time_calls(const Subject& subject, int calls) {
  const Clock::time_point start = Clock::now();
  for (int call = 0; call < calls; ++call) subject.run();
  return seconds_between(start, Clock::now()) / calls;
}

/// Measures all subjects in turn, round by round, after a warm-up that says how many calls fit.
void measure(std::vector<Measured>& all, const Peak& peak, double seconds_each) {
  std::vector<int> calls;
  int rounds = kRounds;
  const double seconds_of_peak = std::min(kPeakSeconds, seconds_each / kRounds);
  for (const Measured& one : all) {
    double seconds = time_calls(one.subject, 1);
    if (seconds < seconds_each) seconds = std::max(time_calls(one.subject, 1), 1e-7);
    if (seconds > seconds_each) rounds = kRoundsOfSlow;
    calls.push_back(static_cast<int>(std::clamp(seconds_each / kRounds / seconds, 1.0, 1e6)));
  }
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].subject.flops > 0) all[i].peak.push_back(peak.measure(seconds_of_peak));
      all[i].seconds.push_back(time_calls(all[i].subject, calls[i]));
    }
  }
}

/// The parts of a layer as one, round by round.
Measured sum_of_parts(const Measured* parts, std::size_t count) {
  Measured sum = parts[0];
  sum.subject.name = "layer";
  for (std::size_t part = 1; part < count; ++part) {
    sum.subject.flops += parts[part].subject.flops;
    for (std::size_t round = 0; round < sum.seconds.size(); ++round) {
      sum.seconds[round] += parts[part].seconds[round];
      sum.peak[round] += parts[part].peak[round];
    }
  }
  for (double& peak : sum.peak) peak /= static_cast<double>(count);
  return sum;
}

/// Median over rounds of f(round).
template <typename Function>
double median_of_rounds(std::size_t rounds, const Function& f) {
  std::vector<double> values;
  for (std::size_t round = 0; round < rounds; ++round) values.push_back(f(round));
  return median(std::move(values));
}

/// What all rows of one group share; `dense` may be null.
BenchmarkRow row_of(const Measured& m, const Measured* dense, const BenchmarkRow& group) {
  const Subject& s = m.subject;
  const std::size_t rounds = m.seconds.size();
  const double seconds = median(m.seconds);
  BenchmarkRow row = group;
  row.name = s.name;
  row.structure = s.structure;
  row.ms_per_step = 1e3 * seconds;
  if (s.flops > 0) {
    row.gflops = 1e-9 * s.flops / seconds;
    row.fraction_of_peak =
        median_of_rounds(rounds, [&](auto i) { return s.flops / m.seconds[i] / m.peak[i]; });
  }
  if (dense != nullptr) {
    const double flop_ratio = dense->subject.flops / s.flops;
    row.time_per_flop_vs_dense = median_of_rounds(
        rounds, [&](auto i) { return m.seconds[i] / dense->seconds[i] * flop_ratio; });
  }
  if (s.elements > 0) row.ns_per_element = 1e9 * seconds * row.threads / s.elements;
  if (s.activation_bytes > 0) row.activation_mib = s.activation_bytes / (1 << 20);
  if (s.bytes > 0) row.gb_per_s = 1e-9 * s.bytes / seconds;
  return row;
}

/// Measurements that run in turn, and the rows that they give.
struct Group {
  std::string name;
  BenchmarkRow key;  ///< width, batch and threads
  double work;       ///< roughly, for the progress
};

class Benchmarks {
 public:
  Benchmarks(const BenchmarkOptions& options, const BenchmarkObserver& observer)
      : options_(options), observer_(observer) {
    check();
    for (const int threads : options.threads) {
      for (const std::string& name : benchmark_names()) {
        if (is_layer_part(name) || !(is_wanted(name) || (name == "layer" && wants_layers())))
          continue;
        add_groups(name, threads);
      }
    }
  }

  void run() {
    double total = 0, done = 0;
    for (const Group& group : groups_) total += group.work;
    for (const Group& group : groups_) {
      std::string text = group.name;
      if (group.key.width) text += fmt::format(" width {}", *group.key.width);
      if (observer_.on_progress) observer_.on_progress(done / total, text);
      run(group);
      done += group.work;
    }
  }

 private:
  static bool is_layer_part(const std::string& name) {
    return std::find(std::begin(kLayerParts), std::end(kLayerParts), name) != std::end(kLayerParts);
  }
  bool is_wanted(const std::string& name) const {
    return std::find(options_.names.begin(), options_.names.end(), name) != options_.names.end();
  }
  bool wants_layers() const {
    return std::any_of(options_.names.begin(), options_.names.end(), is_layer_part);
  }
  static bool has_structures(const std::string& name) {
    return name == "layer" || name == "mlp_step" || name == "gpt_step";
  }

  void check() const {
    for (const std::string& name : options_.names) {
      const std::vector<std::string>& known = benchmark_names();
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      throw Error("unknown benchmark",
                  {.expected = fmt::format("{}", fmt::join(known, ", ")),
                   .got = name,
                   .hint = did_you_mean(name, known)});
    }
    for (const ModelStructure& model : options_.structures) {
      for (const Index width : options_.widths) block_samples(model.structure, width);
      const auto has_other =
          std::any_of(options_.names.begin(), options_.names.end(), [](const std::string& name) {
            return name == "mlp_step" || is_layer_part(name);
          });
      if (model.mixture && has_other) {
        throw Error("mixtures of experts are timed as whole models",
                    {.where = model.name(), .expected = "--names gpt_step"});
      }
    }
  }

  void add_groups(const std::string& name, int threads) {
    BenchmarkRow key;
    key.threads = threads;
    key.isa = active_isa();
    if (name == "peak_fma" || name == "bandwidth") {
      groups_.push_back({name, key, 1});
      return;
    }
    const double work =
        has_structures(name) ? static_cast<double>(options_.structures.size() + 1) : 1;
    for (const Index width : options_.widths) {
      key.width = width;
      for (const Index batch : options_.batches) {
        key.batch = name == "adamw" ? std::nullopt : std::optional(batch);
        groups_.push_back({name, key, name == "layer" ? 3 * work : work});
        if (name == "adamw") break;
      }
    }
  }

  void run(const Group& group) {
    const Threads threads(group.key.threads);
    const Peak peak(group.key.threads);
    if (group.name == "peak_fma") return run_peak(group, peak);
    const BenchmarkSize size{group.key.width.value_or(0), group.key.batch.value_or(0)};
    if (has_structures(group.name)) return run_structures(group, size, threads, peak);
    std::vector<Measured> all;
    if (group.name == "bandwidth") {
      all.push_back({triad_subject(threads)});
    } else if (group.name == "gemm") {
      for (Subject& subject : gemm_subjects(size, threads)) all.push_back({std::move(subject)});
    } else {
      all.push_back({elementwise_subject(group.name, size, threads)});
    }
    measure(all, peak, options_.seconds);
    for (const Measured& one : all) observer_.on_row(row_of(one, nullptr, group.key));
  }

  void run_peak(const Group& group, const Peak& peak) {
    BenchmarkRow row = group.key;
    row.name = group.name;
    row.gflops = 1e-9 * median_of_rounds(kRounds, [&](auto) {
                   return peak.measure(options_.seconds / kRounds);
                 });
    observer_.on_row(row);
  }

  /// Dense is measured with every group, as what the others are compared with.
  void run_structures(const Group& group,
                      const BenchmarkSize& size,
                      const Threads& threads,
                      const Peak& peak) {
    std::vector<ModelStructure> structures = {{parse_structure("dense")}};
    bool prints_dense = false;
    for (const ModelStructure& model : options_.structures) {
      const bool is_dense = model.structure.is_dense && !model.mixture;
      is_dense ? void(prints_dense = true) : structures.push_back(model);
    }
    std::vector<Measured> all;
    for (const ModelStructure& model : structures) {
      if (group.name == "mlp_step") {
        all.push_back({mlp_step_subject(model.structure, size, threads)});
      } else if (group.name == "gpt_step") {
        all.push_back({gpt_step_subject(model, size, threads)});
      } else {
        for (Subject& part : layer_subjects(model.structure, size, threads))
          all.push_back({std::move(part)});
      }
    }
    measure(all, peak, options_.seconds);
    const std::size_t parts = group.name == "layer" ? std::size(kLayerParts) : 1;
    for (std::size_t i = prints_dense ? 0 : parts; i < all.size(); i += parts) {
      if (parts == 1) {
        observer_.on_row(row_of(all[i], &all.front(), group.key));
      } else {
        print_layer(&all[i], &all.front(), group.key);
      }
    }
  }

  void print_layer(const Measured* parts, const Measured* dense, const BenchmarkRow& key) {
    constexpr std::size_t kParts = std::size(kLayerParts);
    if (is_wanted("layer")) {
      const Measured whole = sum_of_parts(parts, kParts), of_dense = sum_of_parts(dense, kParts);
      observer_.on_row(row_of(whole, &of_dense, key));
    }
    for (std::size_t part = 0; part < kParts; ++part) {
      if (is_wanted(kLayerParts[part])) observer_.on_row(row_of(parts[part], &dense[part], key));
    }
  }

  BenchmarkOptions options_;
  const BenchmarkObserver& observer_;
  std::vector<Group> groups_;
};

}  // namespace

const std::vector<std::string>& benchmark_names() {
  static const std::vector<std::string> names = {"peak_fma",
                                                 "bandwidth",
                                                 "gemm",
                                                 "layer",
                                                 "layer_forward",
                                                 "layer_input_gradient",
                                                 "layer_weight_gradient",
                                                 "gelu",
                                                 "layer_norm",
                                                 "layer_norm_backward",
                                                 "bias_gradient",
                                                 "adamw",
                                                 "mlp_step",
                                                 "gpt_step"};
  return names;
}

void run_benchmarks(const BenchmarkOptions& options, const BenchmarkObserver& observer) {
  Benchmarks(options, observer).run();
}

}  // namespace einsearch
