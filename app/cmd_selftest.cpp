// einsearch selftest: does this machine compute what it should?
#include <fmt/format.h>

#include "command.h"
#include "io/columns.h"
#include "log.h"
#include "output.h"
#include "search/selftest.h"

namespace einsearch {
namespace {

int selftest(const OutputOptions& options) {
  Output output(options.path);
  TableWriter table(chosen_format(options), column_names(selftest_columns()), output.sink());
  std::string failed;
  const bool is_passed = run_selftest([&](const SelfCheck& check) {
    const bool is_measured = check.signature.empty();
    table.cell(check.check).cell(check.isa);
    is_measured ? table.cell(check.worst_error).cell(check.tolerance) : table.missing().missing();
    table.cell(check.is_passed ? "ok" : "failed");
    is_measured ? table.missing() : table.cell(check.signature);
    table.end_row();
    table.flush();
    output.flush();
    if (!check.is_passed) failed += fmt::format(" {} ({}),", check.check, check.isa);
  });
  table.finish();
  output.finish();
  if (is_passed) return kDone;
  failed.pop_back();
  fmt::print(stderr, "einsearch: error: this machine computes something else:{}\n", failed);
  return kFailed;
}

}  // namespace

void add_selftest(CLI::App& app, Program& program) {
  static OutputOptions options;
  CLI::App* command = app.add_subcommand(
      "selftest", "Check every kernel of this machine against plain loops, gradients, equal bits");
  add_output_options(*command, options);
  command->callback([&program] { program.run = [] { return selftest(options); }; });
}

}  // namespace einsearch
