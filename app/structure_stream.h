// Many structures as rows of one table, written while they are found.
#pragma once

#include "io/table.h"
#include "search/enumerate.h"

namespace einsearch {

struct StreamOptions {
  TableFormat format = TableFormat::csv;
  Count limit = 0;  ///< rows after which it ends; 0: none
};

/// Writes the table of a walk's candidates. Threads find and format parts of the walk; rows leave
/// in the order of the walk, the same bytes for any number of threads. At most a few parts are in
/// memory. The format table, whose widths depend on its first rows, is written by one thread.
Tally stream_structures(const Walk& walk,
                        const Threads& threads,
                        const StreamOptions& options,
                        const TableWriter::Sink& sink);

}  // namespace einsearch
