#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "app/run_binary.h"
#include "compute/isa.h"
#include "compute/peak.h"

using namespace einsearch;

namespace {

const std::string kHeader =
    "name,structure,width,batch,threads,isa,ms_per_step,gflops,fraction_of_peak,"
    "time_per_flop_vs_dense,ns_per_element,activation_mib,gb_per_s";

/// A measurement of some milliseconds.
std::vector<std::string> tiny_bench(const std::string& names, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"bench",
                                        "--names",
                                        names,
                                        "--widths",
                                        "16",
                                        "--batches",
                                        "40",
                                        "--threads",
                                        "1",
                                        "--seconds",
                                        "0"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string file_with(const std::string& name, const std::string& text) {
  const std::string path = scratch_path(name);
  std::ofstream(path) << text;
  return path;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from);
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

/// The last two fields: time of the peer, and speedup over it.
std::string peer_fields(const std::string& line) {
  return line.substr(line.rfind(',', line.rfind(',') - 1) + 1);
}

}  // namespace

TEST_CASE("bench prints the pinned header, and a row per structure in the order of their names") {
  const Outcome outcome =
      run_einsearch(tiny_bench("mlp_step,gelu", {"--structures", "dense,monarch"}));
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  const std::vector<std::string> lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == kHeader);
  CHECK(lines[1].starts_with("gelu,,16,40,1,v"));
  CHECK(lines[2].starts_with("mlp_step,dense,16,40,1,v"));
  CHECK(lines[3].starts_with("mlp_step,monarch,16,40,1,v"));
}

TEST_CASE("a training step of the character model has a speed, whatever the structure") {
  const Outcome outcome = run_einsearch(tiny_bench("gpt_step", {"--structures", "dense,monarch"}));
  CHECK(outcome.status == 0);
  const std::vector<std::string> lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].starts_with("gpt_step,dense,16,40,1,v"));
  CHECK(lines[2].starts_with("gpt_step,monarch,16,40,1,v"));
}

TEST_CASE("bench measures everything it names") {
  const Outcome outcome = run_einsearch(
      tiny_bench("peak_fma,gemm,layer,layer_forward,layer_input_gradient,layer_weight_gradient,"
                 "layer_norm,layer_norm_backward,bias_gradient,adamw",
                 {"--structures", "btt:ranks=2", "--format", "tsv"}));
  CHECK(outcome.status == 0);
  CHECK(lines_of(outcome.out).size() == 12);
  CHECK(outcome.out.find("\ngemm_eigen\t") != std::string::npos);
}

TEST_CASE("bench measures the 23 structures of the paper, and dense beside them, once") {
  const Outcome outcome = run_einsearch(tiny_bench("layer_forward", {"--structures", "paper"}));
  CHECK(outcome.status == 0);
  CHECK(lines_of(outcome.out).size() == 24);
  CHECK(outcome.out.find(",dense,") == std::string::npos);
}

TEST_CASE("bench --peer joins rows by their keys and takes the fastest of the peer's") {
  const std::string path = file_with("peer.csv",
                                     "name,structure,width,batch,threads,ms_per_step,other\n"
                                     "mlp_step,dense,16,40,1,5000,x\n"
                                     "mlp_step,dense,16,40,1,4000,y\n"
                                     "mlp_step,dense,16,41,1,1,z\n"
                                     "mlp_step,dense,16,40,2,1,z\n"
                                     "adamw,,16,,1,3000,\n");
  const Outcome outcome = run_einsearch(tiny_bench("mlp_step,adamw", {"--peer", path}));
  CHECK(outcome.status == 0);
  const std::vector<std::string> lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == kHeader + ",peer_ms_per_step,speedup_vs_peer");
  CHECK(peer_fields(lines[1]).starts_with("3000,"));
  CHECK(peer_fields(lines[2]).starts_with("4000,"));
  CHECK(peer_fields(lines[3]) == ",");  // btt
}

