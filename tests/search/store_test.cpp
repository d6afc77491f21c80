#include "search/store.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "app/run_binary.h"
#include "base/error.h"
#include "search/claims.h"
#include "search/shard.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

namespace fs = std::filesystem;

Curve curve_of(const std::string& run) {
  Curve curve;
  curve.run = run;
  curve.structure = "btt";
  curve.theta = "(1|0)";
  curve.width = 64;
  curve.lr = 0.1;
  curve.flops = 1.0 / 3;
  CurvePoint start;
  start.loss = 4.564348191467836;
  CurvePoint end;
  end.step = 10;
  end.loss = 0.1 + 0.2;
  end.loss_se = 5e-324;
  end.epochs = 0.7;
  end.block_rms = {1.0 / 7, 2};
  end.experts = {3.5, 0.1, 4};
  curve.points = {start, end};
  return curve;
}

/// Equal as text: missing numbers are nan, which equals nothing.
std::string text_of(const Curve& curve) { return to_line({.numerics = 1, .curve = curve}); }

std::string fresh_store(const std::string& name) {
  const std::string folder = scratch_path(name);
  RunStore::open_or_create(folder);
  return folder;
}

fs::path only_runs_file(const std::string& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".runs") return entry.path();
  }
  return {};
}

Plan plan_of(const std::vector<double>& costs) {
  Plan plan;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    PlannedRun run;
    run.id = std::to_string(i);
    run.train_flops = costs[i];
    run.trunk = i;
    plan.runs.push_back(run);
  }
  return plan;
}

}  // namespace

TEST_CASE("a record reads back to the same curve, and with any byte changed or lost it is none") {
  const Curve curve = curve_of("0123456789abcdef");
  std::string line = text_of(curve);
  REQUIRE(line.back() == '\n');
  line.pop_back();
  const auto head = parse_head(line);
  REQUIRE(head);
  CHECK(head->run == curve.run);
  CHECK(head->status == RunStatus::ok);
  CHECK(text_of(parse_record(*head).curve) == line + "\n");
  CHECK(parse_record(*head).curve.points[1].loss == 0.1 + 0.2);
  CHECK(parse_record(*head).curve.points[1].loss_se == 5e-324);
  for (std::size_t i = 0; i < line.size(); ++i) {
    CHECK(!parse_head(line.substr(0, i)));
    std::string changed = line;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    CHECK(!parse_head(changed));
  }
}

TEST_CASE("a store that is torn anywhere in its last line keeps every line before it") {
  const std::string folder = fresh_store("torn");
  {
    StoreWriter writer(folder);
    for (const char* run : {"a", "b", "c"}) writer.append({.numerics = 1, .curve = curve_of(run)});
  }
  const fs::path file = only_runs_file(folder);
  const auto whole = fs::file_size(file), line = text_of(curve_of("c")).size();
  for (std::size_t lost = 1; lost < line; ++lost) {
    fs::resize_file(file, whole - lost);
    RunStore store(folder);
    REQUIRE(store.runs().size() == 2);
    CHECK(store.torn_lines() == 1);
    if (lost % 100 != 0) continue;
    // Another writer goes on; whoever reads along sees its record when it is whole.
    StoreWriter writer(folder);
    writer.append({.numerics = 1, .curve = curve_of(fmt::format("d{}", lost))});
    CHECK(store.find(fmt::format("d{}", lost)) == nullptr);
    store.refresh();
    CHECK(store.find(fmt::format("d{}", lost)) != nullptr);
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".runs" && entry.path() != file) fs::remove(entry.path());
    }
  }
}

