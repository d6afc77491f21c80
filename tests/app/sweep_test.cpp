#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <vector>

#include "app/run_binary.h"
#include "base/types.h"

using namespace einsearch;

namespace {

/// A sweep of 8 runs, each of some hundredths of a second.
const std::string kSweep =
    "$EINSEARCH sweep --structures dense,monarch --widths 8,16 --seeds 0,1 --horizon steps:120 "
    "--depths 1 --batch 64 --held-out 128 --target-width 32 --target-depth 2 ";

std::string new_store() {
  static int stores = 0;
  return scratch_path(fmt::format("store{}", stores++));
}

std::string export_of(const std::string& store) {
  const Outcome outcome = run_shell("$EINSEARCH export --no-times " + store);
  REQUIRE(outcome.status == 0);
  return outcome.out;
}

/// What an undisturbed sweep exports.
const std::string& undisturbed() {
  static const std::string text = [] {
    const std::string store = new_store();
    REQUIRE(run_shell(kSweep + "--store " + store).status == 0);
    return export_of(store);
  }();
  return text;
}

Count records_in(const std::string& store) {
  Count lines = 0;
  for (const auto& entry : std::filesystem::directory_iterator(store)) {
    if (entry.path().extension() != ".runs") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) lines += file.eof() ? 0 : 1;
  }
  return lines;
}

/// Starts a sweep and sends it a signal after a while; returns its exit status, or -1 where the
/// signal ended it. Its stderr goes to the file `log`.
int interrupt_sweep(const std::string& sweep,
                    int microseconds,
                    int signal,
                    const std::string& log) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    setenv("EINSEARCH", EINSEARCH_BINARY, 1);
    const std::string line = "exec " + sweep + " 2>" + log;
    execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    _exit(127);
  }
  usleep(static_cast<useconds_t>(microseconds));
  kill(child, signal);
  int state = 0;
  waitpid(child, &state, 0);
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

}  // namespace

TEST_CASE("a sweep run again repeats nothing") {
  const std::string store = new_store();
  REQUIRE(run_shell(kSweep + "--store " + store).status == 0);
  CHECK(records_in(store) == 8);
  const Outcome again = run_shell(kSweep + "--store " + store);
  CHECK(again.status == 0);
  CHECK(again.err.find("8 runs, 0 of them now") != std::string::npos);
  CHECK(records_in(store) == 8);
  // An option that matters adds runs; one that does not adds none.
  CHECK(run_shell(kSweep + "--lr 0.002 --threads 1 --store " + store).status == 0);
  CHECK(records_in(store) == 16);
  CHECK(run_shell(kSweep + "--threads 1 --fresh --store " + store).status == 0);
  CHECK(export_of(store) == undisturbed());
}

TEST_CASE("a sweep gives the same bytes for any number of threads and shards") {
  CHECK(std::count(undisturbed().begin(), undisturbed().end(), '\n') > 8 * 10);
  const std::string one = new_store(), shards = new_store();
  CHECK(run_shell(kSweep + "--threads 1 --store " + one).status == 0);
  CHECK(export_of(one) == undisturbed());
  // The number of shards changes midway.
  for (const char* shard : {"2/3", "1/2", "2/2"})
    CHECK(run_shell(fmt::format("{} --shard {} --store {}", kSweep, shard, shards)).status == 0);
  CHECK(export_of(shards) == undisturbed());
  CHECK(records_in(shards) == 8);
}

TEST_CASE("a sweep that is killed at any instant and started again ends in the same bytes") {
  const std::string store = new_store();
  std::mt19937 random(1);
  for (int round = 0; round < 12; ++round) {
    const int signal = round % 3 == 2 ? SIGTERM : SIGKILL;
    const int instant = 2000 + static_cast<int>(random() % 60000);
    interrupt_sweep(kSweep + "--store " + store, instant, signal, "/dev/null");
  }
  CHECK(run_shell(kSweep + "--store " + store).status == 0);
  CHECK(export_of(store) == undisturbed());
  CHECK(records_in(store) == 8);  // nothing finished was done again
}

TEST_CASE("two sweeps on one store at a time share the work") {
  const std::string store = new_store();
  const std::string sweep = kSweep + "--store " + store;
  CHECK(run_shell(sweep + " & " + sweep + " && wait $!").status == 0);
  CHECK(export_of(store) == undisturbed());
  CHECK(records_in(store) == 8);
}

