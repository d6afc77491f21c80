#include "search/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/digest.h"
#include "base/error.h"
#include "io/atomic_file.h"
#include "io/file_descriptor.h"
#include "search/claims.h"

namespace einsearch {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "einsearch store 1\n";
constexpr const char* kMarkFile = "einsearch-store";
constexpr std::string_view kRunsSuffix = ".runs";
constexpr const char* kStageSuffix = ".stage";

SystemError failure(const std::string& what, const std::string& where) {
  return SystemError(what, {.where = where, .got = std::strerror(errno)});
}

/// Bytes `offset` ... `offset` + `size` - 1, or fewer at the end of the file.
std::string read_range(const std::string& path, std::int64_t offset, std::int64_t size) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw failure("cannot read", path);
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = pread(file.get(),
                              text.data() + filled,
                              text.size() - filled,
                              offset + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw failure("cannot read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

std::string whole_file(const std::string& path) {
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  if (failed) throw SystemError("cannot read", {.where = path, .got = failed.message()});
  return read_range(path, 0, static_cast<std::int64_t>(size));
}

void sync_folder(const std::string& path) {
  const FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) fsync(folder.get());  // some file systems refuse; nothing is lost by that
}

/// Throws Error unless the folder is a store that this program understands.
void check_mark(const std::string& folder) {
  const std::string path = folder + "/" + kMarkFile;
  if (!fs::is_directory(folder))
    throw Error("no such store",
                {.where = folder, .expected = "a folder that a sweep has written"});
  if (!fs::exists(path)) {
    throw Error("not a store",
                {.where = folder, .expected = fmt::format("a folder with a file {}", kMarkFile)});
  }
  std::string mark = whole_file(path);
  if (mark == kMark) return;
  if (!mark.empty() && mark.back() == '\n') mark.pop_back();
  throw Error("a store of another version",
              {.where = folder,
               .expected = std::string(kMark.substr(0, kMark.size() - 1)),
               .got = fmt::format("\"{:.40}\"", mark),
               .hint = "the einsearch that wrote it can export it"});
}

}  // namespace

RunStore::RunStore(std::string folder) : folder_(std::move(folder)) {
  check_mark(folder_);
  refresh();
}

RunStore RunStore::open_or_create(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw Error("cannot make the store", {.where = folder, .got = failed.message()});
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw Error("cannot write to the store", {.where = folder, .got = std::strerror(errno)});
  }
  const std::string mark = folder + "/" + kMarkFile;
  if (!fs::exists(mark)) {
    const bool is_empty = std::none_of(
        fs::directory_iterator(folder), fs::directory_iterator(), [](const auto& entry) {
          return !entry.path().filename().string().starts_with(kMarkFile);
        });
    if (!is_empty && !fs::exists(mark)) {
      throw Error("not a store, and not empty",
                  {.where = folder, .expected = "a new or empty folder, or a store"});
    }
    write_file(mark, kMark);
  }
  return RunStore(folder);
}

void RunStore::refresh() {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator entry(folder_, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    std::string name = entry->path().filename().string();
    if (name.ends_with(kRunsSuffix)) names.push_back(std::move(name));
  }
  if (failed) {
    throw SystemError("the store cannot be read", {.where = folder_, .got = failed.message()});
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const auto [place, is_new] = file_index_.try_emplace(name, files_.size());
    if (is_new) files_.push_back({.path = folder_ + "/" + name});
    read_on(place->second);
  }
}

void RunStore::read_on(std::size_t index) {
  File& file = files_[index];
  struct stat status {};
  if (stat(file.path.c_str(), &status) != 0) return;  // the file of a writer with nothing to say
  file.has_tail = status.st_size > file.read;
  if (!file.has_tail) return;
  const std::string text = read_range(file.path, file.read, status.st_size - file.read);
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (const std::optional<RecordHead> head = parse_head(line)) {
      const StoredRun run{.numerics = head->numerics,
                          .status = head->status,
                          .file = index,
                          .offset = file.read + static_cast<std::int64_t>(begin),
                          .size = static_cast<std::int64_t>(line.size())};
      const auto [place, is_new] = runs_.try_emplace(std::string(head->run), run);
      if (!is_new && place->second.status == RunStatus::failed) place->second = run;
    } else {
      ++file.torn_lines;
    }
    begin = end + 1;
  }
  file.read += static_cast<std::int64_t>(begin);
  file.has_tail = begin < text.size();
}

