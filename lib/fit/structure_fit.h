// What the fit of one structure is made of, on its way through a ranking.
#pragma once

#include <string>
#include <vector>

#include "fit/envelope.h"
#include "fit/frontier.h"
#include "fit/power_law.h"

namespace einsearch {

/// Where a run stands in the plan of its structure.
struct RunPlace {
  Index place;  ///< which width, counted from the smallest
  Index seed;   ///< which seeds (of initialisation, data and task), numbered over all structures
  bool is_sound;
};

struct StructureFit {
  std::string structure = {};
  Runs runs = {};
  std::vector<RunPlace> places = {};  ///< one per run
  Index n_places = 0;
  double last_compute = 0;  ///< most compute of a sound run of the largest width
  Envelope envelope = {};
  Frontier frontier = {};
  PowerLaw law = {};
};

}  // namespace einsearch