TEST_CASE("SIGTERM ends a sweep with status 143, Ctrl-C with 130, and both say what is left") {
  const std::string log = scratch_path("interrupted");
  for (const auto& [signal, status] : {std::pair{SIGTERM, 143}, std::pair{SIGINT, 130}}) {
    const std::string many =
        "$EINSEARCH sweep --structures dense --widths 16 --seeds 0..999 --batch 64 --threads 1 "
        "--target-width 32 --held-out 128 --store ";
    CHECK(interrupt_sweep(many + new_store(), 500000, signal, log) == status);
    std::ostringstream said;
    said << std::ifstream(log).rdbuf();
    CHECK(said.str().find("left to do") != std::string::npos);
  }
}

TEST_CASE("a full disk ends a sweep with one line and status 1, and loses nothing that was done") {
  const std::string store = new_store();
  // A limit on the size of files, in blocks of 512 bytes: the fourth record or so tears.
  const Outcome full = run_shell("trap '' XFSZ; ulimit -f 24; " + kSweep + "--store " + store);
  CHECK(full.status == 1);
  CHECK(full.err.find("error: cannot write to the store") != std::string::npos);
  const Count safe = records_in(store);
  CHECK(safe > 0);
  CHECK(safe < 8);
  const Outcome rest = run_shell(kSweep + "--store " + store);
  CHECK(rest.status == 0);
  CHECK(rest.err.find(fmt::format("8 runs, {} of them now", 8 - safe)) != std::string::npos);
  CHECK(export_of(store) == undisturbed());
}

TEST_CASE("bad sweeps are refused in one line with status 2") {
  const std::string other = new_store();
  std::filesystem::create_directories(other);
  std::ofstream(other + "/einsearch-store") << "einsearch store 0\n";
  const std::vector<std::string> cases = {
      "--structures dense",
      "--structures dense --store " + new_store() + " --shard 0/4",
      "--structures dense --store " + new_store() + " --shard 5/4",
      "--structures dense --store " + new_store() + " --widths 8 --match dense@8",
      "--structures dense --store " + new_store() + " --widths 16..8",
      "--structures dense --store " + new_store() + " --horizon step:5",
      "--structures dense --store " + new_store() + " --horizon flops:1",
      "--structures dens --store " + new_store(),
      "--structures , --store " + new_store(),
      "--structures dense --store " + other,
      "--structures dense --store /proc/store",
  };
  for (const std::string& bad : cases) {
    CAPTURE(bad);
    const Outcome outcome = run_shell("$EINSEARCH sweep " + bad);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("einsearch: error: "));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
  CHECK(run_shell("$EINSEARCH export /nonexistent").status == 2);
}

