// What holds for every command: how it ends and how it refuses.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
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
      {"--color never enumerat", "unknown command: got enumerat (did you mean enumerate?)"},
      {"data txt", "unknown command, data: got txt (did you mean text?)"},
      {"data", "no command given, see einsearch data --help"},
      {"--isa v3 --colour never train", "unknown option: got --colour (did you mean --color?)"},
      {"--isa", "option without its value, --isa"},
      {"enumerate --grid 1/4 --seed 3", "--seed has no effect, without --sample"},
      {"enumerate --grid 1/4 --count --limit 3", "--limit and --count do not go together"},
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

namespace {

/// A file of options under a scratch folder.
std::string config_file(const std::string& text) {
  const std::string path = scratch_path("config.toml");
  std::ofstream(path) << text;
  return path;
}

}  // namespace

TEST_CASE("a file of options says what the command line would say, and the command line wins") {
  const std::string file = config_file(
      "color = 'never'\n[enumerate]\ngrid = '1/4'\nd-in = 256\nd_out = 1e3\n"
      "max_omega = 0\nwhere = ['psi>=1', 'rank>=64']\nunique = true\nkeep-redundant = false\n"
      "[train]\nsteps = 10\n[data.text]\ndocuments = 'line'\n");
  const std::string plain =
      "$EINSEARCH enumerate --grid 1/4 --max-omega 0 --where 'psi>=1,rank>=64' --unique ";
  const Outcome by_file = run_shell("$EINSEARCH enumerate --config " + file);
  CHECK(by_file.status == 0);
  CHECK(by_file.out.size() > 1000);
  CHECK(by_file.out == run_shell(plain + "--d-in 256 --d-out 1000").out);
  CHECK(run_shell("$EINSEARCH --config=" + file + " enumerate --d-in 64").out ==
        run_shell(plain + "--d-in 64 --d-out 1000").out);
  CHECK(run_shell("EINSEARCH_ISA=v3 $EINSEARCH columns --config " + config_file("isa = 'v9'"))
            .status == 0);
}

TEST_CASE("a bad file of options is one line that says where") {
  struct Case {
    std::string text, message;
  };
  for (const Case& test : {
           Case{"[train]\nstepz = 10\n",
                "unknown key, train, FILE:2:1: got stepz (did you mean steps?)"},
           Case{"colour = 'never'\n", "unknown key, FILE:1:1: got colour (did you mean color?)"},
           Case{"[trian]\nsteps = 10\n",
                "a section that is no command, FILE:1:2: got [trian] (did you mean train?)"},
           Case{"[columns]\nformat = true\n", "bad value, FILE:2:10, --format: expected a value"},
           Case{"[enumerate]\nunique = 1\n",
                "bad value, FILE:2:10, --unique: expected true or false"},
           Case{"[columns]\nformat = 'xml'\n",
                "bad value, --format: expected table, csv, tsv, jsonl, json, md, got \"xml\" "
                "(--format is in FILE:2)"},
       }) {
    CAPTURE(test.text);
    const std::string file = config_file(test.text);
    std::string expected = "einsearch: error: " + test.message + "\n";
    for (std::size_t at; (at = expected.find("FILE")) != std::string::npos;)
      expected.replace(at, 4, file);
    const Outcome outcome = run_einsearch({"columns", "--config", file});
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err == expected);
  }
  const Outcome broken =
      run_einsearch({"columns", "--config", config_file("[columns]\nformat = = 1")});
  CHECK(broken.status == 2);
  CHECK(broken.err.find("config.toml:2:") != std::string::npos);
  CHECK(std::count(broken.err.begin(), broken.err.end(), '\n') == 1);
  CHECK(run_einsearch({"columns", "--config", "/nonexistent.toml"}).status == 2);
}

TEST_CASE("config prints the options of a command as a file that --config reads") {
  const Outcome outcome = run_einsearch({"config", "data", "text"});
  CHECK(outcome.status == 0);
  CHECK(outcome.out.starts_with("[data.text]\n"));
  CHECK(outcome.out.find("# documents = ...") != std::string::npos);
  CHECK(run_einsearch({"columns", "--config", config_file(outcome.out)}).status == 0);
  CHECK(run_einsearch({"config", "trian"}).err.find("did you mean train?") != std::string::npos);
}

TEST_CASE("bash completes commands, options and choices from the script that completion prints") {
  const auto complete = [](const std::string& words) {
    return run_shell("bash -c 'source <($EINSEARCH completion bash); COMP_WORDS=(" + words +
                     "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _einsearch; echo ${COMPREPLY[@]}'")
        .out;
  };
  CHECK(complete("einsearch enu") == "enumerate\n");
  CHECK(complete("einsearch train --schedule-") == "--schedule-steps\n");
  CHECK(complete("einsearch train --schedule w") == "wsd\n");
  CHECK(complete("einsearch data te") == "text\n");
  CHECK(complete("einsearch data text --docu") == "--documents\n");
  CHECK(complete("einsearch inspect mon") == "\n");
}
