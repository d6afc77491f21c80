#include "structure_stream.h"

#include "compute/ordered.h"
#include "io/columns.h"
#include "structure_table.h"

namespace einsearch {
namespace {

/// The rows of one part of a walk.
struct Part {
  std::size_t number = 0;
  std::string text;
  Tally tally;
};

/// At most `limit` rows of a part, in the text of TableWriter::rows_alone().
Part format_part(const Walk& walk, std::size_t number, TableFormat format, Count limit) {
  Part part{.number = number, .text = {}, .tally = {}};
  TableWriter table = TableWriter::rows_alone(
      format, column_names(structure_columns()), [&part](std::string_view text) {
        part.text += text;
      });
  StructureRows rows;
  part.tally = walk.visit_part(number, [&, left = limit](const Candidate& candidate) mutable {
    rows.put(table, candidate);
    table.end_row();
    return --left != 0;
  });
  table.finish();
  return part;
}

Tally write_one_by_one(const Walk& walk, TableWriter& table, Count limit) {
  StructureRows rows;
  return visit_all(walk, [&, left = limit](const Candidate& candidate) mutable {
    rows.put(table, candidate);
    table.end_row();
    return --left != 0;
  });
}

}  // namespace

Tally stream_structures(const Walk& walk,
                        const Threads& threads,
                        const StreamOptions& options,
                        const TableWriter::Sink& sink) {
  TableWriter table(options.format, column_names(structure_columns()), sink);
  Tally tally;
  if (options.format == TableFormat::table || threads.count() == 1 || walk.parts == 1) {
    tally = write_one_by_one(walk, table, options.limit);
    table.finish();
    return tally;
  }
  const auto make = [&](std::size_t number) {
    return format_part(walk, number, options.format, options.limit);
  };
  const auto use = [&](Part part) {
    const Count left = options.limit - tally.kept;
    // A part knows nothing of the rows before it; the one that goes beyond the limit is cut.
    if (options.limit > 0 && part.tally.kept > left) {
      part = format_part(walk, part.number, options.format, left);
    }
    table.add_rows(part.text);
    tally += part.tally;
    return options.limit == 0 || tally.kept < options.limit;
  };
  for_each_in_order(threads, walk.parts, make, use);
  table.finish();
  return tally;
}

}  // namespace einsearch