TEST_CASE(
    "a file of options is the same sweep, the command line beats it, and its faults have places") {
  const std::string path = scratch_path("sweep.toml");
  const auto write = [&path](const std::string& text) { std::ofstream(path) << text; };
  const std::string grid =
      "[sweep]\nstructures = [\"dense\", \"monarch\"]\nwidths = [8, 16]\nseeds = [0, 1]\n"
      "horizon = \"steps:120\"\ndepths = 1\nbatch = 64\nheld-out = 128\ntarget-width = 32\n"
      "target-depth = 2\n";
  const auto sweep = [&path](const std::string& more) {
    return run_shell("$EINSEARCH sweep --config " + path + " " + more);
  };
  write(grid);
  const std::string store = new_store();
  CHECK(sweep("--store " + store).status == 0);
  CHECK(export_of(store) == undisturbed());
  CHECK(run_shell(kSweep + "--store " + store).err.find(" 0 of them now") != std::string::npos);

  const Outcome fewer = sweep("--seeds 0 --dry-run --format csv");
  CHECK(fewer.status == 0);
  CHECK(fewer.out.find(",constant,120,1,") != std::string::npos);

  const auto refused = [&](const std::string& text, const char* message) {
    write(text);
    const Outcome outcome = sweep("--store " + new_store());
    CAPTURE(outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  };
  refused(grid + "sead = 1\n", "sweep.toml:11:1");
  refused(grid + "seads = 1\n", "did you mean seeds?");
  refused(grid + "lr = [\n", "sweep.toml:");
  refused(grid + "match = \"dense@8\"\n", "contradict");
  refused("structures = [\"dense\"]\n", "unknown key");
  refused("[swep]\nseeds = 1\n", "did you mean sweep?");
}

TEST_CASE("a dry run prints the plan, warns of what cannot be compared, and writes nothing") {
  const std::string store = new_store();
  const Outcome plan = run_shell(kSweep + "--format csv --dry-run --store " + store);
  CHECK(plan.status == 0);
  CHECK(
      plan.out.starts_with("structure,family,theta,width,depth,params,flops,batch,schedule,"
                           "steps,runs,train_flops,memory_mib,decades_shared,time_s\n"));
  CHECK(std::count(plan.out.begin(), plan.out.end(), '\n') == 5);
  CHECK(plan.err.find("warning: monarch has 0.") != std::string::npos);
  CHECK(plan.err.find("8 runs, ") != std::string::npos);
  CHECK(!std::filesystem::exists(store));
}

TEST_CASE("a sweep over mixtures of experts is known to its store") {
  const std::string store = new_store();
  const std::string sweep =
      "$EINSEARCH sweep --structures dense,btt-moe:experts=4,active=2 --task text --match dense@32 "
      "--horizon steps:3 --depths 1 --batch 2 --held-out 2 --window 8 --store " +
      store;
  REQUIRE(run_shell(sweep).status == 0);
  CHECK(export_of(store).find("\"btt-moe:experts=4,active=2\"") != std::string::npos);
  const Outcome status = run_shell("$EINSEARCH status " + store + " 2>&1 >/dev/null");
  CHECK(status.out.find("2 of 2 planned runs done") != std::string::npos);
  CHECK(run_shell("$EINSEARCH verify --sample 2 " + store).status == 0);
}

TEST_CASE("status counts, verify finds a store right or wrong, merge joins and refuses conflicts") {
  const std::string one = new_store(), two = new_store(), both = new_store();
  CHECK(run_shell(kSweep + "--shard 1/2 --store " + one).status == 0);
  const Outcome half = run_shell("$EINSEARCH status " + one);
  CHECK(half.status == 3);
  CHECK(half.err.find("4 of 8 planned runs done") != std::string::npos);
  CHECK(run_shell(kSweep + "--shard 2/2 --store " + two).status == 0);
  CHECK(run_shell(fmt::format("$EINSEARCH merge {} {} -o {}", one, two, both)).status == 0);
  CHECK(export_of(both) == undisturbed());
  CHECK(run_shell("$EINSEARCH status " + both).status == 0);
  CHECK(run_shell(fmt::format("$EINSEARCH merge {} {} -o {}", one, two, both))
            .err.find("0 run(s) added") != std::string::npos);
  CHECK(run_shell("$EINSEARCH verify --sample 3 " + both).status == 0);

  // A digest covers a line, not the truth: one number changed and signed anew.
  const std::string forge =
      "import glob, re, sys\n"
      "def fnv(text):\n"
      "    value = 0xcbf29ce484222325\n"
      "    for byte in text.encode():\n"
      "        value = (value ^ byte) * 0x100000001b3 % 2**64\n"
      "    return '%016x' % value\n"
      "path = glob.glob(sys.argv[1] + '/*.runs')[0]\n"
      "lines = open(path).read().splitlines()\n"
      "rest = [line[17:].replace('0.', '0.5', 40) for line in lines]\n"
      "if sys.argv[2] == 'numerics':\n"
      "    rest = [re.sub(r'^(\\w+) \\d+ ', r'\\1 1 ', line[17:]) for line in lines]\n"
      "open(path, 'w').write(''.join(fnv(line) + ' ' + line + '\\n' for line in rest))\n";
  const std::string script = scratch_path("forge.py");
  std::ofstream(script) << forge;
  CHECK(run_shell(fmt::format("python3 {} {} numbers", script, one)).status == 0);
  const Outcome wrong = run_shell("$EINSEARCH verify --sample 2 " + one);
  CHECK(wrong.status == 1);
  CHECK(wrong.err.find("does not give the stored numbers") != std::string::npos);
  const Outcome conflict = run_shell(fmt::format("$EINSEARCH merge {} -o {}", one, both));
  CHECK(conflict.status == 2);
  CHECK(conflict.err.find("two results of one run") != std::string::npos);
  CHECK(export_of(both) == undisturbed());

  CHECK(run_shell(fmt::format("python3 {} {} numerics", script, two)).status == 0);
  CHECK(run_shell(fmt::format("$EINSEARCH merge {} -o {}", two, both)).status == 2);
  CHECK(run_shell(kSweep + "--store " + two).status == 2);
}

namespace {

const std::string kTrainer = std::string("python3 ") + EINSEARCH_SOURCE_DIR + "/tests/trainers/";

/// A sweep of 4 runs by another program.
std::string elsewhere(const std::string& command, const std::string& store) {
  return "$EINSEARCH sweep --structures dense,monarch --widths 8,16 --horizon steps:20 --trainer "
         "'" +
         command + "' --store " + store + " ";
}

}  // namespace

TEST_CASE(
    "a trainer that fails, hangs or talks nonsense gives a row with the reason, and status 3") {
  struct Case {
    const char* command;
    const char* reason;
  };
  for (const Case& c :
       {Case{"echo on >&2; echo \"no, data\" >&2; exit 1 #", "exit status 1: no, data"},
        Case{"exit 75 #", "exit status 75 three times"},
        Case{"kill -9 $$ #", "signal 9"},
        Case{"sleep 60 #", "no end after 0.5 s"},
        Case{"echo hello #", "step"},
        Case{"true #", "printed no rows"},
        Case{"printf \"step,examples,train_flops,loss\\n1,1,1,1\\n1,1,1,1\\n\" #",
             "rising steps"}}) {
    CAPTURE(c.command);
    const std::string store = new_store();
    const Outcome sweep = run_shell(elsewhere(c.command, store) + "--run-timeout 0.5s");
    CHECK(sweep.status == 3);
    CHECK(sweep.err.find("4 failed") != std::string::npos);
    const std::string rows = export_of(store);
    CHECK(std::count(rows.begin(), rows.end(), '\n') == 5);
    CHECK(rows.find(",failed,") != std::string::npos);
    CHECK(rows.find(c.reason) != std::string::npos);
  }
}

TEST_CASE("a trainer gets slots, a folder that survives retries, and failed runs again if asked") {
  const std::string store = new_store();
  const std::string command =
      "test \"$EINSEARCH_SLOT\" = \"$CUDA_VISIBLE_DEVICES\" || exit 9; "
      "mkdir \"$EINSEARCH_RUN_DIR/lock\" 2>/dev/null || { "
      "printf \"step,examples,train_flops,loss\\n0,0,0,$EINSEARCH_SLOT\\n\"; exit 0; }; exit 75 #";
  const Outcome sweep = run_shell(elsewhere(command, store) + "--slots 5,7");
  CHECK(sweep.status == 0);
  const std::string rows = export_of(store);
  CHECK(rows.find(",0,5,") != std::string::npos);
  CHECK(rows.find(",failed,") == std::string::npos);

  const std::string flaky = new_store(), flag = scratch_path("flag");
  const std::string fails_first =
      "test -e " + flag + " || exit 1; printf \"step,examples,train_flops,loss\\n0,0,0,2\\n\" #";
  CHECK(run_shell(elsewhere(fails_first, flaky)).status == 3);
  std::ofstream(flag) << "now";
  CHECK(run_shell(elsewhere(fails_first, flaky)).status == 3);
  CHECK(run_shell(elsewhere(fails_first, flaky) + "--retry-failed").status == 0);
  CHECK(export_of(flaky).find(",failed,") == std::string::npos);
}

TEST_CASE("planted multipliers come back inside their intervals, through a kill and a resume") {
  const std::string store = new_store();
  const std::string sweep =
      "$EINSEARCH sweep --structures dense,monarch,low-rank:0.5 --match dense@16,32,64,128,256 "
      "--horizon examples-per-param:40 --batch 64 --seeds 0,1 --trainer '" +
      kTrainer + "planted_law.py' --store " + store;
  run_shell("timeout -s KILL 0.5 " + sweep);
  REQUIRE(run_shell(sweep).status == 0);
  const Outcome law =
      run_shell("$EINSEARCH export " + store + " | $EINSEARCH fit-scaling - --format jsonl");
  REQUIRE(law.status == 0);
  std::istringstream lines(law.out);
  int checked = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    const std::string structure = row.at("structure");
    if (structure == "dense") continue;
    const double planted = structure == "monarch" ? 1.6 : 0.7;
    CAPTURE(line);
    CHECK(row.at("multiplier_low").get<double>() <= planted);
    CHECK(row.at("multiplier_high").get<double>() >= planted);
    CHECK(std::abs(row.at("multiplier").get<double>() / planted - 1) < 0.1);
    ++checked;
  }
  CHECK(checked == 2);
}

