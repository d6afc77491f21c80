#include "io/text_data.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/error.h"
#include "base/random.h"
#include "io/atomic_file.h"
#include "task/epochs.h"
#include "task/tokens.h"

namespace einsearch {
namespace {

namespace fs = std::filesystem;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

SystemError system_fault(const char* doing, const std::string& where) {
  return SystemError(std::string("cannot ") + doing, {.where = where, .got = std::strerror(errno)});
}

/// Calls take(bytes) for the whole file, from where it stands.
template <typename Take>
void read_all(std::FILE* file, const std::string& name, const Take& take) {
  std::vector<std::uint8_t> buffer(std::size_t{1} << 16);
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file))
    take(std::span<const std::uint8_t>(buffer.data(), size));
  if (std::ferror(file) != 0) throw system_fault("read", name);
}

/// One input, which can be read again and again.
class Source {
 public:
  /// `spool_folder`: where what can be read only once is kept meanwhile.
  Source(std::string path, const std::string& spool_folder) : path_(std::move(path)) {
    if (path_ != "-" && fs::is_regular_file(path_)) return;
    File in(path_ == "-" ? fdopen(dup(STDIN_FILENO), "rb") : std::fopen(path_.c_str(), "rb"));
    if (!in) throw Error("cannot read", {.where = path_, .got = std::strerror(errno)});
    const std::string name = fmt::format("{}/input.{}.tmp", spool_folder, getpid());
    spool_.reset(std::fopen(name.c_str(), "wb+"));
    if (!spool_) throw system_fault("write", name);
    std::remove(name.c_str());
    read_all(in.get(), path_, [&](std::span<const std::uint8_t> bytes) {
      if (std::fwrite(bytes.data(), 1, bytes.size(), spool_.get()) != bytes.size())
        throw system_fault("write", name);
    });
    if (std::fflush(spool_.get()) != 0) throw system_fault("write", name);
  }

  void read(DocumentReader& reader) const {
    File opened;
    std::FILE* file = spool_.get();
    if (file == nullptr) {
      opened.reset(std::fopen(path_.c_str(), "rb"));
      file = opened.get();
      if (file == nullptr)
        throw Error("cannot read", {.where = path_, .got = std::strerror(errno)});
    } else {
      std::rewind(file);
    }
    read_all(file, path_, [&](std::span<const std::uint8_t> bytes) { reader.take(bytes); });
    reader.finish_file();
  }

 private:
  std::string path_;
  File spool_;
};

/// Files as they are named, folders as the sorted list of the files in them; the target folder's
/// own files are left out.
std::vector<Source> open_sources(const TextDataOptions& options) {
  const std::string target = fs::weakly_canonical(options.folder).string() + "/";
  std::vector<Source> sources;
  for (const std::string& input : options.inputs) {
    if (input != "-" && !fs::exists(input))
      throw Error("cannot read", {.where = input, .got = "no such file or folder"});
    if (!fs::is_directory(input)) {
      sources.emplace_back(input, options.folder);
      continue;
    }
    std::vector<std::string> paths;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(input)) {
      const std::string path = entry.path().string();
      if (entry.is_regular_file() && !fs::weakly_canonical(path).string().starts_with(target))
        paths.push_back(path);
    }
    std::sort(paths.begin(), paths.end());
    if (paths.empty()) throw Error("no files", {.where = input});
    for (const std::string& path : paths) sources.emplace_back(path, options.folder);
  }
  return sources;
}

DocumentCounts count_documents(const std::vector<Source>& sources,
                               DocumentUnit unit,
                               OtherCharacters keep) {
  DocumentReader reader(unit, keep);
  for (const Source& source : sources) source.read(reader);
  return reader.counts();
}

/// One of the two streams.
class StreamWriter {
 public:
  explicit StreamWriter(const std::string& path) : file_(path) {}

  void put(std::span<const std::uint8_t> tokens) {
    file_.write({reinterpret_cast<const char*>(tokens.data()), tokens.size()});
    digest_.update(tokens);
    tokens_ += static_cast<Count>(tokens.size());
  }
  void commit() { file_.commit(); }

  Count tokens() const { return tokens_; }
  std::string digest() const { return digest_.text(); }

 private:
  AtomicFile file_;
  ContentDigest digest_;
  Count tokens_ = 0;
};

/// Sends whole documents, or the last tokens, to the held-out stream.
class Splitter final : public DocumentSink {
 public:
  Splitter(const TextDataSummary& plan, const TextDataOptions& options)
      : training_(options.folder + "/train.bin"),
        held_out_(options.folder + "/val.bin"),
        is_by_document_(plan.split != TextSplit::last_characters),
        order_(options.seed, EpochOrder::kSplit, static_cast<std::uint64_t>(plan.counts.kept())),
        held_out_documents_(plan.held_out_documents),
        last_training_token_(plan.training_tokens) {}

  void put(std::span<const std::uint8_t> tokens) override {
    if (is_by_document_) {
      const bool is_held_out = order_(document_) < static_cast<std::uint64_t>(held_out_documents_);
      (is_held_out ? held_out_ : training_).put(tokens);
      return;
    }
    const Count room = std::max<Count>(0, last_training_token_ - training_.tokens());
    const auto first = std::min(tokens.size(), static_cast<std::size_t>(room));
    training_.put(tokens.first(first));
    held_out_.put(tokens.subspan(first));
  }
  void finish_document() override { ++document_; }

  StreamWriter& training() { return training_; }
  StreamWriter& held_out() { return held_out_; }

