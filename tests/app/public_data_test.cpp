// Published numbers from public data, which is not shipped: the folder is named by the environment
// variable EINSEARCH_PUBLIC_DATA, and a file that it lacks is skipped with a message. The commands
// are those of the README.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/run_binary.h"
#include "golden.h"

using namespace einsearch;
using nlohmann::json;

namespace {

std::optional<std::string> find_public(const std::string& file) {
  const char* const folder = std::getenv("EINSEARCH_PUBLIC_DATA");
  const std::string path = folder == nullptr ? "" : std::string(folder) + "/" + file;
  if (folder != nullptr && std::filesystem::exists(path)) return path;
  MESSAGE("skipped: EINSEARCH_PUBLIC_DATA names no folder with " << file);
  return std::nullopt;
}

/// Rows of what fit-scaling says of a file.
std::vector<json> fit(const std::string& path, std::vector<std::string> options) {
  std::vector<std::string> arguments = {"fit-scaling", path, "--format", "jsonl"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const Outcome outcome = run_einsearch(arguments);
  CAPTURE(outcome.err);
  REQUIRE(outcome.status == 0);
  std::vector<json> rows;
  for (std::size_t at = 0; at < outcome.out.size();) {
    const std::size_t stop = outcome.out.find('\n', at);
    rows.push_back(json::parse(outcome.out.substr(at, stop - at)));
    at = stop + 1;
  }
  return rows;
}

bool agrees(const json& got, double expected, double part) {
  return std::abs(got.get<double>() / expected - 1) <= part;
}

}  // namespace

TEST_CASE("public data: the surface of Chinchilla's points has the published parameters") {
  const auto path = find_public("chinchilla_ndl.csv");
  if (!path) return;
  const std::vector<std::string> surface = {
      "--law", "surface", "--n", "N", "--d", "D", "--y", "loss", "--group", ""};
  const auto with = [&surface](std::vector<std::string> more) {
    more.insert(more.begin(), surface.begin(), surface.end());
    return more;
  };
  const json kept = fit(*path, with({"--where", "epoch_keep=1"}))[0];
  CHECK(agrees(kept["objective"], 1.018274018e-3, 1e-9));
  CHECK(agrees(kept["a"], 477.826, 1e-5));
  CHECK(agrees(kept["b"], 2143.42, 1e-5));
  CHECK(agrees(kept["irreducible_loss"], 1.817218, 1e-6));
  CHECK(agrees(kept["alpha"], 0.347310, 3e-6));
  CHECK(agrees(kept["beta"], 0.367172, 3e-6));
  CHECK(kept["alpha_low"].get<double>() == doctest::Approx(0.317).epsilon(0.03));
  CHECK(kept["alpha_high"].get<double>() == doctest::Approx(0.373).epsilon(0.03));
  const json all = fit(*path, with({"--replicates", "0"}))[0];
  CHECK(agrees(all["objective"], 1.8260105e-3, 1e-7));
  CHECK(agrees(all["irreducible_loss"], 1.89134, 1e-5));
  const json small = fit(
      *path, with({"--where", "epoch_keep=1", "--hold-out", "C>=1e21", "--replicates", "0"}))[0];
  CHECK(small["held_out_error"].get<double>() == doctest::Approx(0.01051).epsilon(1e-3));
}

TEST_CASE("public data: Porian's fifteen exponents come back to six digits") {
  const auto optima = find_public("porian_optima.csv");
  const auto expected = find_public("porian_expected.csv");
  if (!optima || !expected) return;
  const std::vector<json> rows = fit(*optima,
                                     {"--law",
                                      "line",
                                      "--x",
                                      "flops",
                                      "--y",
                                      "n_opt",
                                      "--group",
                                      "file,dataset,hparams,warmup,decay,param_count,val",
                                      "--replicates",
                                      "0"});
  const std::vector<CsvRecord> published = read_csv_records(*expected);
  CHECK(published.size() == 15);
  CHECK(rows.size() == published.size());
  for (const CsvRecord& record : published) {
    std::string group = record.at("file");
    for (const char* column : {"dataset", "hparams", "warmup", "decay", "param_count", "val"})
      group += "/" + record.at(column);
    CAPTURE(group);
    const auto row = std::find_if(
        rows.begin(), rows.end(), [&group](const json& one) { return one["group"] == group; });
    REQUIRE(row != rows.end());
    CHECK(agrees((*row)["slope"], std::stod(record.at("n_exponent")), 5e-7));
  }
}

TEST_CASE(
    "public data: constant-rate runs have the published exponent, decaying ones by their ends") {
  const auto constant = find_public("supercollapse_mlp_const_curves.csv");
  const auto decaying = find_public("supercollapse_mlp_curves.csv");
  if (!constant || !decaying) return;
  const std::vector<std::string> options = {"--x", "compute_pflop", "--irreducible", "zero"};
  const json rate = fit(*constant, options)[0];
  CHECK(std::abs(rate["exponent"].get<double>() - 0.1524) <= 2e-4);
  const json ends = fit(*decaying, options)[0];
  CHECK(ends["points"] == "annealed");
  CHECK(ends["n_points"] == 40);
  CHECK(ends["exponent"].get<double>() == doctest::Approx(0.152).epsilon(0.003));
}
