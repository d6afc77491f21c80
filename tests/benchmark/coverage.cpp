// How often intervals contain the truth, and how well orders are recovered, in simulated worlds:
//
//     einsearch_coverage KIND WORLDS [FIRST]
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
// Output: one CSV row per kind. Orders are compared at 100 times the largest fitted compute.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
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

/// A share with its standard error.
struct Share {
  double hits = 0, n = 0;

  void add(bool hit) {
    hits += hit ? 1 : 0;
    n += 1;
  }
  double value() const { return n > 0 ? hits / n : NAN; }
};

struct Sums {
  Share exponent, exponent_80, loss, multiplier, multiplier_80, rank, best;
  double tau_loss = 0, tau_shrunk = 0, tau_exponent = 0, tau_last = 0;
  double worlds = 0, rank_width = 0;
  Share far_loss, far_multiplier, far_rank;
};

std::size_t index_of(const World& world, const std::string& name) {
  return static_cast<std::size_t>(std::find(world.names.begin(), world.names.end(), name) -
                                  world.names.begin());
}

bool contains(double low, double high, double value) { return low <= value && value <= high; }

Count true_rank(const World& world, std::size_t s, double compute) {
  Count rank = 1;
  for (const TrueLaw& other : world.laws) {
    rank += other.loss(compute) < world.laws[s].loss(compute) ? 1 : 0;
  }
  return rank;
}

void judge_near(const World& world, const Ranking& ranking, Kind kind, Sums& sums) {
  const double target = ranking.target_compute;
  for (const RankedStructure& row : ranking.rows) {
    const std::size_t s = index_of(world, row.structure);
    const TrueLaw& law = world.laws[s];
    if (kind != Kind::bend && row.exponent.has_interval()) {
      sums.exponent.add(contains(row.exponent.low, row.exponent.high, law.exponent));
      sums.exponent_80.add(contains(row.exponent.low_80, row.exponent.high_80, law.exponent));
    }
    if (row.predicted_loss.has_interval()) {
      sums.loss.add(contains(row.predicted_loss.low, row.predicted_loss.high, law.loss(target)));
    }
    if (s > 0 && row.multiplier.has_interval()) {
      const double truth = world.laws[0].compute(law.loss(target)) / target;
      sums.multiplier.add(contains(row.multiplier.low, row.multiplier.high, truth));
      sums.multiplier_80.add(contains(row.multiplier.low_80, row.multiplier.high_80, truth));
    }
    if (row.inference.rank_low > 0) {
      const Count rank = true_rank(world, s, target);
      sums.rank.add(row.inference.rank_low <= rank && rank <= row.inference.rank_high);
      sums.rank_width +=
          static_cast<double>(row.inference.rank_high - row.inference.rank_low) / kStructures;
    }
  }
}

void judge_far(const World& world, const Ranking& ranking, Sums& sums) {
  const double target = ranking.target_compute;
  std::vector<double> truth, loss, shrunk, exponent, last;
  for (const RankedStructure& row : ranking.rows) {
    const std::size_t s = index_of(world, row.structure);
    truth.push_back(world.laws[s].loss(target));
    loss.push_back(row.predicted_loss.value);
    shrunk.push_back(row.predicted_loss_shrunk);
    exponent.push_back(-row.exponent.value);
    last.push_back(row.last_loss);
    if (row.predicted_loss.has_interval()) {
      sums.far_loss.add(contains(row.predicted_loss.low, row.predicted_loss.high, truth.back()));
    }
    if (s > 0 && row.multiplier.has_interval()) {
      const double multiplier = world.laws[0].compute(truth.back()) / target;
      sums.far_multiplier.add(contains(row.multiplier.low, row.multiplier.high, multiplier));
    }
    if (row.inference.rank_low > 0) {
      const Count rank = true_rank(world, s, target);
      sums.far_rank.add(row.inference.rank_low <= rank && rank <= row.inference.rank_high);
    }
  }
  sums.tau_loss += kendall_tau(truth, loss);
  sums.tau_shrunk += kendall_tau(truth, shrunk);
  sums.tau_exponent += kendall_tau(truth, exponent);
  sums.tau_last += kendall_tau(truth, last);
  sums.worlds += 1;
}

void print(const std::string& kind, const Sums& sums) {
  std::puts(
      "kind,worlds,exponent_95,exponent_80,loss_95,multiplier_95,multiplier_80,rank_95,"
      "rank_interval_width,far_loss_95,far_multiplier_95,far_rank_95,tau_predicted_loss,"
      "tau_shrunk,tau_exponent,tau_last_loss");
  fmt::print("{},{}", kind, sums.worlds);
  for (const Share* share : {&sums.exponent,
                             &sums.exponent_80,
                             &sums.loss,
                             &sums.multiplier,
                             &sums.multiplier_80,
                             &sums.rank}) {
    fmt::print(",{:.4f}", share->value());
  }
  fmt::print(",{:.2f}", sums.rank_width / sums.worlds);
  for (const Share* share : {&sums.far_loss, &sums.far_multiplier, &sums.far_rank}) {
    fmt::print(",{:.4f}", share->value());
  }
  for (const double tau : {sums.tau_loss, sums.tau_shrunk, sums.tau_exponent, sums.tau_last}) {
    fmt::print(",{:.3f}", tau / sums.worlds);
  }
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || !kKinds.contains(argv[1])) {
    std::fputs(
        "usage: einsearch_coverage law|bend|own-offset|mistuned|heavy-tails|growing-noise|"
        "crossing WORLDS [FIRST]\n",
        stderr);
    return 2;
  }
  const Kind kind = kKinds.at(argv[1]);
  const auto n_worlds = std::atoll(argv[2]);
  const auto first = argc > 3 ? std::atoll(argv[3]) : 0;
  Sums sums;
  std::mutex mutex;
  Threads(available_threads()).for_each(n_worlds, [&](Index i) {
    const World world = draw_world(kind, static_cast<std::uint64_t>(first + i));
    RankingOptions options;
    const Ranking near = rank_structures(world.curves, options);
    options.target_compute = kFar * near.target_compute;
    options.may_extrapolate = true;
    const Ranking far = rank_structures(world.curves, options);
    const std::lock_guard lock(mutex);
    judge_near(world, near, kind, sums);
    judge_far(world, far, sums);
  });
  print(argv[1], sums);
}
