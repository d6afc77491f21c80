// Text files made into a data set for the text task: streams of characters as bytes, split into
// training and held-out documents.
//
//   train.bin, val.bin   one byte per character: newline 0, space ... ~ 1 ... 95 (nanoGPT's layout)
//   meta.json            the vocabulary, what was counted, dropped and replaced, digests
//
// Files are read two or three times in constant memory; standard input and pipes are first copied
// to a file without a name in the target folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/text_documents.h"

namespace einsearch {

struct TextDataOptions {
  std::vector<std::string> inputs;  ///< files; folders, for all files in them; "-" standard input
  std::string folder;               ///< where the data set goes; made if missing
  DocumentUnit unit = DocumentUnit::file;
  OtherCharacters keep = OtherCharacters::drop;
  double held_out_fraction = 0.01;  ///< of documents
  std::uint64_t seed = 0;           ///< which documents
};

/// How documents were told apart in the end.
enum class TextSplit {
  by_document,      ///< as asked for
  by_paragraph,     ///< fewer than kFewDocuments documents: paragraphs instead
  last_characters,  ///< fewer than that of either: the end of the text is held out
};

struct TextDataSummary {
  static constexpr Count kFewDocuments = 200;

  TextSplit split = TextSplit::by_document;
  DocumentUnit unit = DocumentUnit::file;  ///< in the end
  Count files = 0;
  Count documents_asked_for = 0;  ///< of the unit that was asked for
  DocumentCounts counts;
  Count training_documents = 0, held_out_documents = 0;  ///< 0 and 0 for last_characters
  Count training_tokens = 0, held_out_tokens = 0;
};

/// Throws Error where a file cannot be read, no document is left, or one of the streams would be
/// empty; then nothing is written.
TextDataSummary prepare_text(const TextDataOptions& options);

}  // namespace einsearch
