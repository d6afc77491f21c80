// einsearch bench: this machine's speed against its own peak.
#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "compute/parallel.h"
#include "io/columns.h"
#include "log.h"
#include "output.h"
#include "progress.h"
#include "search/benchmark.h"
#include "search/peer.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

struct BenchArguments {
  std::string names = "all";
  std::string structures = "dense,btt";
  std::string widths = "64,256,1024";
  std::string batches = "1024";
  std::string threads;  // empty: all cores
  double seconds = 0.2;
  std::string peer;
  OutputOptions output;
};

template <typename Number>
std::vector<Number> parse_counts(const std::string& list, const std::string& option, Count most) {
  std::vector<Number> numbers;
  for (const std::string& item : split_list(list))
    numbers.push_back(static_cast<Number>(parse_count(item, option, {1, most})));
  return numbers;
}

BenchmarkOptions benchmark_options(const BenchArguments& arguments) {
  BenchmarkOptions options;
  options.names = arguments.names == "all" ? benchmark_names() : split_list(arguments.names);
  options.structures = parse_model_structures(arguments.structures);
  options.widths = parse_counts<Index>(arguments.widths, "--widths", 1 << 14);
  options.batches = parse_counts<Index>(arguments.batches, "--batches", 1 << 20);
  options.threads = arguments.threads.empty()
                        ? std::vector<int>{available_threads()}
                        : parse_counts<int>(arguments.threads, "--threads", 4096);
  options.seconds = arguments.seconds;
  return options;
}

void put(TableWriter& table, const auto& value) { value ? table.cell(*value) : table.missing(); }

void put_row(TableWriter& table, const BenchmarkRow& row) {
  table.cell(row.name);
  row.structure.empty() ? table.missing() : table.cell(row.structure);
  put(table, row.width);
  put(table, row.batch);
  table.cell(row.threads).cell(to_string(row.isa));
  put(table, row.ms_per_step);
  put(table, row.gflops);
  put(table, row.fraction_of_peak);
  put(table, row.time_per_flop_vs_dense);
  put(table, row.ns_per_element);
  put(table, row.activation_mib);
  put(table, row.gb_per_s);
}

void put_peer(TableWriter& table, const BenchmarkRow& row, const PeerTable& peer, Count& matches) {
  const std::optional<double> ms = peer.ms_per_step(row);
  put(table, ms);
  const bool is_comparable = ms && row.ms_per_step;
  is_comparable ? table.cell(*ms / *row.ms_per_step) : table.missing();
  matches += is_comparable ? 1 : 0;
}

int bench(const BenchArguments& arguments) {
  const BenchmarkOptions options = benchmark_options(arguments);
  std::optional<PeerTable> peer;
  std::vector<std::string> columns = column_names(bench_columns());
  if (!arguments.peer.empty()) {
    peer.emplace(arguments.peer);
    for (const ColumnInfo& column : peer_columns()) columns.emplace_back(column.name);
  }
  Count matches = 0;
  Output output(arguments.output.path);
  TableWriter table(chosen_format(arguments.output), columns, output.sink());
  Progress progress("bench");
  run_benchmarks(
      options,
      {.on_progress = [&](double share, const std::string& next) { progress.update(share, next); },
       .on_row =
           [&](const BenchmarkRow& row) {
             put_row(table, row);
             if (peer) put_peer(table, row, *peer, matches);
             table.end_row();
             table.flush();
             output.flush();
           }});
  progress.clear();
  table.finish();
  output.finish();
  if (peer && matches == 0) {
    log_warning(fmt::format(
        "{} has none of these rows: name, structure, width, batch and threads must agree",
        arguments.peer));
  }
  return kDone;
}

}  // namespace

void add_bench(CLI::App& app, Program& program) {
  static BenchArguments arguments;
  CLI::App* command =
      app.add_subcommand("bench", "Measure this machine's speed against its own peak");
  const auto add_list = [&](const char* name, std::string& value, const std::string& description) {
    command->add_option(name, value, description)->type_name("LIST");
  };
  add_list("--names",
           arguments.names,
           fmt::format("what to measure (all), out of {}", fmt::join(benchmark_names(), ", ")));
  add_list("--structures",
           arguments.structures,
           "of layers and models (dense,btt); paper: the 23 of data/structures.csv");
  add_list("--widths", arguments.widths, "features of the residual stream (64,256,1024)");
  add_list("--batches", arguments.batches, "examples per step (1024)");
  add_list("--threads", arguments.threads, "numbers of threads (all cores that may be used)");
  add_real(*command,
           "--seconds",
           arguments.seconds,
           "of measuring, per row (0.2); never fewer than 5 rounds",
           {0, 3600});
  command
      ->add_option(
          "--peer",
          arguments.peer,
          "times of another program to compare with: CSV with the columns name, structure, "
          "width, batch, threads, ms_per_step")
      ->type_name("FILE");
  add_output_options(*command, arguments.output);
  command->callback([&program] { program.run = [] { return bench(arguments); }; });
}

}  // namespace einsearch
