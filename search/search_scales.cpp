#include "search/search_scales.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>

#include "base/error.h"
#include "search/match.h"
#include "structure/candidate.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr std::size_t kScales = 5;
constexpr double kMargin = 1.08;  // structures cost a few percent more or less than dense

const Structure& dense_structure() {
  static const Structure dense = parse_structure("dense");
  return dense;
}

ModelSpec dense_model(const RunSpec& base, Index width) {
  ModelSpec model = base.model;
  model_options(model).structure = dense_structure();
  model_options(model).width = width;
  return model;
}

/// Forward FLOPs per example, also of sequences, and parameters.
struct ModelSize {
  double flops = 0;
  Count params = 0;
  Index tokens = 1;
};

ModelSize size_of(const ModelSpec& spec) {
  const auto model = make_model<float>(spec);
  return {model->flops_per_example(), model->parameters().size(), model->tokens_per_example()};
}

double train_flops_of(const RunSpec& run, const ModelSize& size) {
  return 3 * size.flops * static_cast<double>(run.batch) * static_cast<double>(run.steps);
}

/// Whether a dense model of this width exists (heads have to divide it).
bool is_width(const RunSpec& base, Index width) try {
  size_of(dense_model(base, width));
  return true;
} catch (const Error&) {
  return false;
}

std::vector<Index> ladder_widths(const RunSpec& base) {
  std::vector<Index> widths;
  for (Index power = 8; power <= 4096; power *= 2) {
    for (const Index width : {power, power * 3 / 2}) {
      if (is_width(base, width)) widths.push_back(width);
    }
  }
  return widths;
}

}  // namespace

std::vector<Index> program_of(const ScaledStructure& scaled) {
  std::vector<Index> key;
  for (const RunSpec& run : scaled.runs) {
    const ModelOptions& model = model_options(run.model);
    key.push_back(model.width);
    for (const auto& [structure, d_in, d_out] : structured_layers(run.model)) {
      const Candidate layer = WidthResolver(d_in, d_out, model.resolve).at_any_quality(structure);
      const Sizes& n = layer.shape.sizes;
      for (const Index size :
           {n.n_alpha, n.n_beta, n.n_gamma, n.n_delta, n.n_epsilon, n.n_phi, n.n_rho})
        key.push_back(size);
      key.push_back(layer.shape.order == Order::a_first ? 0 : 1);
    }
  }
  return key;
}

Count dense_steps(const RunSpec& base, Index width, Horizon::Kind kind, double value) {
  const ModelSize size = size_of(dense_model(base, width));
  const auto batch = static_cast<double>(base.batch);
  double steps = value;
  if (kind == Horizon::Kind::flops) steps = value / (3 * size.flops * batch);
  if (kind == Horizon::Kind::examples_per_param)
    steps = value * static_cast<double>(size.params) / (batch * static_cast<double>(size.tokens));
  constexpr double kMost = 0x1p40;
  if (!(steps >= 0.5) || steps > kMost) {
    throw Error("a horizon that is no training",
                {.where = fmt::format("dense at width {}", width),
                 .expected = "1 to 1e12 updates",
                 .got = fmt::format("{:.3g} updates", steps)});
  }
  return std::llround(steps);
}

double dense_train_flops(const RunSpec& base, const SearchScale& scale) {
  RunSpec run = base;
  run.steps = scale.steps;
  return train_flops_of(run, size_of(dense_model(base, scale.dense_width)));
}

ScaledStructure scale_structure(const SearchProtocol& protocol, const Structure& structure) {
  ScaledStructure scaled{.structure = structure, .runs = {}, .flops = {}, .params = {}};
  RunSpec base = protocol.base;
  model_options(base.model).structure = structure;
  WidthMatcher matcher(base.model);
  for (const SearchScale& scale : protocol.scales) {
    RunSpec run = base;
    Index& width = model_options(run.model).width;
    width = scale.dense_width;
    if (!structure.is_dense)
      width = matcher.match(model_flops(dense_model(protocol.base, width)), width);
    run.steps = scale.steps;
    run.schedule.steps = run.schedule.kind == ScheduleKind::constant ? 0 : run.steps;
    if (protocol.warmup) run.schedule.warmup = protocol.warmup(run.steps);
    validate(run);
    const ModelSize size = size_of(run.model);
    scaled.flops.push_back(train_flops_of(run, size));
    scaled.params.push_back(size.params);
    scaled.runs.push_back(std::move(run));
  }
  return scaled;
}