TEST_CASE("slurm prints a script that names every shard, and refuses what it sets itself") {
  const std::string store = new_store();
  const Outcome script = run_shell("$EINSEARCH slurm --shards 4 --time 1h --store " + store +
                                   " -- --structures 'dense,(0.5|0|0.5|0|0.5|0.5|0)' --seeds 0");
  CHECK(script.status == 0);
  CHECK(script.out.starts_with("#!/bin/sh\n#SBATCH "));
  CHECK(script.out.find("--array=1-4") != std::string::npos);
  CHECK(script.out.find("'dense,(0.5|0|0.5|0|0.5|0.5|0)'") != std::string::npos);
  CHECK(script.out.find("--shard \"$SLURM_ARRAY_TASK_ID/4\"") != std::string::npos);
  CHECK(script.out.find("--time-limit 3480s") != std::string::npos);
  CHECK(run_shell("sh -n", script.out).status == 0);
  for (const char* bad : {"--shards 4 --store s -- --shard 1/2",
                          "--shards 0 --store s -- --seeds 0",
                          "--shards 1001 --store s -- --seeds 0"})
    CHECK(run_shell(fmt::format("$EINSEARCH slurm {}", bad)).status == 2);
}

TEST_CASE("branches cooled down from one trunk are the runs that they would be alone") {
  const std::string options = kSweep.substr(0, kSweep.find("--horizon")) +
                              kSweep.substr(kSweep.find("--depths")) + "--branch-at ";
  const std::string together = new_store(), alone = new_store();
  CHECK(run_shell(options + "2e7,4e7,8e7 --store " + together).status == 0);
  for (const char* budget : {"2e7", "4e7", "8e7"})
    CHECK(run_shell(fmt::format("{} {} --store {}", options, budget, alone)).status == 0);
  CHECK(records_in(together) == 24);
  CHECK(export_of(together) == export_of(alone));
  CHECK(export_of(together).find(",wsd,1,") != std::string::npos);
  const Outcome plan = run_shell(options + "2e7,4e7,8e7 --dry-run --format csv");
  CHECK(plan.err.find("if branches shared no trunk") != std::string::npos);
}