const StoredRun* RunStore::find(const std::string& run) const {
  const auto found = runs_.find(run);
  return found == runs_.end() ? nullptr : &found->second;
}

std::string RunStore::read_line(const StoredRun& run) const {
  std::string line = read_range(files_[run.file].path, run.offset, run.size);
  if (!parse_head(line))
    throw SystemError("a record has changed", {.where = files_[run.file].path});
  return line + "\n";
}

RunRecord RunStore::read(const StoredRun& run) const {
  const std::string line = read_line(run);
  return parse_record(*parse_head(std::string_view(line).substr(0, line.size() - 1)));
}

Count RunStore::torn_lines() const {
  Count lines = 0;
  for (const File& file : files_) lines += file.torn_lines + (file.has_tail ? 1 : 0);
  return lines;
}

std::map<std::string, std::string> RunStore::sweeps() const {
  std::map<std::string, std::string> texts;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder_ + "/sweeps", failed)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".toml")) texts[name] = whole_file(entry.path().string());
  }
  return texts;
}

void RunStore::add_sweep(const std::string& text) const {
  const std::string folder = folder_ + "/sweeps";
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw SystemError("cannot write", {.where = folder, .got = failed.message()});
  const std::string path = fmt::format("{}/{}.toml", folder, digest(text));
  if (!fs::exists(path)) write_file(path, text);
}

std::string RunStore::search_plan(const std::string& name) const {
  std::ifstream file(folder_ + "/searches/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string RunStore::fix_search_plan(const std::string& name, const std::string& text) const {
  std::error_code failed;
  fs::create_directories(folder_ + "/searches", failed);
  const std::string path = folder_ + "/searches/" + name;
  const std::string own = path + "." + unique_writer_name();
  write_file(own, text);
  fs::create_hard_link(own, path, failed);
  if (failed && !fs::exists(path)) fs::rename(own, path);
  fs::remove(own, failed);
  return search_plan(name);
}

std::vector<std::string> RunStore::search_plans() const {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder_ + "/searches", failed)) {
    const std::string name = entry.path().filename().string();
    if (name.find('.') == std::string::npos) names.push_back(name);
  }
  return names;
}

void RunStore::note_stage(const std::string& name, const SearchStage& stage) const {
  std::error_code failed;
  fs::create_directories(folder_ + "/searches", failed);
  std::string text = stage.what + "\n";
  for (const auto& [id, structure] : stage.runs) text += id + " " + structure + "\n";
  write_file(folder_ + "/searches/" + name + kStageSuffix, text);
}

std::vector<SearchStage> RunStore::stages() const {
  std::vector<SearchStage> stages;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder_ + "/searches", failed)) {
    if (entry.path().extension() != kStageSuffix) continue;
    std::ifstream file(entry.path());
    SearchStage stage;
    std::getline(file, stage.what);
    std::string id, structure;
    while (file >> id && std::getline(file >> std::ws, structure)) stage.runs[id] = structure;
    stages.push_back(std::move(stage));
  }
  return stages;
}

StoreWriter::StoreWriter(std::string folder)
    : folder_(std::move(folder)),
      name_(unique_writer_name()),
      path_(folder_ + "/" + name_ + std::string(kRunsSuffix)) {}

StoreWriter::~StoreWriter() {
  if (file_ >= 0) close(file_);
}

void StoreWriter::append(const RunRecord& record) {
  if (file_ < 0) {
    file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) throw failure("cannot write to the store", folder_);
    sync_folder(folder_);
  }
  const std::string line = to_line(record);
  ssize_t written = write(file_, line.data(), line.size());
  while (written < 0 && errno == EINTR) written = write(file_, line.data(), line.size());
  const bool is_whole = written == static_cast<ssize_t>(line.size());
  if (written >= 0 && !is_whole) errno = ENOSPC;
  if (!is_whole || fdatasync(file_) != 0) {
    const int cause = errno;
    // A torn line is harmless, but why keep it. The record counts as lost even where it is not.
    [[maybe_unused]] const int cut = ftruncate(file_, size_);
    errno = cause;
    throw failure("cannot write to the store", path_);
  }
  size_ += written;
  struct stat by_name {
  }, by_file{};
  const bool is_there = fstat(file_, &by_file) == 0 && stat(path_.c_str(), &by_name) == 0 &&
                        by_name.st_ino == by_file.st_ino;
  if (!is_there) throw SystemError("the store has been removed", {.where = folder_});
}

