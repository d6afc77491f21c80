// Learning curves from CSV and to CSV: one row per recorded step (einsearch's own columns are
// curve_columns() in io/columns.h).
//
// Any CSV is read that has train_flops and loss, under these names or others; everything else is
// optional. Without a column of structures all rows are one structure; without a column `width` the
// scale of a run is its column `params`, else it is unknown. A run is known by its column `run`
// together with structure and width, and where there is none by structure, width, depth, batch, lr,
// schedule and seeds. Rows may come in any order. Without a column `anneal`, every row of a run
// with a decaying schedule but its last counts as inside a decay. Where the column of compute does
// not change along a run (its parameters, its inference FLOPs), the run counts by its last row. A
// missing column weight_bytes is four times the column params.
#pragma once

#include <string>
#include <vector>

#include "io/row_filter.h"
#include "io/table.h"
#include "train/curve.h"

namespace einsearch {

enum class TimeColumns { written, left_out };

/// Which part of a model counts in train_flops, flops and params.
enum class ComputeCount {
  total,          ///< all of it
  linear,         ///< the linear layers that structures replace: flops_linear, params_linear
  non_embedding,  ///< all but the output head: flops - flops_head
};

/// Which columns hold what, for tables made elsewhere. Names other than these must be there.
struct CurveColumnNames {
  std::string structure = "structure";  ///< or several, by commas; empty: one group of all rows
  std::string run = "run";
  std::string width = "width";  ///< scale of a run; need not be whole: it is rounded
  std::string train_flops = "train_flops";
  std::string loss = "loss";
  ComputeCount count = ComputeCount::total;
  std::vector<RowCondition> where = {};  ///< rows that are read
};

/// "a,b" -> a, b; nothing for an empty text.
std::vector<std::string> split_names(const std::string& text);

struct CurveFile {
  std::vector<Curve> curves;         ///< sorted by structure, width, run; points by train_flops
  std::vector<std::string> remarks;  ///< rows passed over, one line per kind
};

/// Reads curves from files ("-" is standard input) as if they were one table; each file has its own
/// header. Rows with a loss of nan or inf are kept and mark their run diverged. Throws Error naming
/// file and line for a missing column, text in a number, a ragged row, a negative train_flops, no
/// rows at all, where one step of a run has two losses, and for a count without its columns.
CurveFile read_curves(const std::vector<std::string>& paths, const CurveColumnNames& names = {});

/// Header of the CSV that write_curve_rows() fills.
std::vector<std::string> curve_csv_columns(TimeColumns times);

/// Writes every point of `curve` as one row of `table`, whose columns are curve_csv_columns(times).
void write_curve_rows(TableWriter& table, const Curve& curve, TimeColumns times);

/// Writes one point, for a training that prints as it goes.
void write_curve_row(TableWriter& table,
                     const Curve& curve,
                     const CurvePoint& point,
                     TimeColumns times);

/// True for a schedule whose rate falls at some time: everything but constant, const and unknown.
bool is_decaying(const std::string& schedule);

}  // namespace einsearch