TEST_CASE("a run that failed once and then ended well has ended well") {
  const std::string folder = fresh_store("again");
  Curve failed = curve_of("a");
  failed.reason = "exit status 1: \"no, no\"\xff";
  failed.points.back().status = RunStatus::failed;
  StoreWriter writer(folder);
  writer.append({.numerics = 1, .curve = failed});
  RunStore store(folder);
  CHECK(store.find("a")->status == RunStatus::failed);
  CHECK(store.read(*store.find("a")).curve.reason.starts_with("exit status 1: \"no, no\""));
  writer.append({.numerics = 1, .curve = curve_of("a")});
  store.refresh();
  CHECK(store.find("a")->status == RunStatus::ok);
  writer.append({.numerics = 1, .curve = failed});
  store.refresh();
  CHECK(store.find("a")->status == RunStatus::ok);
}

TEST_CASE("a folder that is no store, and a store of another version, are refused and left alone") {
  const std::string folder = scratch_path("no-store");
  CHECK_THROWS_AS(RunStore{folder}, Error);
  fs::create_directories(folder);
  std::ofstream(folder + "/letter") << "dear";
  CHECK_THROWS_AS(RunStore::open_or_create(folder), Error);
  CHECK(fs::exists(folder + "/letter"));
  fs::remove(folder + "/letter");
  std::ofstream(folder + "/einsearch-store") << "einsearch store 99\n";
  CHECK_THROWS_WITH_AS(
      RunStore::open_or_create(folder), doctest::Contains("another version"), Error);
}

TEST_CASE("a run is claimed by one living writer at a time") {
  const std::string folder = fresh_store("claims");
  Claims one(folder, "one"), two(folder, "two");
  CHECK(one.try_claim("a"));
  CHECK(!two.try_claim("a"));
  CHECK(two.try_claim("b"));
  CHECK(!one.try_claim("b"));
  one.give_up("a");
  CHECK(two.try_claim("a"));
  CHECK(!one.try_claim("a"));
  two.finish("a");
  CHECK(one.try_claim("a"));
  CHECK(summarise_claims(folder).living_writers == 2);
}

TEST_CASE("the claim of a killed writer is void, whoever sees it first") {
  const std::string folder = fresh_store("killed");
  for (int round = 0; round < 3; ++round) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const pid_t child = fork();
    if (child == 0) {
      Claims claims(folder, fmt::format("child{}", round));
      const char answer = claims.try_claim("a") ? 'y' : 'n';
      if (write(ready[1], &answer, 1) != 1) _exit(1);
      pause();
    }
    char answer = 0;
    REQUIRE(read(ready[0], &answer, 1) == 1);
    CHECK(answer == 'y');  // also where earlier rounds have left their dead claims
    CHECK(!Claims(folder, fmt::format("too-early{}", round)).try_claim("a"));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
  }
  Claims claims(folder, "heir");
  CHECK(claims.try_claim("a"));
  CHECK(!Claims(folder, "late").try_claim("a"));
  claims.finish("a");
  CHECK(summarise_claims(folder).runs.empty());
}

TEST_CASE("the shards of a plan are disjoint, their union is the plan, and they are even") {
  std::vector<double> costs;
  for (int i = 0; i < 1000; ++i) costs.push_back(1 + (i * 7919) % 1000);
  const Plan plan = plan_of(costs);
  const std::vector<Job> jobs = jobs_of(plan);
  for (const Count count : {1, 2, 3, 7, 64, 999, 1000, 1500}) {
    std::multiset<std::size_t> runs;
    for (Count index = 1; index <= count; ++index) {
      for (const Job& job : jobs_of_shard(jobs, {index, count}))
        runs.insert(job.runs.begin(), job.runs.end());
    }
    CHECK(runs.size() == plan.runs.size());
    CHECK(std::set<std::size_t>(runs.begin(), runs.end()).size() == plan.runs.size());
    if (count <= 64) CHECK(imbalance(jobs, count) < 1.05);
  }
  for (const char* bad : {"0/4", "5/4", "1", "1/", "/2", "a/b", "1/2/3", "-1/2", "1/0"})
    CHECK_THROWS_AS(parse_shard(bad), Error);
  CHECK(parse_shard("2/3") == Shard{2, 3});
}