std::vector<Curve> curves_of(const RunStore& store) {
  std::vector<Curve> curves;
  for (const auto& [id, run] : store.runs()) curves.push_back(store.read(run).curve);
  const auto key = [](const Curve& c) {
    return std::tie(c.structure,
                    c.width,
                    c.depth,
                    c.schedule,
                    c.points.back().step,
                    c.lr,
                    c.seed_task,
                    c.seed_data,
                    c.seed_init,
                    c.run);
  };
  std::sort(curves.begin(), curves.end(), [&](const Curve& a, const Curve& b) {
    return key(a) < key(b);
  });
  return curves;
}

Count merge_stores(const std::vector<std::string>& sources,
                   const std::string& folder,
                   bool mixes_numerics) {
  const RunStore target = RunStore::open_or_create(folder);
  std::map<std::string, std::string> lines;  // by run: sorted, so that equal merges are equal bytes
  std::optional<int> numerics;
  const auto check_numerics = [&](const RunStore& store) {
    for (const auto& [id, run] : store.runs()) {
      if (!numerics) numerics = run.numerics;
      if (run.numerics == *numerics || mixes_numerics) continue;
      throw Error("stores of different numerics versions",
                  {.where = store.folder(),
                   .expected = fmt::format("{}", *numerics),
                   .got = fmt::format("{}", run.numerics),
                   .hint = "their bits mean different things; --mix-numerics merges them anyway"});
    }
  };
  const auto without_times = [](const std::string& line) {
    RunRecord record = parse_record(*parse_head(std::string_view(line).substr(0, line.size() - 1)));
    for (CurvePoint& point : record.curve.points) point.time_s = kMissing;
    return to_line(record);
  };
  check_numerics(target);
  for (const std::string& source : sources) {
    const RunStore store(source);
    check_numerics(store);
    for (const auto& [id, run] : store.runs()) {
      const StoredRun* known = target.find(id);
      const auto place = lines.find(id);
      const bool is_known = known != nullptr || place != lines.end();
      const bool replaces_failed = known != nullptr && known->status == RunStatus::failed;
      if (run.status == RunStatus::failed && is_known) continue;
      std::string line = store.read_line(run);
      const std::string before = place != lines.end() ? place->second
                                 : known != nullptr   ? target.read_line(*known)
                                                      : std::string();
      const bool has_failed_before =
          replaces_failed ||
          (place != lines.end() &&
           parse_head(std::string_view(before).substr(0, before.size() - 1))->status ==
               RunStatus::failed);
      if (!is_known || has_failed_before) {
        lines[id] = std::move(line);
      } else if (without_times(before) != without_times(line)) {
        throw Error("two results of one run",
                    {.where = fmt::format("run {} in {}", id, source),
                     .expected = "the same numbers",
                     .got = "others",
                     .hint = "einsearch verify says which store is wrong"});
      }
    }
    for (const auto& [name, text] : store.sweeps()) target.add_sweep(text);
    for (const std::string& name : store.search_plans()) {
      if (target.search_plan(name).empty()) target.fix_search_plan(name, store.search_plan(name));
    }
  }
  std::string text;
  for (const auto& [id, line] : lines) text += line;
  if (!text.empty())
    write_file(fmt::format("{}/{}{}", folder, unique_writer_name(), kRunsSuffix), text);
  return static_cast<Count>(lines.size());
}

void clear_store(const std::string& folder) {
  check_mark(folder);
  if (const int living = summarise_claims(folder).living_writers; living > 0) {
    throw Error("the store is in use",
                {.where = folder, .got = fmt::format("{} running sweep(s)", living)});
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().string().ends_with(kRunsSuffix)) files.push_back(entry.path());
  }
  std::error_code failed;
  for (const fs::path& file : files) {
    if (!fs::remove(file, failed) && failed)
      throw SystemError("cannot remove", {.where = file.string(), .got = failed.message()});
  }
  for (const char* part : {"claims", "writers", "sweeps", "searches", "checkpoints", "trainer"})
    fs::remove_all(fs::path(folder) / part, failed);
}

std::string unique_writer_name() {
  std::array<char, 256> host = {};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::string name = host[0] == '\0' ? "host" : host.data();
  std::replace_if(
      name.begin(),
      name.end(),
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.'; },
      '_');
  std::random_device random;
  return fmt::format("{}-{}-{:08x}", name.substr(0, 64), getpid(), random());
}

}  // namespace einsearch
