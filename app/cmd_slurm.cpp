// einsearch slurm: a sweep as the script of a job array. Prints, submits nothing.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "log.h"
#include "output.h"
#include "search/store.h"

namespace einsearch {
namespace {

struct SlurmOptions {
  Count shards = 0, cpus = 1;
  std::string store, time, memory, partition, binary;
  std::vector<std::string> sbatch, sweep;
  std::string output = "-";
};

constexpr Count kLargestArray = 1000;  // MaxArraySize is 1001 by default, and counts from 0

/// As sh reads it back: 'it'\''s'.
std::string shell_word(const std::string& word) {
  const bool is_plain =
      !word.empty() && word.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                           "_./:=@%+,-") == std::string::npos;
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string own_path() {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? "einsearch" : path.string();
}

/// Options of the sweep that the script sets itself would contradict it.
void check(const std::vector<std::string>& sweep) {
  for (const std::string& word : sweep) {
    for (const char* name : {"--store", "--shard", "--time-limit", "--fresh", "--dry-run"}) {
      if (word != name && !word.starts_with(std::string(name) + "=")) continue;
      throw Error("an option that the script sets itself",
                  {.where = "slurm -- " + word,
                   .expected = "--store and --time before the --",
                   .got = word});
    }
  }
}

std::string slurm_time(double seconds) {
  const auto minutes = static_cast<Count>((seconds + 59) / 60);
  return fmt::format("{}", minutes);
}

std::string script(const SlurmOptions& options) {
  const std::string store = std::filesystem::absolute(options.store).lexically_normal().string();
  const std::string program = shell_word(options.binary.empty() ? own_path() : options.binary);
  std::string common;
  const auto line = [&common](const std::string& option) { common += "#SBATCH " + option + "\n"; };
  if (!options.partition.empty()) line("--partition=" + options.partition);
  for (const std::string& option : options.sbatch) line(option);
  std::string array = common;
  array += fmt::format("#SBATCH --array=1-{}\n#SBATCH --cpus-per-task={}\n#SBATCH --requeue\n",
                       options.shards,
                       options.cpus);
  std::string limit;
  if (!options.time.empty()) {
    const double seconds = parse_duration(options.time, "--time");
    constexpr double kMargin = 120;  // to end by itself, before the queue ends it
    array += fmt::format("#SBATCH --time={}\n", slurm_time(seconds));
    if (seconds > 2 * kMargin) limit = fmt::format(" --time-limit {:.0f}s", seconds - kMargin);
  }
  if (!options.memory.empty()) array += "#SBATCH --mem=" + options.memory + "\n";
  std::vector<std::string> words;
  for (const std::string& word : options.sweep) words.push_back(shell_word(word));
  return fmt::format(
      R"(#!/bin/sh
#SBATCH --job-name=einsearch
{array}#SBATCH --open-mode=append
#SBATCH --output={store}/slurm-%A_%a.log
set -eu
store={quoted}
# The first element hands in the job that exports the curves when all have ended, well or not
# (afterok would never fire after a failed one). The folder sees to it that a requeue does not.
if [ "$SLURM_ARRAY_TASK_ID" = 1 ] && mkdir "$store/export-$SLURM_ARRAY_JOB_ID" 2>/dev/null; then
  sbatch --dependency=afterany:"$SLURM_ARRAY_JOB_ID" --export=ALL,elements="$SLURM_ARRAY_JOB_ID" <<'EXPORT'
#!/bin/sh
#SBATCH --job-name=einsearch-export
{common}#SBATCH --cpus-per-task=1
#SBATCH --open-mode=append
#SBATCH --output={store}/slurm-export.log
# A dependency counts an element that is being requeued as ended: then this job waits once more.
if squeue -h -j "$elements" 2>/dev/null | grep -q .; then
  exec sbatch --dependency=afterany:"$elements" --begin=now+5 --export=ALL "$0"
fi
{program} status {quoted} || true
exec {program} export {quoted} -o {curves}
EXPORT
fi
# The number of shards is written here: SLURM_ARRAY_TASK_COUNT is 1 when one element runs again.
exec {program} sweep {words} --store "$store" --shard "$SLURM_ARRAY_TASK_ID/{shards}"{limit}
)",
      fmt::arg("array", array),
      fmt::arg("common", common),
      fmt::arg("store", store),
      fmt::arg("quoted", shell_word(store)),
      fmt::arg("curves", shell_word(store + "/curves.csv")),
      fmt::arg("program", program),
      fmt::arg("words", fmt::join(words, " ")),
      fmt::arg("shards", options.shards),
      fmt::arg("limit", limit));
}

int slurm(const SlurmOptions& options) {
  check(options.sweep);
  if (options.store.find_first_of(" \n%\\'") != std::string::npos) {
    throw Error(
        "a store that Slurm cannot name",
        {.where = "--store", .expected = "no spaces, quotes, % or \\", .got = options.store});
  }
  RunStore::open_or_create(options.store);  // logs go there from the start
  Output output(options.output);
  output.write(script(options));
  output.finish();
  return kDone;
}

}  // namespace

void add_slurm(CLI::App& app, Program& program) {
  static SlurmOptions options;
  CLI::App* command = app.add_subcommand(
      "slurm", "Print a sweep as a Slurm job array: einsearch slurm ... -- SWEEP OPTIONS | sbatch");
  add_count(*command, "--shards", options.shards, "elements of the array", {1, kLargestArray})
      ->required();
  command
      ->add_option(
          "--store", options.store, "store of the sweep, on a file system that all nodes see")
      ->type_name("DIR")
      ->required();
  add_count(*command, "--cpus", options.cpus, "cores of each element (1)", {1, 4096});
  command->add_option("--time", options.time, "time of each element, such as 2h")
      ->type_name("TIME");
  command->add_option("--mem", options.memory, "memory of each element, as Slurm has it")
      ->type_name("SIZE");
  command->add_option("--partition", options.partition, "partition")->type_name("NAME");
  command->add_option("--sbatch", options.sbatch, "another #SBATCH line, such as --account=X")
      ->type_name("OPTION");
  command->add_option("--program", options.binary, "einsearch as the nodes know it (this one)")
      ->type_name("PATH");
  command->add_option("-o,--output", options.output, "write to FILE")->type_name("FILE");
  command->add_option("sweep", options.sweep, "options of einsearch sweep, after --")->required();
  command->callback([&program] { program.run = [] { return slurm(options); }; });
}

}  // namespace einsearch