TEST_CASE(
    "a run longer than the time limit ends after some sweeps, in the bytes of one that never "
    "stopped") {
  const std::string options =
      "$EINSEARCH sweep --structures btt --widths 32 --horizon steps:6000 --depths 1 --batch 64 "
      "--held-out 128 --target-width 32 --target-depth 2 --checkpoint-every 0.05s --store ";
  const std::string whole = new_store(), pieces = new_store();
  CHECK(run_shell(options + whole).status == 0);
  int sweeps = 1;
  for (; sweeps < 100; ++sweeps) {
    const int status = run_shell(options + pieces + " --time-limit 0.1s").status;
    if (status == 0) break;
    REQUIRE(status == 3);
  }
  CHECK(sweeps > 1);
  CHECK(export_of(pieces) == export_of(whole));
  CHECK(std::filesystem::is_empty(pieces + "/checkpoints"));
}

TEST_CASE("a run takes the memory that the plan says, within what the program takes by itself") {
  const std::string options =
      "--batch 64 --held-out 64 --target-width 8 --target-depth 1 --threads 1 ";
  const Outcome plan =
      run_shell("$EINSEARCH sweep --structures dense --widths 512 --horizon steps:2 " + options +
                "--dry-run --format jsonl");
  const double planned = nlohmann::json::parse(plan.out).at("memory_mib").get<double>();
  const std::string measure =
      "import resource, subprocess, sys\n"
      "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
      "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)\n";
  const std::string script = scratch_path("measure.py");
  std::ofstream(script) << measure;
  const Outcome run = run_shell("python3 " + script + " $EINSEARCH train --structure dense " +
                                "--width 512 --steps 2 " + options);
  REQUIRE(run.status == 0);
  const double taken = std::stod(run.out);
#ifdef __SANITIZE_ADDRESS__
  constexpr double kProgram = 400;  // MiB: what the sanitizer keeps
#else
  constexpr double kProgram = 50;  // MiB: libraries, buffers of files
#endif
  CAPTURE(taken);
  CAPTURE(planned);
  CHECK(taken < planned + kProgram);
  CHECK(taken > 0.7 * planned);
  const Outcome refused = run_shell("$EINSEARCH sweep --structures dense --widths 512 " + options +
                                    "--memory 20M --store " + new_store());
  CHECK(refused.status == 2);
  CHECK(refused.err.find("needs more memory than there is") != std::string::npos);
}

