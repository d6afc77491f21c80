// How often intervals contain the truth, and how well orders are recovered, in simulated worlds:
//
//     einsearch_coverage [KIND ...] [--worlds N] [--first I] [--threads N]
//
// A world has 24 structures with loss E_s + a_s C^-b_s at the best width for each compute C: E_s is
// the same for all (except in the kind own-offset), uniform in [0, 0.3] of the lowest loss; b_s
// normal (0.15, 0.02); a_s lognormal (0.2). Five widths, each trained from a quarter to four times
// its compute-optimal length C_w, C_w growing 16-fold; two seeds that all structures share. A run
// at compute C has reducible loss
//     a C^-b cosh(b log(C / C_w)),
// which is the profile of A N^-2b + B D^-2b at constant N: it touches the law at C_w and its
// neighbours' runs at 4 C_w, 2 % above the law. Noise of log loss: 0.5 % per run, 0.3 % per seed.
//
// Kinds: law; and worlds that do not obey it: bend (the exponent falls by a fifth halfway),
// own-offset (each structure its E), mistuned (one width of each structure is 3 % worse),
// heavy-tails (noise of Student's t with 2.5 degrees of freedom), growing-noise (noise doubles with
// every width), crossing (slopes and levels so correlated that the order reverses beyond the data).
//
// Output: one CSV row per kind (all of them unless some are named). A column is the mean over
// worlds of what a world's structures gave; NAME_se is its standard error, from the scatter of
// worlds, since the structures of one world share seeds and E. Columns without far_ are at the
// largest compute inside all fitted ranges, those with it, and the orders (tau: Kendall's, with the
// true one), at 100 times that. The truth of a loss is the law, which a run touches at its
// compute-optimal length.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "compute/parallel.h"
#include "fit/inference.h"
#include "fit/ranking.h"

using namespace einsearch;

namespace {

constexpr int kStructures = 24;
constexpr int kWidths = 5;
constexpr int kSeeds = 2;
constexpr double kRunNoise = 0.005;
constexpr double kSeedNoise = 0.003;
constexpr double kFirstCompute = 1e9;
constexpr double kStep = 16;  // C_w of a width over that of the one before
constexpr double kHorizon = 4;
constexpr double kFar = 100;  // where orders are compared: times the fitted range
constexpr double kBend = 0.8;

enum class Kind { law, bend, own_offset, mistuned, heavy_tails, growing_noise, crossing };

const std::map<std::string, Kind> kKinds = {{"law", Kind::law},
                                            {"bend", Kind::bend},
                                            {"own-offset", Kind::own_offset},
                                            {"mistuned", Kind::mistuned},
                                            {"heavy-tails", Kind::heavy_tails},
                                            {"growing-noise", Kind::growing_noise},
                                            {"crossing", Kind::crossing}};

double width_compute(int width) { return kFirstCompute * std::pow(kStep, width); }
double middle_compute() { return width_compute(kWidths / 2); }

struct TrueLaw {
  double offset = 0;
  double prefactor = 1;  // reducible loss at the middle compute
  double exponent = 0.15;
  bool is_bent = false;

  double slope_at(double compute) const {
    return is_bent && compute > middle_compute() ? kBend * exponent : exponent;
  }
  double reducible(double compute) const {
    return prefactor * std::pow(compute / middle_compute(), -slope_at(compute));
  }
  double loss(double compute) const { return offset + reducible(compute); }
  /// The compute at which the law reaches `loss`; infinity where it never does.
  double compute(double value) const {
    if (value <= offset) return INFINITY;
    const double b = value < loss(middle_compute()) && is_bent ? kBend * exponent : exponent;
    return middle_compute() * std::pow((value - offset) / prefactor, -1 / b);
  }
};

struct World {
  std::vector<TrueLaw> laws;
  std::vector<std::string> names;
  std::vector<Curve> curves;
};

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : generator_(seed) {}
  double normal() { return normal_(generator_); }
  double uniform() { return std::uniform_real_distribution<double>(0, 1)(generator_); }
  double student(double degrees) {
    return std::student_t_distribution<double>(degrees)(generator_);
  }

 private:
  std::mt19937_64 generator_;
  std::normal_distribution<double> normal_;
};

std::vector<TrueLaw> draw_laws(Kind kind, Draws& draws) {
  std::vector<TrueLaw> laws(kStructures);
  double lowest = INFINITY;
  for (TrueLaw& law : laws) {
    const double z = draws.normal();
    law.exponent = std::max(0.03, 0.15 + 0.02 * z);
    law.prefactor = std::exp(0.2 * draws.normal());
    // Steep laws lie high up to the largest run, and win beyond it.
    if (kind == Kind::crossing) {
      law.prefactor =
          std::exp(0.02 * z * std::log(width_compute(kWidths - 1) * kHorizon / middle_compute()) +
                   0.01 * draws.normal());
    }
    law.is_bent = kind == Kind::bend;
    lowest = std::min(lowest, law.reducible(width_compute(kWidths - 1) * kHorizon));
  }
  const double part = 0.3 * draws.uniform();
  for (TrueLaw& law : laws) {
    const double own = kind == Kind::own_offset ? 0.3 * draws.uniform() : part;
    law.offset = own / (1 - own) * lowest;
  }
  return laws;
}

