// einsearch data: data sets from what people have. The summary goes to standard error; what is made
// are files.
#include <fmt/format.h>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "io/text_data.h"
#include "log.h"

namespace einsearch {
namespace {

struct DataArguments {
  TextDataOptions text;
  std::string documents = "file";
  std::string keep = "drop";
  Count seed = 0;
};

/// How the text was split, where that is not as asked for.
void say_split(const TextDataSummary& summary) {
  if (summary.split == TextSplit::by_document) return;
  const std::string few = fmt::format("{} documents are fewer than {}",
                                      summary.documents_asked_for,
                                      TextDataSummary::kFewDocuments);
  if (summary.split == TextSplit::by_paragraph) {
    log_warning(few + ": paragraphs are taken as documents");
  } else {
    log_warning(few + ", paragraphs too: the last characters are held out");
  }
}

int make_text(DataArguments arguments) {
  TextDataOptions& options = arguments.text;
  options.unit = parse_document_unit(arguments.documents);
  options.keep = parse_other_characters(arguments.keep);
  options.seed = static_cast<std::uint64_t>(arguments.seed);
  const TextDataSummary summary = prepare_text(options);
  const DocumentCounts& counts = summary.counts;
  say_split(summary);
  if (counts.dropped_documents > 0) {
    log_info(
        fmt::format("dropped {} of {} documents ({} characters) for characters outside the "
                    "vocabulary; --keep replace transliterates them",
                    counts.dropped_documents,
                    counts.documents,
                    counts.dropped_characters));
  }
  if (counts.replaced_characters + counts.removed_characters > 0) {
    log_info(fmt::format("transliterated {} characters, removed {}",
                         counts.replaced_characters,
                         counts.removed_characters));
  }
  const auto part = [](Count tokens, Count documents) {
    return documents > 0 ? fmt::format("{} tokens in {} documents", tokens, documents)
                         : fmt::format("{} tokens", tokens);
  };
  log_info(fmt::format("wrote {}: train.bin {}, val.bin {}, meta.json",
                       options.folder,
                       part(summary.training_tokens, summary.training_documents),
                       part(summary.held_out_tokens, summary.held_out_documents)));
  return kDone;
}

void add_text(CLI::App& data, Program& program) {
  static DataArguments arguments;
  CLI::App* command = data.add_subcommand(
      "text", "Make train.bin, val.bin and meta.json from text, for train --task text");
  command->add_option("inputs", arguments.text.inputs, "files, folders of files, or - for stdin")
      ->type_name("IN")
      ->required();
  command->add_option("-o,--output", arguments.text.folder, "folder of the data set")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--documents",
                   arguments.documents,
                   "what a document is: file (default), line, or blank-line for paragraphs")
      ->check(CLI::IsMember({"file", "line", "blank-line"}));
  command
      ->add_option("--keep",
                   arguments.keep,
                   "of characters beyond newline and printable ASCII: drop (default) their "
                   "documents, replace them by ASCII, or strip them")
      ->check(CLI::IsMember({"drop", "replace", "strip"}));
  add_real(*command,
           "--held-out-fraction",
           arguments.text.held_out_fraction,
           "part of the documents that is held out (0.01)",
           {0, 1});
  add_count(*command, "--seed", arguments.seed, "chooses those documents (0)", kNonNegative);
  command->callback([&program] { program.run = [] { return make_text(arguments); }; });
}

}  // namespace

void add_data(CLI::App& app, Program& program) {
  CLI::App* command = app.add_subcommand("data", "Prepare data: text");
  command->require_subcommand(1);
  add_text(*command, program);
}

}  // namespace einsearch
