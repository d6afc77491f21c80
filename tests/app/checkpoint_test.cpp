#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/run_binary.h"
#include "base/error.h"
#include "io/checkpoint_file.h"
#include "io/curve_csv.h"
#include "nn/mixture_options.h"
#include "structure/notation.h"
#include "train/run.h"

using namespace einsearch;

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

RunSpec small_spec(OptimizerKind optimizer, const std::string& structure = "btt") {
  RunSpec spec;
  GptOptions model;
  const ModelStructure parsed = parse_model_structure(structure);
  model.structure = parsed.structure;
  model.mixture = parsed.mixture;
  model.vocabulary = kTextVocabulary;
  model.context = 10;
  model.width = 12;
  model.depth = 1;
  model.has_weight_norm = true;
  spec.model = model;
  spec.task = MarkovOptions{.window = 10, .order = 1};
  spec.optimizer = {.kind = optimizer, .clip = 1};
  spec.schedule = {.kind = ScheduleKind::cosine, .warmup = 3, .steps = 40};
  spec.batch = 30;
  spec.steps = 20;
  spec.held_out = 20;
  return spec;
}

struct Result {
  std::string curve;
  std::vector<float> values;
};

std::string to_csv(const Curve& curve) {
  std::string text;
  TableWriter table(TableFormat::csv,
                    curve_csv_columns(TimeColumns::left_out),
                    [&text](std::string_view part) { text += part; });
  write_curve_rows(table, curve, TimeColumns::left_out);
  table.finish();
  return text;
}

/// Trains to the end, or until `stop_after` updates, with a checkpoint in `path` after every third
/// update; from that checkpoint if `resumes`.
Result train_small(
    const RunSpec& spec, const std::string& path, bool resumes, Count stop_after, int threads) {
  Result result;
  const auto task = make_task<float>(spec.task);
  Checkpoint<float> start;
  Checkpointing<float> keeping{.every = 3, .save = [&](const Checkpoint<float>& checkpoint) {
                                 write_checkpoint(path, checkpoint);
                                 result.values = checkpoint.numbers.values;
                               }};
  if (resumes) {
    start = read_checkpoint(path, canonical_text(spec));
    keeping.start = &start;
  }
  Count done = resumes ? start.step : 0;
  const RunObserver observer{.should_stop = [&] { return ++done == stop_after; }};
  result.curve = to_csv(train<float>(spec, *task, Threads(threads), observer, keeping));
  return result;
}

}  // namespace

TEST_CASE("a run that was stopped goes on to the same bytes as one that was not") {
  for (const OptimizerKind optimizer :
       {OptimizerKind::adamw, OptimizerKind::sgd, OptimizerKind::lion}) {
    CAPTURE(to_string(optimizer));
    const RunSpec spec = small_spec(optimizer);
    const Result whole = train_small(spec, scratch_path("whole"), false, -1, 1);
    for (const Count stop : {4, 7, 10, 19}) {  // records are at 1, 2, 3, 4, 6, 7, 10, 13, 18, 20
      CAPTURE(stop);
      const std::string path = scratch_path("stopped");
      train_small(spec, path, false, stop, 2);
      const Result resumed = train_small(spec, path, true, -1, 3);
      CHECK(resumed.curve == whole.curve);
      CHECK(resumed.values == whole.values);
    }
    const Result again = train_small(spec, scratch_path("whole"), true, -1, 1);  // it has ended
    CHECK(again.curve == whole.curve);
    CHECK(again.values == whole.values);
  }
}

TEST_CASE("a run with mixtures of experts goes on to the same bytes too") {
  for (const std::string structure :
       {"btt-moe:experts=4,active=2", "layer-moe:experts=3,active=1,of=monarch", "ffn-moe"}) {
    CAPTURE(structure);
    const RunSpec spec = small_spec(OptimizerKind::adamw, structure);
    const Result whole = train_small(spec, scratch_path("whole"), false, -1, 1);
    for (const Count stop : {4, 10, 19}) {
      CAPTURE(stop);
      const std::string path = scratch_path("stopped");
      train_small(spec, path, false, stop, 2);
      const Result resumed = train_small(spec, path, true, -1, 3);
      CHECK(resumed.curve == whole.curve);
      CHECK(resumed.values == whole.values);
    }
  }
}