TEST_CASE(
    "bench --peer reads lines of words: width, rank, threads, and the batch from both rates") {
  const std::string path = file_with(
      "peer.txt",
      "torch mlp-dense  w=   16 rank=1 threads=1 core=default     80.00 steps/s     12.50 ms/step"
      "    100.0 GFLOP/s  35.0% of peak       3200 samples/s\n"
      "torch gpt-dense  w=  128 rank=1 threads=1 core=default      1.00 steps/s   1000.00 ms/step"
      "    100.0 GFLOP/s       4096 tokens/s\n"
      "torch mlp-btt    w=   16 rank=2 threads=1 core=default     40.00 steps/s     25.00 ms/step"
      "    100.0 GFLOP/s       1600 samples/s\n");
  const Outcome outcome = run_einsearch(
      tiny_bench("mlp_step", {"--structures", "dense,btt,btt:ranks=2", "--peer", path}));
  CHECK(outcome.status == 0);
  const std::vector<std::string> lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 4);
  CHECK(peer_fields(lines[1]).starts_with("12.5,"));
  CHECK(peer_fields(lines[2]) == ",");
  CHECK(peer_fields(lines[3]).starts_with("25,"));
}

TEST_CASE("a peer without any of the rows is a warning") {
  const std::string path =
      file_with("other.csv", "name,structure,width,batch,threads,ms_per_step\ngemm,,1,1,1,1\n");
  const Outcome outcome = run_einsearch(tiny_bench("gelu", {"--peer", path}));
  CHECK(outcome.status == 0);
  CHECK(outcome.err.find("warning: ") != std::string::npos);
}

TEST_CASE("bench refuses bad input in one line with status 2 and leaves stdout empty") {
  const std::string no_columns = file_with("bad1.csv", "name,width\ngemm,1\n");
  const std::string bad_time =
      file_with("bad2.csv", "name,structure,width,batch,threads,ms_per_step\ngemm,,16,40,1,-1\n");
  const std::string bad_line = file_with("bad.txt", "torch mlp-dense w= 16 rank=1 threads=1\n");
  const std::vector<std::vector<std::string>> cases = {
      {"--names", "gem"},
      {"--names", ""},
      {"--structures", "monarc"},
      {"--widths", "0"},
      {"--widths", "16,"},
      {"--widths", "1e9"},
      {"--batches", "x"},
      {"--threads", "0"},
      {"--seconds", "-1"},
      {"--peer", "/nonexistent"},
      {"--peer", no_columns},
      {"--peer", bad_time},
      {"--peer", bad_line},
      {"--format", "xml"},
      {"--with", "16"},
      {"--isa", "v5"},
      {"--output", "/nonexistent/x.csv"},
  };
  for (const std::vector<std::string>& bad : cases) {
    CAPTURE(bad[0]);
    CAPTURE(bad[1]);
    std::vector<std::string> arguments = {"bench"};
    if (bad[0] != "--names") arguments = {"bench", "--names", "gelu"};
    arguments.insert(arguments.end(), bad.begin(), bad.end());
    const Outcome outcome = run_einsearch(arguments);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("einsearch: error: "));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
}

TEST_CASE("the loop of the peak does what its FLOPs say: chains of a = a shrink + step") {
  const Isa before = active_isa();
  for (const Isa isa : supported_isas()) {
    use_isa(isa);
    const PeakKernels& peak = peak_kernels();
    // After many rounds every chain rests at step / (1 - shrink) = 2.
    const float sum = peak.fused_multiply_adds(100, 0.5f, 1.0f);
    const auto lanes = static_cast<float>(isa == Isa::v4 ? 16 : 8);
    const float chains = sum / 2;
    CHECK(static_cast<float>(peak.flops_per_round) == 2 * chains * lanes);
    const float b[3] = {1, 2, 3}, c[3] = {4, 5, 6};
    float a[3];
    peak.triad(2, b, c, a, 3);
    CHECK(a[0] == 9);
    CHECK(a[2] == 15);
  }
  use_isa(before);
}
