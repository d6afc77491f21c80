// Text files as documents over the vocabulary of 96 (task/tokens.h), in constant memory.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "io/utf8.h"

namespace einsearch {

/// What a document is: a whole file, a line, or what stands between blank lines.
enum class DocumentUnit { file, line, blank_line };

/// What becomes of characters outside the vocabulary: the document is dropped whole; they are
/// transliterated where that is possible and removed where not; they are removed.
enum class OtherCharacters { drop, replace, strip };

const char* to_string(DocumentUnit unit);
const char* to_string(OtherCharacters keep);
DocumentUnit parse_document_unit(std::string_view name);
OtherCharacters parse_other_characters(std::string_view name);

/// Takes documents in pieces.
class DocumentSink {
 public:
  virtual ~DocumentSink() = default;

  /// More tokens of the current document.
  virtual void put(std::span<const std::uint8_t> tokens) = 0;
  /// The current document is whole.
  virtual void finish_document() = 0;
};

/// What a pass over the files met.
struct DocumentCounts {
  Count documents = 0;           ///< that hold a visible character
  Count dropped_documents = 0;   ///< of these, for a character outside the vocabulary
  Count dropped_characters = 0;  ///< in them
  Count replaced_characters = 0;
  Count removed_characters = 0;
  Count tokens = 0;                  ///< of documents that were kept, their last newlines included
  std::map<char32_t, Count> others;  ///< characters outside the vocabulary, the first 1,000 kinds
  std::vector<bool> long_verdicts;   ///< of each document too long for memory: is it kept?

  Count kept() const { return documents - dropped_documents; }
};

/// Cuts text into documents. A document ends with a newline that it need not have had, one between
/// paragraphs with two; newlines before and after it are left out, "\r\n" is "\n", and a byte-order
/// mark at the start of a file is passed over. Documents without a visible character do not count.
///
/// Documents up to kLongest tokens are held back until it is known whether they are kept. Of longer
/// ones a first pass without sink finds out, and a second takes its verdicts.
class DocumentReader {
 public:
  static constexpr std::size_t kLongest = std::size_t{1} << 20;

  DocumentReader(DocumentUnit unit, OtherCharacters keep) : unit_(unit), keep_(keep) {}

  /// The second pass: kept documents go to `sink`.
  DocumentReader(DocumentUnit unit,
                 OtherCharacters keep,
                 std::vector<bool> long_verdicts,
                 DocumentSink& sink)
      : unit_(unit), keep_(keep), sink_(&sink), known_verdicts_(std::move(long_verdicts)) {}

  void take(std::span<const std::uint8_t> bytes);
  void finish_file();

  const DocumentCounts& counts() const { return counts_; }

 private:
  void take_character(char32_t character);
  void take_newline();
  void take_other(char32_t character);
  void take_token(std::uint8_t token);
  void finish_document();
  void spill();

  DocumentUnit unit_;
  OtherCharacters keep_;
  DocumentSink* sink_ = nullptr;
  std::vector<bool> known_verdicts_;
  DocumentCounts counts_;

  Utf8Decoder decoder_;
  bool is_file_start_ = true;
  bool has_carriage_return_ = false;  // held back: the next character may be a newline

  std::vector<std::uint8_t> document_;  // tokens that are not yet given away
  Count given_tokens_ = 0;              // tokens of this document before them
  Count pending_newlines_ = 0;          // written only if the document goes on
  std::size_t line_start_ = 0;          // where the current line starts in document_
  bool has_text_ = false;               // a visible character so far
  bool line_has_text_ = false;
  bool is_bad_ = false;   // in drop mode: a character outside the vocabulary
  bool is_long_ = false;  // spilled
  Count characters_ = 0;
};

}  // namespace einsearch