ScaledSpace scale_space(const SearchProtocol& protocol,
                        const std::vector<SpaceMember>& members,
                        const Threads& threads) {
  std::vector<std::optional<ScaledStructure>> found(members.size());
  threads.for_each(static_cast<Index>(members.size()), [&](Index i) {
    const auto place = static_cast<std::size_t>(i);
    try {
      found[place] = scale_structure(protocol, members[place].structure);
    } catch (const Error&) {
      // No width of it costs what dense costs; counted below.
    }
  });
  ScaledSpace space;
  std::set<std::vector<Index>> programs;
  space.structures.push_back(scale_structure(protocol, dense_structure()));
  space.is_control.push_back(false);
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!found[i]) {
      ++space.unmatched;
    } else if (!programs.insert(program_of(*found[i])).second) {
      ++space.repeated;
    } else {
      space.structures.push_back(std::move(*found[i]));
      space.is_control.push_back(members[i].is_control);
    }
  }
  return space;
}

SearchCandidate candidate_of(const ScaledStructure& scaled, const std::string& origin) {
  return {.name = scaled.structure.name,
          .family = to_string(family(scaled.structure)),
          .flops = scaled.flops,
          .origin = origin};
}

PlannedRun planned_run(const SearchProtocol& protocol,
                       const ScaledStructure& scaled,
                       const Trial& trial) {
  PlannedRun run{.spec = scaled.runs[trial.scale],
                 .id = {},
                 .train_flops = scaled.flops[trial.scale],
                 .params = scaled.params[trial.scale]};
  run.spec.lr *= trial.lr_factor;
  const TaskSeeds known = seeds(run.spec.task);
  auto seed = static_cast<std::uint64_t>(trial.seed);
  TaskSeeds fresh{.task = known.task, .data = seed};
  if (trial.is_confirmation) {
    seed += static_cast<std::uint64_t>(kConfirmationSeeds);
    fresh = {.task = known.task + seed, .data = seed};
  }
  run.spec.seed_init = seed;
  set_seeds(run.spec.task, fresh);
  run.id = run_identity(run.spec, protocol.trainer);
  return run;
}

std::vector<SearchScale> choose_scales(const RunSpec& base,
                                       const Horizon& horizon,
                                       Count structures,
                                       const HalvingOptions& options) {
  const std::vector<Index> widths = ladder_widths(base);
  std::vector<SearchScale> best;
  NeededFlops least;
  for (std::size_t first = 0; first + kScales <= widths.size(); ++first) {
    std::vector<SearchScale> scales;
    std::vector<double> flops;
    for (std::size_t i = 0; i < kScales; ++i) {
      const Index width = widths[first + i];
      scales.push_back({width, dense_steps(base, width, horizon.kind, horizon.values.front())});
      flops.push_back(dense_train_flops(base, scales.back()));
    }
    SearchProblem problem;
    problem.candidates.assign(static_cast<std::size_t>(structures) + 1, {"", "", flops});
    const NeededFlops needed = needed_flops(problem, options);
    if (first == 0) least = needed;
    const bool is_within_target = options.target <= 0 || flops.back() <= options.target;
    if (first > 0 && !is_within_target) break;
    if (kMargin * needed.all > options.budget) break;
    best = scales;
  }
  if (best.empty()) {
    refuse_budget(options.budget,
                  {.first_rung = least.first_rung, .all = kMargin * least.all},
                  static_cast<std::size_t>(structures));
  }
  return best;
}

}  // namespace einsearch
