#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/run_binary.h"

using namespace einsearch;

namespace {

/// A search of some tenths of a second.
const std::string kSearch =
    "$EINSEARCH search --space monarch,kronecker,low-rank:1/2,tt:1/2 --match dense@8,12,16,24 "
    "--horizon steps:16,20,24,32 --depth 1 --target-width 16 --target-depth 2 --held-out 64 "
    "--batch 16 --budget 1e9 ";

}  // namespace

TEST_CASE("a search that is run again, or in shards, leaves the same files") {
  const std::string whole = scratch_path("search-whole"), shards = scratch_path("search-shards");
  const Outcome first = run_shell(kSearch + "-o " + whole);
  REQUIRE(first.status == 0);
  CHECK(first.out.starts_with("rank,structure,family,"));
  CHECK(first.out.find(",lr_edge,tuning,") != std::string::npos);
  CHECK(run_shell(kSearch + "--threads 1 -o " + whole).out == first.out);
  // One store; each shard ends with status 3 until the others have done their part.
  int rounds = 0, status = 3;
  while (status == 3 && ++rounds < 20) {
    for (const char* shard : {"1/2", "2/2"}) {
      status = run_shell(fmt::format("{} --shard {} -o {}", kSearch, shard, shards)).status;
      if (status != 3) break;
    }
  }
  CHECK(status == 0);
  CHECK(rounds > 1);
  for (const char* file : {"/ranking.csv",
                           "/decisions.csv",
                           "/curves.csv",
                           "/frontiers.svg",
                           "/rates.svg",
                           "/ranks.svg"}) {
    CAPTURE(file);
    CHECK(contents(whole + file).size() > 100);
    CHECK(contents(whole + file) == contents(shards + file));
  }
}

TEST_CASE("status knows the stage of a search, and when it is over") {
  const std::string folder = scratch_path("search-status");
  REQUIRE(run_shell(kSearch + "--shard 1/2 -o " + folder).status == 3);
  const Outcome part = run_shell("$EINSEARCH status " + folder + "/runs");
  CHECK(part.status == 3);
  CHECK(part.err.find(": search: screening | ") != std::string::npos);
  REQUIRE(run_shell(kSearch + "-o " + folder).status == 0);
  const Outcome whole = run_shell("$EINSEARCH status " + folder + "/runs");
  CHECK(whole.status == 0);
  CHECK(whole.err.find(": search: finished") != std::string::npos);
}

TEST_CASE("a search over a lattice goes on off it, an exhaustive one does not") {
  const std::string folder = scratch_path("search-lattice");
  const std::string lattice =
      "$EINSEARCH search --space 'grid 1/2' --match dense@8,12,16,24 --horizon steps:16,20,24,32 "
      "--depth 1 --target-width 16 --target-depth 2 --held-out 64 --batch 16 --budget 1e9 ";
  const Outcome refined = run_shell(lattice + "-o " + folder);
  REQUIRE(refined.status == 0);
  CHECK(refined.err.find(" structures off the lattice tried; ") != std::string::npos);
  CHECK(contents(folder + "/decisions.csv").find("\nrefinement 1,") != std::string::npos);
  CHECK(contents(folder + "/ranking.csv").find("off the lattice, from ") != std::string::npos);
  const Outcome exhaustive = run_shell(lattice + "--strategy exhaustive -o " + folder + "-all");
  REQUIRE(exhaustive.status == 0);
  CHECK(contents(folder + "-all/ranking.csv").find("off the lattice") == std::string::npos);
}

