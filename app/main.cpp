// The program's entry: options are parsed, one command runs, every fault becomes one line and an
// exit status.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "command.h"
#include "compute/isa.h"
#include "config_file.h"
#include "interrupt.h"
#include "log.h"
#include "output.h"
#include "usage.h"
#include "version.h"

namespace einsearch {
namespace {

std::string out_of_memory(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "reading options" : chosen.front()->get_name();
  ErrorDetail detail{.where = command};
  if (command == "train" || command == "sweep")
    detail.hint = "smaller --width, --target-width, --batch or --held-out";
  if (command == "fit-scaling") detail.hint = "fewer rows of curves";
  if (command == "enumerate") detail.hint = "a coarser grid, or filters";
  return Error("out of memory", detail).what();
}

/// --help and --version.
int answer(const CLI::App& app, const CLI::Success& request) {
  std::ostringstream text;
  app.exit(request, text, text);
  Output output("-");
  output.write(text.str());
  output.finish();
  return kDone;
}

int report(const std::string& message, int status) {
  std::fflush(stdout);
  fmt::print(stderr, "einsearch: error: {}\n", message);
  return status;
}

/// Throws where the processor is too old, or lacks what is asked for; empty: the best it has.
void choose_isa(const std::string& isa) {
  use_isa(isa.empty() ? std::nullopt : std::optional(parse_isa(isa)));
}

int run_program(int argc, char** argv) {
  CLI::App app(
      "einsearch finds the structured linear layers that give the lowest loss per unit of compute.",
      "einsearch");
  app.set_version_flag("--version", version_text);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  std::string color = "auto";
  app.add_option("--color", color, "colour messages: auto (default), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  std::string isa;
  app.add_option("--isa", isa, "instruction set of the kernels: v3 or v4 (default: the best here)")
      ->envname("EINSEARCH_ISA");
  add_config_option(app);
  app.fallthrough();
  Program program;
  add_search(app, program);
  add_enumerate(app, program);
  add_inspect(app, program);
  add_train(app, program);
  add_sweep(app, program);
  add_store_commands(app, program);
  add_check(app, program);
  add_slurm(app, program);
  add_fit_scaling(app, program);
  add_plot(app, program);
  add_predict(app, program);
  add_score(app, program);
  add_data(app, program);
  add_bench(app, program);
  add_selftest(app, program);
  add_columns(app, program);
  add_config(app, program);
  add_completion(app, program);

  CommandLine line{{argv + 1, argv + argc}, {}};
  try {
    line = with_config(app, std::move(line.words));
    try {
      app.parse(std::vector<std::string>(line.words.rbegin(), line.words.rend()));
    } catch (const CLI::Success& request) {
      return answer(app, request);
    } catch (const CLI::ParseError& error) {
      const std::string message = usage_message(app, error, line.words);
      return report(message + line.origin_of(message), kUsage);
    }
    set_up_log(color == "always"  ? ColorChoice::always
               : color == "never" ? ColorChoice::never
                                  : ColorChoice::automatic);
    choose_isa(isa);
    return program.run();
  } catch (const SystemError& error) {
    return report(error.what(), kFailed);
  } catch (const Error& error) {
    return report(error.what() + line.origin_of(error.what()), kUsage);
  } catch (const std::bad_alloc&) {
    return report(out_of_memory(app), kFailed);
  }
}

}  // namespace
}  // namespace einsearch

int main(int argc, char** argv) {
  einsearch::end_cleanly_on_signals();
  return einsearch::run_program(argc, argv);
}
