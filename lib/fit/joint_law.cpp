#include "fit/joint_law.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <map>
#include <utility>

#include "fit/huber.h"
#include "fit/line.h"

namespace einsearch {
namespace {

constexpr double kHighest = 0.999;  // E at most this part of the least loss
constexpr int kGrid = 25;
constexpr int kMostSteps = 200;
constexpr int kMostHalvings = 30;
constexpr double kStepDone = 1e-12;
constexpr double kRefitDone = 1e-5;  // replicates scatter by far more
constexpr double kAgreement = 1e-9;
constexpr double kLeastDelta = 1e-3;
constexpr double kExact = 1e-22;  // objective per point below which an exact fit only rounds

/// One structure: points in centred logarithms, and where its law stands.
struct Block {
  std::size_t structure = 0;
  double mean_x = 0;
  double frontier_excess = 0;  // mean of what flatten() took off
  std::vector<double> x, loss, log_loss;
};

struct Line {
  double log_a = 0;
  double b = 0;
};

struct State {
  double offset = 0;
  std::vector<Line> lines;
  double objective = kInfinity;
  bool is_converged = false;
  /// Of all points, block by block: reducible loss and residual of log loss; see evaluate().
  std::vector<double> power = {}, residual = {};
};

struct Problem {
  std::vector<Block> blocks;
  double least_loss = kInfinity;
  Count n_points = 0;
  double delta = kInfinity;
  bool is_offset_fitted = true;
  double step_done = kStepDone;

  double highest() const { return kHighest * least_loss; }
};

/// Of each point u^2 about its width's mean log compute, and the same less what a line through the
/// width's points explains: the shape of a scallop. Empty where fewer than three widths tell it
/// from the law's own curvature.
struct Scallops {
  std::vector<double> square, shape;
};

Scallops scallops_of(const Frontier& frontier, const std::vector<double>& x) {
  std::map<Count, std::vector<std::size_t>> by_width;
  for (std::size_t i = 0; i < x.size(); ++i) by_width[frontier.points[i].width].push_back(i);
  if (by_width.size() < 3) return {};
  Scallops scallops{std::vector<double>(x.size(), 0), std::vector<double>(x.size(), 0)};
  for (const auto& [width, members] : by_width) {
    const auto n = static_cast<double>(members.size());
    double mean = 0, u2 = 0, u3 = 0;
    for (const std::size_t i : members) mean += x[i] / n;
    for (const std::size_t i : members) {
      const double u = x[i] - mean;
      u2 += u * u / n;
      u3 += u * u * u / n;
    }
    const double slope = u2 > 0 ? u3 / u2 : 0;
    for (const std::size_t i : members) {
      const double u = x[i] - mean;
      scallops.square[i] = u2;
      scallops.shape[i] = u * u - u2 - slope * u;
    }
  }
  return scallops;
}

/// Takes the scallops off log losses: between the computes where neighbouring widths overtake it, a
/// run lies above the law that all touch, most at the ends. Over a few widths that looks like
/// curvature of the law itself and would pass for an irreducible loss; and on average the frontier
/// lies above the law by the scallops' mean height (0.7 % where neighbours differ 16-fold in
/// compute). How bent they are is measured inside widths, where a line through the points says
/// nothing of it; bent downwards they have no height.
void flatten(const Frontier& frontier, Block& block) {
  const auto [square, shape] = scallops_of(frontier, block.x);
  double squares = 0, product = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    squares += shape[i] * shape[i];
    product += shape[i] * block.log_loss[i];
  }
  // End points of a width have one compute, but for rounding.
  constexpr double kLeastSquares = 1e-9;
  if (!(squares > kLeastSquares * static_cast<double>(shape.size()))) return;
  const double bend = product / squares;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const double height = std::max(0.0, bend) * square[i];
    block.frontier_excess += height / static_cast<double>(shape.size());
    block.log_loss[i] -= bend * shape[i] + height;
    block.loss[i] = std::exp(block.log_loss[i]);
  }
}