TEST_CASE("torn, changed and foreign checkpoints are refused") {
  const RunSpec spec = small_spec(OptimizerKind::adamw);
  const std::string path = scratch_path("checkpoint");
  train_small(spec, path, false, -1, 1);
  const std::string whole = bytes_of(path);
  const auto refused = [&](const std::string& bytes, const RunSpec& of, const char* message) {
    std::ofstream(path, std::ios::binary) << bytes;
    CHECK_THROWS_WITH_AS(
        read_checkpoint(path, canonical_text(of)), doctest::Contains(message), Error);
  };
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{30}})
    refused(whole.substr(0, size), spec, "torn or was changed");
  std::string changed = whole;
  changed[whole.size() / 2] ^= 1;
  refused(changed, spec, "torn or was changed");
  refused("", spec, "no checkpoint");
  refused("run,structure\n", spec, "no checkpoint");
  RunSpec other = spec;
  other.batch = 31;
  refused(whole, other, "another run, ");
  refused(whole, other, "expected batch=31, got batch=30");
}

TEST_CASE("train --checkpoint survives kill -9, and --weights are the same numbers") {
  const std::string checkpoint = scratch_path("run.checkpoint");
  const std::string weights = scratch_path("weights"),
                    whole_weights = scratch_path("whole_weights");
  const std::string command =
      "$EINSEARCH train --structure btt --width 16 --depth 1 --steps 3000 --batch 16 --held-out 64 "
      "--target-width 8 --target-depth 1 --no-times";
  const Outcome whole = run_shell(command + " --weights " + whole_weights);
  REQUIRE(whole.status == 0);
  const std::string kept = command + " --every 100 --checkpoint " + checkpoint;
  run_shell(kept + " > /dev/null & until [ -e " + checkpoint + " ]; do :; done; kill -9 $!; wait");
  const Outcome resumed = run_shell(kept + " --weights " + weights);
  CHECK(resumed.status == 0);
  CHECK(resumed.err.find("going on from " + checkpoint + " at step ") != std::string::npos);
  CHECK(resumed.out == whole.out);
  CHECK(bytes_of(weights) == bytes_of(whole_weights));
  CHECK(run_shell(command + " --lr 0.1 --checkpoint " + checkpoint).status == 2);
}

TEST_CASE("weights are safetensors: a header of names and shapes, then every parameter") {
  const std::string path = scratch_path("weights.safetensors");
  REQUIRE(run_shell("$EINSEARCH train --structure monarch --width 16 --depth 1 --steps 1 --batch 4 "
                    "--held-out 4 --target-width 4 --weights " +
                    path)
              .status == 0);
  const std::string file = bytes_of(path);
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof size);
  const auto header = nlohmann::json::parse(file.substr(sizeof size, size));
  CHECK(header["__metadata__"]["structure"] == "monarch");
  CHECK(header["blocks.0.up.A"]["shape"] == std::vector<int>{8, 1, 1, 4, 4});
  CHECK(header["blocks.0.up.B"]["shape"] == std::vector<int>{8, 8, 1, 4, 1});
  CHECK(header["input.weight"]["shape"] == std::vector<int>{16, 8});
  std::size_t end = 0;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    std::size_t count = 1;
    for (const std::size_t extent : tensor["shape"]) count *= extent;
    const auto offsets = tensor["data_offsets"].get<std::vector<std::size_t>>();
    CHECK(offsets[1] - offsets[0] == 4 * count);
    end = std::max(end, offsets[1]);
  }
  CHECK(sizeof size + size + end == file.size());
}
