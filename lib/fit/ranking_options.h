// What a user may choose of a ranking.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fit/bootstrap.h"
#include "fit/frontier.h"
#include "fit/hull_frontier.h"
#include "fit/joint_law.h"

namespace einsearch {

enum class FrontierMethod { envelope, hull };
enum class RankBy { predicted_loss, multiplier, exponent, last_loss };

/// Names as typed after --rank-by: predicted-loss, multiplier, exponent, last-loss.
const std::vector<std::string>& rank_by_names();
RankBy parse_rank_by(const std::string& name);

struct RankingOptions {
  FrontierMethod method = FrontierMethod::envelope;
  PointChoice points = PointChoice::comparable;
  Irreducible irreducible = Irreducible::shared;
  bool selects_irreducible = false;      ///< by roll-out, instead
  double offset = 0;                     ///< E of all laws where it is given
  std::optional<std::string> baseline;   ///< must exist; nothing: dense if there
  std::optional<double> target_compute;  ///< nothing: the largest inside every fitted range
  bool may_extrapolate = false;          ///< beyond ten times the largest compute
  RankBy rank_by = RankBy::predicted_loss;
  HullOptions hull = {};
  BootstrapOptions bootstrap = {};
};

}  // namespace einsearch