/// Nothing where the frontier has fewer than two different computes.
std::optional<Block> make_block(const Frontier& frontier, std::size_t structure) {
  Block block{.structure = structure,
              .mean_x = 0,
              .frontier_excess = 0,
              .x = {},
              .loss = {},
              .log_loss = {}};
  for (const FrontierPoint& point : frontier.points) {
    block.x.push_back(std::log(point.compute));
    block.loss.push_back(point.loss);
    block.log_loss.push_back(std::log(point.loss));
  }
  if (block.x.empty()) return std::nullopt;
  const auto [low, high] = std::minmax_element(block.x.begin(), block.x.end());
  if (!(*high > *low)) return std::nullopt;
  for (const double x : block.x) block.mean_x += x / static_cast<double>(block.x.size());
  for (double& x : block.x) x -= block.mean_x;
  flatten(frontier, block);
  return block;
}

Problem make_problem(std::span<const Frontier* const> frontiers) {
  Problem problem;
  for (std::size_t s = 0; s < frontiers.size(); ++s) {
    auto block = make_block(*frontiers[s], s);
    if (!block) continue;
    problem.n_points += static_cast<Count>(block->x.size());
    for (const double loss : block->loss) problem.least_loss = std::min(problem.least_loss, loss);
    problem.blocks.push_back(std::move(*block));
  }
  return problem;
}

/// Fills in what follows from offset and lines: residuals, which the next step needs again, and the
/// objective.
void evaluate(const Problem& problem, State& state) {
  state.power.clear();
  state.residual.clear();
  double sum = 0;
  for (std::size_t s = 0; s < problem.blocks.size(); ++s) {
    const Block& block = problem.blocks[s];
    const Line line = state.lines[s];
    for (std::size_t i = 0; i < block.x.size(); ++i) {
      const double power = std::exp(line.log_a - line.b * block.x[i]);
      const double r = std::log(state.offset + power) - block.log_loss[i];
      state.power.push_back(power);
      state.residual.push_back(r);
      sum += huber(r, problem.delta);
    }
  }
  state.objective = std::isfinite(sum) ? sum : kInfinity;
}

/// Weighted least squares in log(loss - E), weights as of log loss: where Gauss-Newton begins.
Line first_line(const Block& block, double offset) {
  double sw = 0, sx = 0, sy = 0;
  std::vector<double> w, y;
  for (std::size_t i = 0; i < block.x.size(); ++i) {
    const double rest = block.loss[i] - offset;
    w.push_back(rest * rest / (block.loss[i] * block.loss[i]));
    y.push_back(std::log(rest));
    sw += w[i];
    sx += w[i] * block.x[i];
    sy += w[i] * y[i];
  }
  const double mean_x = sx / sw, mean_y = sy / sw;
  double sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < block.x.size(); ++i) {
    sxx += w[i] * (block.x[i] - mean_x) * (block.x[i] - mean_x);
    sxy += w[i] * (block.x[i] - mean_x) * (y[i] - mean_y);
  }
  const double slope = sxy / sxx;
  return {mean_y - slope * mean_x, -slope};
}

/// Gauss-Newton step of every parameter, reweighted for Huber's objective.
struct Step {
  double offset = 0;
  std::vector<Line> lines;
};

/// Normal equations of one structure: block of (log a, b), its coupling to E, and gradients.
struct Normal {
  double aa = 0, ab = 0, bb = 0;  // block
  double ae = 0, be = 0, ee = 0;  // coupling
  double ga = 0, gb = 0, ge = 0;  // gradient of the objective

  void add(double da, double db, double de, double weight, double r) {
    aa += weight * da * da;
    ab += weight * da * db;
    bb += weight * db * db;
    ae += weight * da * de;
    be += weight * db * de;
    ee += weight * de * de;
    ga += weight * da * r;
    gb += weight * db * r;
    ge += weight * de * r;
  }
  /// Solves the 2 x 2 block.
  std::array<double, 2> solve(double a, double b) const {
    const double det = aa * bb - ab * ab;
    return {(bb * a - ab * b) / det, (aa * b - ab * a) / det};
  }
};

