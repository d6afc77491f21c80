#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "app/run_binary.h"

using namespace einsearch;

namespace {

/// A run of well under a second.
std::vector<std::string> small_train(std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"train",
                                        "--structure",
                                        "monarch",
                                        "--width",
                                        "16",
                                        "--depth",
                                        "1",
                                        "--steps",
                                        "20",
                                        "--batch",
                                        "300",
                                        "--held-out",
                                        "64",
                                        "--target-width",
                                        "8",
                                        "--target-depth",
                                        "1",
                                        "--no-times"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

TEST_CASE("train prints the pinned header and a row per recorded step, the first at step 0") {
  const Outcome outcome = run_einsearch(small_train());
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  CHECK(outcome.out.starts_with(
      "run,structure,family,theta,task,width,depth,batch,lr,schedule,"
      "anneal,seed_init,seed_data,seed_task,status,step,"
      "examples,params,flops,train_flops,loss,loss_se,train_loss,epochs,rate,grad_norm,feature_rms,"
      "block_rms,"
      "flops_linear,flops_attention,flops_head,flops_other,params_linear,activation_bytes,"
      "weight_bytes,experts_effective,expert_load_min,expert_load_max,reason\n"));
  CHECK(outcome.out.find(",monarch,monarch,(0.5|0|0.5|0|0.5|0.5|0),regression,16,1,300,0.001,"
                         "constant,0,0,0,0,ok,0,0,") != std::string::npos);
  CHECK(outcome.out.find(",ok,20,6000,") != std::string::npos);
}

TEST_CASE("train gives the same bytes for one and two threads, and for the same seed twice") {
  const std::string one = run_einsearch(small_train({"--threads", "1"})).out;
  CHECK(run_einsearch(small_train({"--threads", "2"})).out == one);
  CHECK(run_einsearch(small_train({"--seed", "1"})).out != one);
  CHECK(run_einsearch(small_train({"--seed", "1"})).out ==
        run_einsearch(small_train({"--seed-init", "1", "--seed-data", "1"})).out);
}

TEST_CASE("train pipes into fit-scaling: one width has no interval, one warning and status 0") {
  const Outcome outcome = run_shell(
      "$EINSEARCH train --structure dense --width 16 --steps 60 --batch 32 --held-out 64 "
      "--target-width 8 | "
      "$EINSEARCH fit-scaling -");
  CHECK(outcome.status == 0);
  CHECK(outcome.out.find(",few_widths,") != std::string::npos);
  std::size_t warnings = 0;
  for (std::size_t at = outcome.err.find("warning:"); at != std::string::npos;
       at = outcome.err.find("warning:", at + 1)) {
    ++warnings;
  }
  CHECK(warnings == 1);
}

TEST_CASE("a run may stop inside its schedule") {
  const Outcome outcome =
      run_einsearch(small_train({"--schedule", "cosine", "--schedule-steps", "40"}));
  CHECK(outcome.status == 0);
  CHECK(outcome.out.find(",cosine,0.5,") !=
        std::string::npos);  // half of the decay is done at the last step
}

TEST_CASE("train refuses bad options in one line with status 2 and leaves stdout empty") {
  const std::vector<std::vector<std::string>> cases = {
      {"--structure", "monarc"},
      {"--structure", "1,0,0,0,1,0"},
      {"--structure", "(0.5|0|0.4|0|0.5|0.5|0)"},
      {"--structure", "btt-moe:experts=1,active=2"},
      {"--structure", "layer-moe:experts=2,active=1"},  // regression
      {"--width", "0"},
      {"--width", "-4"},
      {"--width", "1.5"},
      {"--steps", "nan"},
      {"--lr", "inf"},
      {"--batch", "0"},
      {"--schedule", "cosinus"},
      {"--layers", "none"},
      {"--rounding", "up"},
      {"--schedule", "linear", "--schedule-steps", "10"},
      {"--schedule-steps", "40"},
      {"--sead", "1"},
      {"--output", "/nonexistent/curve.csv"},
  };
  for (const std::vector<std::string>& bad : cases) {
    CAPTURE(bad[0]);
    CAPTURE(bad[1]);
    std::vector<std::string> arguments = {"train", "--steps", "20"};
    if (bad[0] != "--structure") arguments.insert(arguments.end(), {"--structure", "dense"});
    if (bad[0] == "--steps") arguments = {"train", "--structure", "dense"};
    arguments.insert(arguments.end(), bad.begin(), bad.end());
    const Outcome outcome = run_einsearch(arguments);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("einsearch: error: "));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
}

TEST_CASE("padding beyond 15 % names the layer") {
  const Outcome outcome = run_einsearch(
      {"train", "--structure", "g2", "--rounding", "paper", "--width", "128", "--steps", "1"});
  CHECK(outcome.status == 2);
  CHECK(outcome.err.find("layer blocks.0.up (128 -> 512)") != std::string::npos);
}

TEST_CASE("a width whose divisors are far from theta is trained with a warning") {
  const Outcome outcome = run_shell(
      "$EINSEARCH train --structure monarch --width 17 --steps 2 --batch 4 --held-out 8 "
      "--target-width 4");
  CHECK(outcome.status == 0);
  CHECK(outcome.err.find("warning: sizes of the layers 17 -> 68 are") != std::string::npos);
}

TEST_CASE("a run that diverges is a result: its last row and one warning say so, status 0") {
  const Outcome outcome = run_einsearch(small_train({"--lr", "1e30"}));
  CHECK(outcome.status == 0);
  CHECK(outcome.out.find(",diverged,") != std::string::npos);
  CHECK(outcome.err.find("warning: diverged by step") != std::string::npos);
}

TEST_CASE("train -o writes the whole file at the end, or nothing") {
  const std::string path = scratch_path("curve.csv");
  const Outcome outcome = run_einsearch(small_train({"-o", path}));
  CHECK(outcome.status == 0);
  CHECK(outcome.out.empty());
  CHECK(std::filesystem::file_size(path) > 1000);
}

TEST_CASE("a user's table is trained on: epochs are counted, the seed of the task splits it") {
  std::string table = "a,b,y\n";
  for (int i = 0; i < 100; ++i) table += fmt::format("{},{},{}\n", i % 10, i % 7, i % 10 + 0.1 * i);
  const std::string path = scratch_path("table.csv");
  std::ofstream(path) << table;
  const auto train = [&path](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"train",
                                          "--structure",
                                          "dense",
                                          "--width",
                                          "8",
                                          "--steps",
                                          "9",
                                          "--batch",
                                          "20",
                                          "--data",
                                          path,
                                          "--no-times"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_einsearch(arguments);
  };
  const Outcome outcome = train({});
  CHECK(outcome.status == 0);
  CHECK(outcome.out.find(",2,0.001,") != std::string::npos);  // 180 examples of 90
  CHECK(train({"--seed-task", "1"}).out != outcome.out);
  CHECK(train({"--loss", "huber"}).out != outcome.out);
  CHECK(train({"--inputs", "3"}).status == 2);
  CHECK(train({"--gray"}).status == 2);

  // Contents count, not where they lie.
  const std::string copy = scratch_path("copy.csv");
  std::filesystem::copy_file(path, copy);
  CHECK(train({"--data", copy}).status == 2);  // given twice
  CHECK(run_shell("$EINSEARCH train --structure dense --width 8 --steps 9 --batch 20 --no-times "
                  "--data " +
                  copy)
            .out == outcome.out);
}

TEST_CASE("an untrained model of V tokens has loss ln V, whatever the task") {
  struct Case {
    std::string task;
    std::vector<std::string> more;
    double vocabulary;
  };
  for (const Case& c :
       {Case{"text", {"--window", "8"}, 96}, Case{"pixels", {"--resolution", "2"}, 256}}) {
    CAPTURE(c.task);
    std::vector<std::string> arguments = {"train",
                                          "--structure",
                                          "btt",
                                          "--task",
                                          c.task,
                                          "--width",
                                          "16",
                                          "--depth",
                                          "1",
                                          "--steps",
                                          "2",
                                          "--batch",
                                          "4",
                                          "--held-out",
                                          "4",
                                          "--format",
                                          "jsonl"};
    arguments.insert(arguments.end(), c.more.begin(), c.more.end());
    const Outcome run = run_einsearch(arguments);
    REQUIRE(run.status == 0);
    const auto untrained = nlohmann::json::parse(run.out.substr(0, run.out.find('\n')));
    CHECK(untrained.at("loss").get<double>() ==
          doctest::Approx(std::log(c.vocabulary)).epsilon(1e-5));
    CHECK(run.err.find("entropy") != std::string::npos);
  }
}

TEST_CASE(
    "a mixture of experts says how its experts are used, the same for any number of threads") {
  for (const std::string name : {"btt-moe:experts=4,active=2",
                                 "layer-moe:experts=3,active=1,of=low-rank:0.5",
                                 "ffn-moe:experts=2,active=1"}) {
    CAPTURE(name);
    const auto train = [&](const char* threads) {
      return run_einsearch({"train", "--structure", name,     "--task",     "text",     "--window",
                            "20",    "--width",     "16",     "--depth",    "2",        "--steps",
                            "12",    "--batch",     "70",     "--held-out", "60",       "--threads",
                            threads, "--lr",        "0.0003", "--no-times", "--format", "jsonl"});
    };
    const Outcome run = train("1");
    REQUIRE(run.status == 0);
    CHECK(train("2").out == run.out);
    const auto untrained = nlohmann::json::parse(run.out.substr(0, run.out.find('\n')));
    CHECK(untrained.at("structure") == name);
    CHECK(untrained.at("loss").get<double>() == doctest::Approx(std::log(96.0)).epsilon(1e-5));
    const bool has_random_gates =
        name.starts_with("ffn");  // gates of zeros choose the first experts
    CHECK((untrained.at("expert_load_min") == 0.0) == !has_random_gates);
    const std::string last = run.out.substr(run.out.rfind('{'));
    const auto trained = nlohmann::json::parse(last);
    CHECK(trained.at("loss").get<double>() < untrained.at("loss").get<double>());
    CHECK(trained.at("expert_load_max").get<double>() >= 1);
    CHECK(trained.at("experts_effective").get<double>() > 1);
  }
}

TEST_CASE(
    "a mixture aligns with heads and leaves the roles that are assigned to their structures") {
  const auto train = [](const char* threads) {
    return run_einsearch({"train",
                          "--structure",
                          "btt-moe:experts=4,active=2",
                          "--task",
                          "text",
                          "--window",
                          "20",
                          "--width",
                          "64",
                          "--depth",
                          "1",
                          "--steps",
                          "12",
                          "--lr",
                          "0.0003",
                          "--batch",
                          "30",
                          "--held-out",
                          "60",
                          "--threads",
                          threads,
                          "--assign",
                          "up=monarch",
                          "--no-times",
                          "--align-heads",
                          "--format",
                          "jsonl"});
  };
  const Outcome run = train("1");
  REQUIRE(run.status == 0);
  CHECK(train("2").out == run.out);
  const auto untrained = nlohmann::json::parse(run.out.substr(0, run.out.find('\n')));
  const auto trained = nlohmann::json::parse(run.out.substr(run.out.rfind('{')));
  CHECK(trained.at("structure") == "btt-moe:experts=4,active=2+up=monarch+heads");
  CHECK(trained.at("loss").get<double>() < untrained.at("loss").get<double>());
  CHECK(trained.at("experts_effective").get<double>() > 1);
}

TEST_CASE("options that a task's model does not have are refused") {
  const auto refused = [](std::vector<std::string> more, const char* message) {
    std::vector<std::string> arguments = {"train", "--structure", "dense", "--steps", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome run = run_einsearch(arguments);
    CHECK(run.status == 2);
    CHECK(run.out.empty());
    CHECK(run.err.find(message) != std::string::npos);
  };
  refused({"--align-heads"}, "--align-heads has no effect");
  refused({"--assign", "q=btt"}, "no attention");
  refused({"--assign", "up=btt,upp=dense"}, "did you mean up?");
  refused({"--assign", "ffn=btt,up=dense"}, "up twice");
  refused({"--task", "text", "--assign", "qk=btt-moe:experts=4,active=2"},
          "a mixture for one role");
  refused({"--task", "text", "--assign", "in=btt"}, "no input layer");
  refused({"--task", "text", "--assign", "v=kronecker", "--align-heads"},
          "layer blocks.0.value (64 -> 64): only block tensor-trains");
  refused({"--heads", "4"}, "--heads has no effect");
  refused({"--task", "text", "--loss", "huber"}, "--loss has no effect");
  refused({"--task", "text", "--width", "30", "--heads", "4"}, "do not divide the width");
}