 private:
  StreamWriter training_, held_out_;
  bool is_by_document_;
  RandomPermutation order_;
  std::uint64_t document_ = 0;
  Count held_out_documents_, last_training_token_;
};

/// "U+2019 3 times, U+201C twice ..." for messages: the most frequent characters outside the
/// vocabulary.
std::string frequent_others(const DocumentCounts& counts) {
  std::vector<std::pair<char32_t, Count>> others(counts.others.begin(), counts.others.end());
  std::stable_sort(others.begin(), others.end(), [](const auto& a, const auto& b) {
    return a.second > b.second;
  });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(others.size(), 3); ++i) {
    text += fmt::format("{}U+{:04X} x {}",
                        i == 0 ? "" : ", ",
                        static_cast<std::uint32_t>(others[i].first),
                        others[i].second);
  }
  return text;
}

/// Which documents there are and how they are split.
TextDataSummary plan_split(const std::vector<Source>& sources, const TextDataOptions& options) {
  TextDataSummary plan;
  plan.unit = options.unit;
  plan.files = static_cast<Count>(sources.size());
  plan.counts = count_documents(sources, options.unit, options.keep);
  plan.documents_asked_for = plan.counts.documents;
  if (plan.counts.documents < TextDataSummary::kFewDocuments) {
    const DocumentCounts paragraphs =
        count_documents(sources, DocumentUnit::blank_line, options.keep);
    const bool are_enough = paragraphs.documents >= TextDataSummary::kFewDocuments;
    plan.split = are_enough ? TextSplit::by_paragraph : TextSplit::last_characters;
    if (are_enough || plan.counts.kept() == 0) {
      plan.unit = DocumentUnit::blank_line;
      plan.counts = paragraphs;
    }
  }
  const Count kept = plan.counts.kept();
  if (kept == 0) {
    const bool is_empty = plan.counts.documents == 0;
    throw Error(
        "no admissible document",
        {.where = fmt::format("{} file{}", plan.files, plan.files == 1 ? "" : "s"),
         .expected = "documents of newline and printable ASCII",
         .got = is_empty ? "no text"
                         : fmt::format("other characters in each of {} ({})",
                                       plan.counts.documents,
                                       frequent_others(plan.counts)),
         .hint = is_empty ? "" : "--keep replace transliterates, --documents line is finer"});
  }
  const auto share = [&options](Count whole) {
    const double part = options.held_out_fraction * static_cast<double>(whole);
    return std::clamp<Count>(static_cast<Count>(std::llround(part)), 1, whole - 1);
  };
  if (plan.split == TextSplit::last_characters) {
    plan.held_out_tokens = share(plan.counts.tokens);
    plan.training_tokens = plan.counts.tokens - plan.held_out_tokens;
  } else if (kept > 1) {
    plan.held_out_documents = share(kept);
    plan.training_documents = kept - plan.held_out_documents;
  } else {
    throw Error("one document cannot be split", {.expected = "at least two admissible ones"});
  }
  return plan;
}

std::string meta_text(const TextDataSummary& summary,
                      const TextDataOptions& options,
                      Splitter& streams) {
  std::string vocabulary;
  for (int token = 0; token < kTextVocabulary; ++token) vocabulary += text_character(token);
  const DocumentCounts& counts = summary.counts;
  nlohmann::ordered_json meta = {
      {"format", "einsearch text"},
      {"dtype", "uint8"},
      {"vocab_size", kTextVocabulary},
      {"vocabulary", vocabulary},
      {"documents", to_string(summary.unit)},
      {"keep", to_string(options.keep)},
      {"split", summary.split == TextSplit::last_characters ? "last characters" : "by document"},
      {"held_out_fraction", options.held_out_fraction},
      {"seed", options.seed},
      {"train",
       {{"documents", summary.training_documents},
        {"tokens", streams.training().tokens()},
        {"digest", streams.training().digest()}}},
      {"val",
       {{"documents", summary.held_out_documents},
        {"tokens", streams.held_out().tokens()},
        {"digest", streams.held_out().digest()}}},
      {"dropped",
       {{"documents", counts.dropped_documents}, {"characters", counts.dropped_characters}}},
      {"replaced_characters", counts.replaced_characters},
      {"removed_characters", counts.removed_characters}};
  if (summary.split == TextSplit::last_characters) {
    meta["train"].erase("documents");
    meta["val"].erase("documents");
  }
  return meta.dump(2) + "\n";
}

}  // namespace

TextDataSummary prepare_text(const TextDataOptions& options) {
  std::error_code fault;
  fs::create_directories(options.folder, fault);
  if (fault || !fs::is_directory(options.folder))
    throw Error("cannot make the folder", {.where = options.folder, .got = fault.message()});
  const std::vector<Source> sources = open_sources(options);
  TextDataSummary summary = plan_split(sources, options);

  Splitter streams(summary, options);
  DocumentReader reader(summary.unit, options.keep, summary.counts.long_verdicts, streams);
  for (const Source& source : sources) source.read(reader);
  if (reader.counts().tokens != summary.counts.tokens)
    throw Error("a file changed while it was read", {.hint = "run it again"});
  summary.training_tokens = streams.training().tokens();
  summary.held_out_tokens = streams.held_out().tokens();
  streams.training().commit();
  streams.held_out().commit();
  write_file(options.folder + "/meta.json", meta_text(summary, options, streams));
  return summary;
}

}  // namespace einsearch