Step newton_step(const Problem& problem, const State& state, bool moves_offset) {
  std::vector<Normal> normals(problem.blocks.size());
  double curvature = 0, slope = 0;  // of E after the other parameters are eliminated
  std::size_t at = 0;
  for (std::size_t s = 0; s < problem.blocks.size(); ++s) {
    const Block& block = problem.blocks[s];
    Normal& normal = normals[s];
    for (std::size_t i = 0; i < block.x.size(); ++i, ++at) {
      const double law = state.offset + state.power[at];
      const double r = state.residual[at];
      const double share = state.power[at] / law;
      normal.add(share, -block.x[i] * share, 1 / law, huber_weight(r, problem.delta), r);
    }
    const auto coupled = normal.solve(normal.ae, normal.be);
    curvature += normal.ee - normal.ae * coupled[0] - normal.be * coupled[1];
    slope += normal.ge - normal.ga * coupled[0] - normal.gb * coupled[1];
  }
  Step step;
  if (moves_offset && curvature > 0) {
    step.offset = -slope / curvature;
    step.offset = std::clamp(step.offset, -state.offset, problem.highest() - state.offset);
  }
  for (const Normal& normal : normals) {
    const auto move =
        normal.solve(-normal.ga - normal.ae * step.offset, -normal.gb - normal.be * step.offset);
    step.lines.push_back({move[0], move[1]});
  }
  return step;
}

void move(const State& state, const Step& step, double part, State& next) {
  next.offset = state.offset + part * step.offset;
  next.lines = state.lines;
  for (std::size_t s = 0; s < next.lines.size(); ++s) {
    next.lines[s].log_a += part * step.lines[s].log_a;
    next.lines[s].b += part * step.lines[s].b;
  }
}

double size_of(const Problem& problem, const Step& step) {
  double size = std::abs(step.offset) / problem.least_loss;
  for (const Line& line : step.lines) {
    size = std::max({size, std::abs(line.log_a), std::abs(line.b)});
  }
  return size;
}

State descend(const Problem& problem, State state, bool moves_offset, int most_steps) {
  evaluate(problem, state);
  State next;
  for (int i = 0; i < most_steps; ++i) {
    const Step step = newton_step(problem, state, moves_offset);
    const double size = size_of(problem, step);
    if (!(size > problem.step_done)) {
      state.is_converged = std::isfinite(size);
      return state;
    }
    double part = 1;
    for (int halving = 0; halving < kMostHalvings; ++halving, part /= 2) {
      move(state, step, part, next);
      evaluate(problem, next);
      if (next.objective < state.objective) break;
    }
    if (!(next.objective < state.objective)) {
      // Rounding is all that is left of a step that was nearly nothing.
      state.is_converged = true;
      return state;
    }
    const double gained = (state.objective - next.objective) / state.objective;
    std::swap(state, next);
    if (gained < 1e-14 && size < 1e-7) {
      state.is_converged = true;
      return state;
    }
  }
  return state;
}

State start_at(const Problem& problem, double offset) {
  State state{.offset = offset, .lines = {}};
  for (const Block& block : problem.blocks) state.lines.push_back(first_line(block, offset));
  return state;
}

/// The line of an earlier law, about the middle of these points; a fresh one where there was none.
Line line_from(const Block& block, const PowerLaw& law, double offset) {
  if (!law.is_usable()) return first_line(block, offset);
  const double away = block.mean_x - std::log(law.reference_compute);
  return {std::log(law.prefactor) - law.exponent * away, law.exponent};
}

/// max(1e-3, 1.345 robust deviations) of the residuals of least squares.
double choose_delta(const Problem& problem, State state) {
  constexpr double kEfficiency95 = 1.345;  // Huber's constant: 95 % efficient for normal errors
  constexpr double kMadOfNormal = 1.4826;
  evaluate(problem, state);
  std::vector<double>& sizes = state.residual;
  for (double& size : sizes) size = std::abs(size);
  const auto middle = sizes.begin() + static_cast<Index>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  return std::max(kLeastDelta, kEfficiency95 * kMadOfNormal * *middle);
}

