// What holds for every command: how it ends and how it refuses.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "app/run_binary.h"

using namespace einsearch;
namespace fs = std::filesystem;

TEST_CASE("a signal ends a command with status 128 + its number and leaves no file behind") {
  const std::string folder = scratch_path("signals");
  fs::create_directory(folder);
  for (const auto& [name, status] : {std::pair("INT", 130), std::pair("TERM", 143)}) {
    CAPTURE(name);
    const Outcome outcome = run_shell("timeout --preserve-status -s " + std::string(name) +
                                      " 0.3 $EINSEARCH train --structure dense --width 8 --depth 1 "
                                      "--target-width 8 --held-out 64 "
                                      "--steps 1e9 -o " +
                                      folder + "/curve.csv");
    CHECK(outcome.status == status);
    CHECK(outcome.out.empty());
    CHECK(fs::is_empty(folder));
  }
}

TEST_CASE("a full disk is status 1 and one line, also for --version and --help") {
  for (const std::string command : {"--version",
                                    "--help",
                                    "enumerate --help",
                                    "columns",
                                    "inspect monarch --d-in 64 --d-out 64",
                                    "enumerate --grid 1/4 --d-in 64 --d-out 64"}) {
    CAPTURE(command);
    const Outcome outcome = run_shell("$EINSEARCH " + command + " > /dev/full");
    CHECK(outcome.status == 1);
    CHECK(outcome.err ==
          "einsearch: error: cannot write, standard output: got No space left on device\n");
  }
}

TEST_CASE("a command line that cannot be read is one line that says what, where, expected, got") {
  struct Case {
    std::string line, message;
  };
  const std::vector<Case> cases = {
      {"", "no command given, see einsearch --help"},
      {"enumerat", "unknown command: got enumerat (did you mean enumerate?)"},
      {"enumerate --grdi 1/4", "unknown option, enumerate: got --grdi (did you mean --grid?)"},
      {"inspect monarch --d-in 64 --d-out 64 --rounding exat",
       "bad value, --rounding: expected exact, paper, got \"exat\" (did you mean exact?)"},
      {"inspect monarch --d-in 64 --d-in 65 --d-out 64", "option given more than once, --d-in"},
      {"inspect monarch --d-in 64 --d-out", "option without its value, --d-out"},
      {"columns foo", "unexpected argument, columns: got foo"},
      {"fit-scaling --target-compute -1 x.csv",
       "bad value, --target-compute: expected a number above 0, got \"-1\""},
  };
  for (const Case& test : cases) {
    CAPTURE(test.line);
    const Outcome outcome = run_shell("$EINSEARCH " + test.line);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err == "einsearch: error: " + test.message + "\n");
  }
}
