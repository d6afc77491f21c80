// The times of another program, to stand beside our own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/benchmark.h"

namespace einsearch {

/// Reads either
///   * CSV with the columns name, structure, width, batch, threads and ms_per_step (others are
///     ignored), such as the output of `einsearch bench` on another machine; or
///   * lines of words such as
///       torch mlp-btt w= 256 rank=1 threads=2 ... 79.36 steps/s 12.60 ms/step ... 325079 samples/s
///     for the name mlp_step; lines of other models are skipped.
class PeerTable {
 public:
  /// Throws Error for a file that cannot be read and for a bad line.
  explicit PeerTable(const std::string& path);

  /// The fastest of the peer's rows with the same name, structure, width, batch and threads, or
  /// nothing.
  std::optional<double> ms_per_step(const BenchmarkRow& row) const;

 private:
  struct Row {
    std::string name, structure;
    std::optional<Index> width;
    std::optional<double> batch;  ///< of lines: from rounded rates, to half a per cent
    Count threads;
    double ms_per_step;
  };

  void read_csv(const std::string& path);
  void read_line(const std::string& line, const std::string& where);

  std::vector<Row> rows_;
};

}  // namespace einsearch