/// States at the two best of a grid of E, best first, after a few steps of the lines alone.
std::array<State, 2> best_of_grid(const Problem& problem) {
  constexpr int kLineSteps = 4;
  std::array<State, 2> best;
  for (int i = 0; i < kGrid; ++i) {
    const double part = static_cast<double>(i) / (kGrid - 1);
    State state = descend(problem, start_at(problem, part * problem.highest()), false, kLineSteps);
    if (state.objective < best[0].objective) {
      best[1] = std::exchange(best[0], std::move(state));
    } else if (state.objective < best[1].objective) {
      best[1] = std::move(state);
    }
  }
  return best;
}

/// Law of one structure from its line.
PowerLaw law_of(const Block& block, const Line& line, const Frontier& frontier, double offset) {
  PowerLaw law;
  law.offset = offset;
  law.frontier_excess = block.frontier_excess;
  law.prefactor = std::exp(line.log_a);
  law.exponent = line.b;
  law.reference_compute = std::exp(block.mean_x);
  law.n_points = static_cast<Count>(frontier.points.size());
  law.min_compute = kInfinity;
  for (const FrontierPoint& point : frontier.points) {
    law.min_compute = std::min(law.min_compute, point.compute);
    law.max_compute = std::max(law.max_compute, point.compute);
  }
  double squares = 0;
  for (std::size_t i = 0; i < block.x.size(); ++i) {
    const double r =
        std::log(offset + std::exp(line.log_a - line.b * block.x[i])) - block.log_loss[i];
    squares += r * r;
  }
  law.rms_residual = std::sqrt(squares / static_cast<double>(block.x.size()));
  return law;
}

FitStatus status_of(const PowerLaw& law, const Frontier& frontier, FitStatus joint) {
  if (!(law.exponent > 0)) return FitStatus::not_falling;
  return frontier.n_widths < 3 ? FitStatus::few_widths : joint;
}

JointFit finish(const Problem& problem,
                const State& state,
                std::span<const Frontier* const> frontiers,
                FitStatus status) {
  JointFit fit;
  fit.offset = state.offset;
  fit.huber_delta = problem.delta;
  fit.objective = state.objective;
  fit.status = status;
  fit.laws.resize(frontiers.size());
  for (std::size_t s = 0; s < frontiers.size(); ++s) {
    fit.laws[s].n_points = static_cast<Count>(frontiers[s]->points.size());
    fit.laws[s].offset = state.offset;
    if (frontiers[s]->points.empty()) continue;
    fit.laws[s].min_compute = frontiers[s]->points.front().compute;
    fit.laws[s].max_compute = frontiers[s]->points.back().compute;
  }
  for (std::size_t i = 0; i < problem.blocks.size(); ++i) {
    const Block& block = problem.blocks[i];
    PowerLaw& law = fit.laws[block.structure];
    const Frontier& frontier = *frontiers[block.structure];
    law = law_of(block, state.lines[i], frontier, state.offset);
    law.status = status_of(law, frontier, status);
  }
  return fit;
}

/// Whether E could move: two parameters of each structure and E need a point more.
bool can_fit_offset(const Problem& problem) {
  return problem.n_points > 2 * static_cast<Count>(problem.blocks.size()) + 1;
}

/// What an irreducible loss must gain of the objective to be told from none.
constexpr double kLeastGain = 0.01;

FitStatus joint_status(const Problem& problem, const State& state, double gap) {
  if (!state.is_converged) return FitStatus::max_iter;
  if (gap > kAgreement) return FitStatus::restarts_disagree;
  const bool is_at_bound = state.offset <= 0 || state.offset >= problem.highest();
  if (problem.is_offset_fitted && is_at_bound) return FitStatus::bound_hit;
  return FitStatus::converged;
}

}  // namespace