TEST_CASE("check flags a structure whose rate is off by a factor of 8, and passes dense") {
  const std::string store = new_store();
  const std::string sweep =
      "$EINSEARCH sweep --structures dense,monarch --lr 1e-3 --horizon "
      "steps:200 --trainer '" +
      kTrainer + "planted_rate.py' --store " + store;
  REQUIRE(run_shell(sweep + " --widths 16,32,64").status == 0);
  const Outcome before = run_shell("$EINSEARCH check --format csv " + store);
  CHECK(before.status == 0);
  CHECK(before.err.find("--lr-factors") != std::string::npos);  // how to supply what is missing
  REQUIRE(run_shell(sweep + " --widths 16,64 --lr-factors 0.5,1,2").status == 0);
  const auto verdicts = [](const std::string& csv) {
    std::map<std::string, std::string> found;
    std::istringstream lines(csv);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line))
      found[line.substr(0, line.find(','))] = line.substr(line.rfind(',') + 1);
    return found;
  };
  const auto of_store = verdicts(run_shell("$EINSEARCH check --format csv " + store).out);
  CHECK(of_store.at("dense") == "pass");
  CHECK(of_store.at("monarch") == "fail");
  // The same from a table, packed or not.
  const std::string curves = scratch_path("tuning.csv");
  REQUIRE(
      run_shell("$EINSEARCH export " + store + " -o " + curves + " && gzip -k " + curves).status ==
      0);
  CHECK(verdicts(run_shell("$EINSEARCH check --format csv " + curves).out) == of_store);
  CHECK(verdicts(run_shell("$EINSEARCH check --format csv " + curves + ".gz").out) == of_store);
  CHECK(verdicts(run_shell("$EINSEARCH check --format csv - <" + curves + ".gz").out) == of_store);
  const Outcome ranking = run_shell("$EINSEARCH fit-scaling --check --replicates 0 " + curves);
  CHECK(ranking.err.find("monarch: its tuning failed the check") != std::string::npos);
}

TEST_CASE("the archive's check is what its curves give, dense passes, and nothing fails") {
  const std::string data = EINSEARCH_SOURCE_DIR "/data/paper-";
  const Outcome check =
      run_shell("$EINSEARCH check " + data + "curves.csv.gz " + data + "tuning.csv.gz --offset 0");
  CHECK(check.status == 0);
  std::ostringstream shipped;
  shipped << std::ifstream(data + "check.csv").rdbuf();
  CHECK(check.out == shipped.str());
  CHECK(check.out.find(",fail\n") == std::string::npos);
  const std::size_t dense = check.out.find("\ndense,");
  REQUIRE(dense != std::string::npos);
  const std::string row = check.out.substr(dense + 1, check.out.find('\n', dense + 1) - dense - 1);
  CHECK(row.ends_with(",pass"));
}

TEST_CASE("check says in one line what is wrong with its input") {
  const std::string empty = scratch_path("empty_folder");
  std::filesystem::create_directories(empty);
  for (const std::string& source : {empty, std::string("no-such-file.csv")}) {
    const Outcome outcome = run_shell("$EINSEARCH check " + source);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
}

TEST_CASE("runs of different batches see equally many examples") {
  const Outcome plan = run_shell(
      "$EINSEARCH sweep --structures dense --widths 16 --batch 64 --batches 32,64,128 --horizon "
      "steps:1000 --trainer true --dry-run --format csv");
  CHECK(plan.status == 0);
  for (const char* size : {"32,constant,2000", "64,constant,1000", "128,constant,500"})
    CHECK(plan.out.find(size) != std::string::npos);
}