TEST_CASE("a search with a surrogate tries what it proposes, and again the same") {
  const std::string folder = scratch_path("search-surrogate");
  const std::string search =
      "$EINSEARCH search --space 'grid 1/2' --strategy surrogate --match dense@8,12,16,24 "
      "--horizon steps:16,20,24,32 --depth 1 --target-width 16 --target-depth 2 --held-out 64 "
      "--batch 16 --budget 1e9 -o ";
  const Outcome first = run_shell(search + folder);
  REQUIRE(first.status == 0);
  CHECK(first.err.find("leave-one-out error of log multipliers") != std::string::npos);
  CHECK(first.err.find(" structures that the surrogate chose tried; ") != std::string::npos);
  const std::string ranking = contents(folder + "/ranking.csv");
  CHECK(ranking.find(",\"surrogate, near ") != std::string::npos);
  CHECK(run_shell(search + folder).out == first.out);
  CHECK(contents(folder + "/ranking.csv") == ranking);
  // Too few for a surrogate: the search says so and goes on without.
  const Outcome few = run_shell(kSearch + "--strategy surrogate -o " + folder + "-few");
  CHECK(few.status == 0);
  CHECK(few.err.find("no surrogate: ") != std::string::npos);
}

TEST_CASE("search --dry-run prints what stages cost and leaves nothing behind") {
  const std::string folder = scratch_path("search-dry");
  const Outcome plan = run_shell(kSearch + "--dry-run -o " + folder);
  CHECK(plan.status == 0);
  CHECK(plan.out.starts_with("stage,width,steps,structures,runs,train_flops\nsearch,8,16,5,10,"));
  CHECK(count_lines(plan.out) == 6);  // four scales and confirmation
  CHECK(plan.err.find(" of 1e+09; ") != std::string::npos);
  CHECK(!std::filesystem::exists(folder));
  const Outcome standard = run_einsearch({"search", "--dry-run", "-o", folder});
  CHECK(count_lines(standard.out) == 7);  // five scales and confirmation
  CHECK(!std::filesystem::exists(folder));
}

TEST_CASE("a search that cannot be is refused in one line with status 2") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"--space 'grid 1/4, omega<0' --budget 1e12", "by omega<0"},
      {"--space 'grid 1/4, omgea<1' --budget 1e12", "did you mean omega"},
      {"--space 'grid 1/4' --budget 1e6", "at least"},
      {"--space monarch,kronecker --budget 1e13 --target-compute 1e3", "a target below the data"},
      {"--space monarch,kronecker --budget 4e12 --target-compute 1e18", "too small a budget"},
      {"--space monarch", "--budget is missing"},
      {"--space 'grid 1/4,divisors' --budget 1e12", "two spaces"},
      {"--space monarch --budget 1e12 --strategy best", "unknown strategy"},
      {"--space monarch --budget 1e12 --design cube:3", "taxonomy:K"},
      {"--preset standard --seeds 2", "--preset is a whole search of its own"},
      {"--replay /nowhere", "/nowhere"},
      {"--replay runs --space monarch", "--replay trains nothing"}};
  for (const auto& [options, said] : cases) {
    CAPTURE(options);
    const std::string folder = scratch_path("search-refused");
    const Outcome outcome = run_shell("$EINSEARCH search " + options + " -o " + folder);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(said) != std::string::npos);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK_FALSE(std::filesystem::exists(folder + "/ranking.csv"));
  }
}

TEST_CASE("on the archive of the lattice 1/3 halving finds the best for 15 % of the cost") {
  const Outcome replay = run_einsearch({"search",
                                        "--replay",
                                        EINSEARCH_SOURCE_DIR "/data/lattice-curves.csv.gz",
                                        "--strategy",
                                        "halving",
                                        "--format",
                                        "jsonl"});
  REQUIRE(replay.status == 0);
  const auto row = nlohmann::json::parse(replay.out);
  CHECK(row["regret"].get<double>() <= 1.05);
  CHECK(row["cost_share"].get<double>() <= 0.15);
}

TEST_CASE("a sweep replayed as searches says what a strategy costs and finds") {
  const std::string archive = std::string(EINSEARCH_SOURCE_DIR) + "/data/family-curves.csv.gz";
  const Outcome outcome =
      run_shell("$EINSEARCH search --format csv --strategy omega-psi --replay " + archive);
  CHECK(outcome.status == 0);
  CHECK(outcome.out.starts_with("strategy,runs,cost_share,regret,tau,top_1,recall,k,chosen\n"));
  CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 2);
  CHECK(outcome.out.find("omega-psi,0,0,") != std::string::npos);  // it costs nothing
  CHECK(outcome.err.find("2 seeds, each judged by the others") != std::string::npos);
}