JointFit fit_joint(std::span<const Frontier* const> frontiers, const JointOptions& options) {
  Problem problem = make_problem(frontiers);
  if (problem.blocks.empty()) {
    return finish(problem,
                  State{.offset = options.offset.value_or(0), .lines = {}},
                  frontiers,
                  FitStatus::too_few_points);
  }
  problem.is_offset_fitted = !options.offset && can_fit_offset(problem);
  if (!problem.is_offset_fitted) {
    State state = start_at(problem, options.offset.value_or(0));
    problem.delta = options.huber_delta.value_or(choose_delta(problem, state));
    state = descend(problem, std::move(state), false, kMostSteps);
    return finish(problem, state, frontiers, joint_status(problem, state, 0));
  }
  problem.delta = options.huber_delta.value_or(kInfinity);
  std::array<State, 2> starts = best_of_grid(problem);
  if (!options.huber_delta) {
    const State smooth = descend(problem, starts[0], true, kMostSteps);
    problem.delta = choose_delta(problem, smooth);
    starts = best_of_grid(problem);
  }
  State best = descend(problem, std::move(starts[0]), true, kMostSteps);
  State other = descend(problem, std::move(starts[1]), true, kMostSteps);
  if (other.objective < best.objective) std::swap(best, other);
  const double exact = kExact * static_cast<double>(problem.n_points);
  const double gap =
      other.objective < exact ? 0 : (other.objective - best.objective) / other.objective;
  const State without = descend(problem, start_at(problem, 0), false, kMostSteps);
  const double gain = without.objective / std::max(best.objective, exact) - 1;
  FitStatus status = joint_status(problem, best, gap);
  if (status == FitStatus::converged && gain < kLeastGain) status = FitStatus::no_curvature;
  JointFit fit = finish(problem, best, frontiers, status);
  fit.restart_gap = gap;
  fit.gain = gain;
  return fit;
}

JointFit refit_joint(std::span<const Frontier* const> frontiers,
                     const JointFit& start,
                     bool is_offset_fitted) {
  assert(start.laws.size() == frontiers.size());
  Problem problem = make_problem(frontiers);
  problem.delta = start.huber_delta;
  problem.is_offset_fitted = is_offset_fitted;
  problem.step_done = kRefitDone;
  const double offset = std::min(start.offset, problem.highest());
  State state{.offset = is_offset_fitted ? offset : start.offset, .lines = {}};
  for (const Block& block : problem.blocks) {
    state.lines.push_back(line_from(block, start.laws[block.structure], state.offset));
  }
  constexpr int kRefitSteps = 60;
  state = descend(problem, std::move(state), is_offset_fitted, kRefitSteps);
  return finish(problem, state, frontiers, joint_status(problem, state, 0));
}

const char* to_string(Irreducible irreducible) {
  switch (irreducible) {
    case Irreducible::shared:
      return "shared";
    case Irreducible::zero:
      return "zero";
    case Irreducible::own:
      return "own";
    case Irreducible::given:
      break;
  }
  return "given";
}

JointFit fit_laws(std::span<const Frontier* const> frontiers,
                  Irreducible irreducible,
                  double given_offset) {
  if (irreducible == Irreducible::shared) return fit_joint(frontiers);
  if (irreducible != Irreducible::own) {
    const double offset = irreducible == Irreducible::given ? given_offset : 0;
    return fit_joint(frontiers, {.offset = offset, .huber_delta = {}});
  }
  JointFit all;
  for (const Frontier* frontier : frontiers) {
    const JointFit one = fit_joint({&frontier, 1});
    if (all.laws.empty()) all = {.laws = {}, .offset = one.offset, .status = one.status};
    all.laws.push_back(one.laws[0]);
    all.huber_delta = std::max(all.huber_delta, one.huber_delta);
    all.objective += one.objective;
    all.restart_gap = std::max(all.restart_gap, one.restart_gap);
  }
  return all;
}

JointFit refit_laws(std::span<const Frontier* const> frontiers,
                    const JointFit& start,
                    Irreducible irreducible) {
  if (irreducible != Irreducible::own) {
    return refit_joint(frontiers, start, irreducible == Irreducible::shared);
  }
  JointFit all = start;
  for (std::size_t s = 0; s < frontiers.size(); ++s) {
    JointFit one;
    one.laws = {start.laws[s]};
    one.offset = start.laws[s].offset;
    one.huber_delta = start.huber_delta;
    const Frontier* const frontier = frontiers[s];
    all.laws[s] = refit_joint({&frontier, 1}, one, true).laws[0];
  }
  return all;
}

}  // namespace einsearch
