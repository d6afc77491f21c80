// The store of a sweep: a folder that survives anything.
//
//   einsearch-store             "einsearch store 1", the version of this layout
//   HOST-PID-RANDOM.runs        one per writer: a line per finished run (search/record.h)
//   claims/RUN.K                a run in flight; a hard link to its writer's file in writers/
//   writers/HOST-PID-RANDOM     held locked while the writer lives, so that the dead are known
//   sweeps/DIGEST.toml          the effective options of every sweep that wrote here
//   searches/NAME               what a search has measured once: its budget in FLOPs
//   searches/NAME.stage         the stage that it is in, and the runs of that stage
//
// A writer appends to its own file only, each record with one write and one fdatasync; nobody ever
// changes a record. A kill therefore leaves at worst one torn line at the end of one file, which
// its digest gives away. Results never depend on claims: the same run gives the same bytes whoever
// runs it, and of equal runs one is kept. Claims only save work, so it does no harm where a file
// system has no hard links or locks.
//
// A claim is void when its writer is dead: on this machine its file is no longer locked; elsewhere
// the file's time has stood still for minutes by the clock of whoever looks (no two clocks are
// compared). The next claim of the run then has the number K + 1, which only one can create; claims
// of a run go away when its record is safe. Whoever has claimed a run looks for its record once
// more before starting it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "search/record.h"

namespace einsearch {

/// What is known of a run without reading its curve.
struct StoredRun {
  int numerics = 0;
  RunStatus status = RunStatus::ok;
  std::size_t file = 0;  ///< of RunStore's list
  std::int64_t offset = 0, size = 0;
};

/// Where a search stands.
struct SearchStage {
  std::string what;                         ///< one line, such as "rung 2 | 43% of the budget"
  std::map<std::string, std::string> runs;  ///< of the stage, done or not: structure by run; none
                                            ///< when the search is over
};

class RunStore {
 public:
  /// Opens a store for reading. Throws Error when `folder` is no store, or one of another version.
  explicit RunStore(std::string folder);

  /// Makes the folder and marks it as a store if it is new or empty, then opens it.
  static RunStore open_or_create(const std::string& folder);

  const std::string& folder() const { return folder_; }

  /// Reads what writers have appended since. Throws SystemError when the folder has gone.
  void refresh();

  /// A finished run, or nullptr. Among records of the same run one that did not fail counts, then
  /// the first.
  const StoredRun* find(const std::string& run) const;
  const std::unordered_map<std::string, StoredRun>& runs() const { return runs_; }

  RunRecord read(const StoredRun& run) const;
  /// The record as it stands in the file, with its line end.
  std::string read_line(const StoredRun& run) const;

  /// Lines that were no records: torn by a crash, or damaged.
  Count torn_lines() const;

  /// Texts of the sweeps that wrote here, by file name.
  std::map<std::string, std::string> sweeps() const;
  void add_sweep(const std::string& text) const;

  /// What a search has fixed once for all who go on with it, by the name of the search; empty: not
  /// yet. Of several that fix it at once the first wins, and all are given its text.
  std::string search_plan(const std::string& name) const;
  std::string fix_search_plan(const std::string& name, const std::string& text) const;
  std::vector<std::string> search_plans() const;  ///< their names

  /// How far a search is, for those who look at the store.
  void note_stage(const std::string& name, const SearchStage& stage) const;
  std::vector<SearchStage> stages() const;

 private:
  struct File {
    std::string path;
    std::int64_t read = 0;  ///< bytes up to the last line end seen
    Count torn_lines = 0;
    bool has_tail = false;  ///< bytes after the last line end
  };

  void read_on(std::size_t file);

  std::string folder_;
  std::vector<File> files_;
  std::unordered_map<std::string, std::size_t> file_index_;
  std::unordered_map<std::string, StoredRun> runs_;
};

/// One writer's file. Made when the first record comes.
class StoreWriter {
 public:
  explicit StoreWriter(std::string folder);
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  /// The record is safe when this returns. Throws SystemError, leaving the file without a torn
  /// line, when the disk is full or the folder has gone. Not thread-safe.
  void append(const RunRecord& record);

  const std::string& name() const { return name_; }

 private:
  std::string folder_, name_, path_;
  int file_ = -1;
  std::int64_t size_ = 0;
};

/// All curves of a store, in an order that does not depend on when and where they were made.
std::vector<Curve> curves_of(const RunStore& store);

/// Adds the runs of `sources` that the store at `folder`, made if need be, has not; all of them or
/// none, and what their sweeps were for. Returns how many. Throws Error where two records of one
/// run differ in more than times, or their numerics versions differ and `mixes_numerics` is not
/// set.
Count merge_stores(const std::vector<std::string>& sources,
                   const std::string& folder,
                   bool mixes_numerics);

/// Deletes the files of a store, and nothing else that lies in the folder. Throws Error while a
/// writer lives.
void clear_store(const std::string& folder);

/// A name that no other writer has: HOST-PID-RANDOM.
std::string unique_writer_name();

}  // namespace einsearch