World draw_world(Kind kind, std::uint64_t seed) {
  Draws draws(seed);
  World world{.laws = draw_laws(kind, draws), .names = {}, .curves = {}};
  double seed_noise[kWidths][kSeeds];
  for (auto& row : seed_noise) {
    for (double& value : row) value = kSeedNoise * draws.normal();
  }
  for (int s = 0; s < kStructures; ++s) {
    world.names.push_back(s == 0 ? "dense" : fmt::format("s{:02d}", s));
    const TrueLaw& law = world.laws[static_cast<std::size_t>(s)];
    const int mistuned = kind == Kind::mistuned ? static_cast<int>(draws.uniform() * kWidths) : -1;
    for (int width = 0; width < kWidths; ++width) {
      for (int k = 0; k < kSeeds; ++k) {
        const double growth = kind == Kind::growing_noise ? std::pow(2.0, width - 2) : 1;
        const double run = kind == Kind::heavy_tails ? draws.student(2.5) : draws.normal();
        const double noise =
            growth * (kRunNoise * run + seed_noise[width][k]) + (width == mistuned ? 0.03 : 0.0);
        Curve curve;
        curve.structure = world.names.back();
        curve.width = Count{64} << width;
        curve.run = fmt::format("{}-{}-{}", curve.structure, width, k);
        curve.schedule = "constant";
        curve.seed_init = curve.seed_data = k;
        const double best = width_compute(width);
        constexpr int kPoints = 60;
        for (int i = 0; i < kPoints; ++i) {
          const double away = std::log(kHorizon) - 0.12 * (kPoints - 1 - i);
          CurvePoint point;
          point.train_flops = best * std::exp(away);
          point.step = static_cast<Count>(std::lround(1e5 * std::exp(away)));
          const double b = law.slope_at(point.train_flops);
          point.loss = (law.offset + law.reducible(point.train_flops) * std::cosh(b * away)) *
                       std::exp(noise);
          curve.points.push_back(point);
        }
        world.curves.push_back(std::move(curve));
      }
    }
  }
  return world;
}

enum Measure : std::size_t {
  kOffset95,
  kExponent95,
  kExponent80,
  kPrefactor95,
  kLoss95,
  kMultiplier95,
  kMultiplier80,
  kRank95,
  kRankWidth,
  kFarLoss95,
  kFarMultiplier95,
  kFarRank95,
  kTauPredicted,
  kTauShrunk,
  kTauExponent,
  kTauLast,
  kTauGain,
  kMeasures,
};

constexpr std::array<const char*, kMeasures> kNames = {"irreducible_loss_95",
                                                       "exponent_95",
                                                       "exponent_80",
                                                       "prefactor_95",
                                                       "loss_95",
                                                       "multiplier_95",
                                                       "multiplier_80",
                                                       "rank_95",
                                                       "rank_interval_width",
                                                       "far_loss_95",
                                                       "far_multiplier_95",
                                                       "far_rank_95",
                                                       "tau_predicted_loss",
                                                       "tau_shrunk",
                                                       "tau_exponent",
                                                       "tau_last_loss",
                                                       "tau_gain_over_last_loss"};

/// Mean of what was added; nan of nothing.
struct Mean {
  double sum = 0, n = 0;

  void add(double value) {
    sum += value;
    n += 1;
  }
  double value() const { return n > 0 ? sum / n : NAN; }
};

/// What one world says.
using Scores = std::array<Mean, kMeasures>;

std::size_t index_of(const World& world, const std::string& name) {
  return static_cast<std::size_t>(std::find(world.names.begin(), world.names.end(), name) -
                                  world.names.begin());
}

void judge_95(Mean& mean, const Estimate& estimate, double truth) {
  if (!estimate.has_interval()) return;
  mean.add(estimate.low <= truth && truth <= estimate.high ? 1 : 0);
}

void judge_80(Mean& mean, const Estimate& estimate, double truth) {
  if (!estimate.has_interval()) return;
  mean.add(estimate.low_80 <= truth && truth <= estimate.high_80 ? 1 : 0);
}

void judge_rank(Mean& mean, const World& world, const RankedStructure& row, double compute) {
  if (row.inference.rank_low == 0) return;
  const double loss = world.laws[index_of(world, row.structure)].loss(compute);
  Count rank = 1;
  for (const TrueLaw& other : world.laws) rank += other.loss(compute) < loss ? 1 : 0;
  mean.add(row.inference.rank_low <= rank && rank <= row.inference.rank_high ? 1 : 0);
}

void judge_near(const World& world, const Ranking& ranking, Kind kind, Scores& scores) {
  const double target = ranking.target_compute;
  for (const RankedStructure& row : ranking.rows) {
    const std::size_t s = index_of(world, row.structure);
    const TrueLaw& law = world.laws[s];
    if (kind != Kind::bend) {
      judge_95(scores[kOffset95], row.irreducible_loss, law.offset);
      judge_95(scores[kExponent95], row.exponent, law.exponent);
      judge_80(scores[kExponent80], row.exponent, law.exponent);
      judge_95(scores[kPrefactor95], row.prefactor, law.reducible(row.law.reference_compute));
    }
    judge_95(scores[kLoss95], row.predicted_loss, law.loss(target));
    if (s > 0) {
      const double truth = world.laws[0].compute(law.loss(target)) / target;
      judge_95(scores[kMultiplier95], row.multiplier, truth);
      judge_80(scores[kMultiplier80], row.multiplier, truth);
    }
    judge_rank(scores[kRank95], world, row, target);
    scores[kRankWidth].add(
        static_cast<double>(row.inference.rank_high - row.inference.rank_low + 1));
  }
}

void judge_far(const World& world, const Ranking& ranking, Scores& scores) {
  const double target = ranking.target_compute;
  std::vector<double> truth, loss, shrunk, exponent, last;
  for (const RankedStructure& row : ranking.rows) {
    const std::size_t s = index_of(world, row.structure);
    truth.push_back(world.laws[s].loss(target));
    loss.push_back(row.predicted_loss.value);
    shrunk.push_back(row.predicted_loss_shrunk);
    exponent.push_back(-row.exponent.value);
    last.push_back(row.last_loss);
    judge_95(scores[kFarLoss95], row.predicted_loss, truth.back());
    if (s > 0) {
      const double multiplier = world.laws[0].compute(truth.back()) / target;
      judge_95(scores[kFarMultiplier95], row.multiplier, multiplier);
    }
    judge_rank(scores[kFarRank95], world, row, target);
  }
  scores[kTauPredicted].add(kendall_tau(truth, loss));
  scores[kTauShrunk].add(kendall_tau(truth, shrunk));
  scores[kTauExponent].add(kendall_tau(truth, exponent));
  scores[kTauLast].add(kendall_tau(truth, last));
  scores[kTauGain].add(kendall_tau(truth, loss) - kendall_tau(truth, last));
}

Scores judge_world(Kind kind, std::uint64_t seed) {
  const World world = draw_world(kind, seed);
  RankingOptions options;
  options.may_extrapolate = true;
  const RankingFits fits = fit_structures(world.curves, options);
  Scores scores;
  const Ranking near = rank_fits(fits);
  judge_near(world, near, kind, scores);
  judge_far(world, rank_fits(fits, kFar * near.target_compute), scores);
  return scores;
}

void print_header() {
  fmt::print("kind,worlds");
  for (const char* name : kNames) fmt::print(",{},{}_se", name, name);
  fmt::print("\n");
}

void print_row(const std::string& kind, const std::vector<Scores>& worlds) {
  fmt::print("{},{}", kind, worlds.size());
  for (std::size_t m = 0; m < kMeasures; ++m) {
    Mean mean, squares;
    for (const Scores& world : worlds) {
      if (world[m].n > 0) mean.add(world[m].value());
    }
    for (const Scores& world : worlds) {
      const double rest = world[m].value() - mean.value();
      if (world[m].n > 0) squares.add(rest * rest);
    }
    if (mean.n < 2) {
      fmt::print(",,");
    } else {
      fmt::print(",{:.4f},{:.4f}", mean.value(), std::sqrt(squares.value() / (mean.n - 1)));
    }
  }
  fmt::print("\n");
  std::fflush(stdout);
}

struct Request {
  std::vector<std::string> kinds;
  long long worlds = 40, first = 0, threads = available_threads();
};

int usage() {
  std::fputs(
      "usage: einsearch_coverage [law|bend|own-offset|mistuned|heavy-tails|growing-noise|crossing "
      "...] [--worlds N] [--first I] [--threads N]\n",
      stderr);
  return 2;
}

/// False for what is no request.
bool read_request(int argc, char** argv, Request& request) {
  const std::map<std::string, long long*> numbers = {
      {"--worlds", &request.worlds}, {"--first", &request.first}, {"--threads", &request.threads}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (kKinds.contains(word)) {
      request.kinds.push_back(word);
    } else if (numbers.contains(word) && i + 1 < argc) {
      *numbers.at(word) = std::atoll(argv[++i]);
    } else {
      return false;
    }
  }
  if (request.kinds.empty()) {
    for (const auto& [name, kind] : kKinds) request.kinds.push_back(name);
  }
  return request.worlds > 0 && request.first >= 0 && request.threads > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Request request;
  if (!read_request(argc, argv, request)) return usage();
  print_header();
  for (const std::string& name : request.kinds) {
    std::vector<Scores> worlds(static_cast<std::size_t>(request.worlds));
    Threads(static_cast<int>(request.threads)).for_each(request.worlds, [&](Index i) {
      worlds[static_cast<std::size_t>(i)] =
          judge_world(kKinds.at(name), static_cast<std::uint64_t>(request.first + i));
    });
    print_row(name, worlds);
  }
}
