#include "io/text_documents.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/suggest.h"
#include "task/tokens.h"

namespace einsearch {
namespace {

constexpr std::array<const char*, 3> kUnits = {"file", "line", "blank-line"};
constexpr std::array<const char*, 3> kKeeps = {"drop", "replace", "strip"};
constexpr std::size_t kKindsOfOthers = 1000;

template <typename Enum>
Enum parse(std::string_view name, const std::array<const char*, 3>& names, const char* what) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) return static_cast<Enum>(i);
  }
  throw Error(std::string("unknown ") + what,
              {.got = std::string(name),
               .hint = did_you_mean(name, std::vector<std::string>(names.begin(), names.end()))});
}

}  // namespace

const char* to_string(DocumentUnit unit) { return kUnits[static_cast<std::size_t>(unit)]; }
const char* to_string(OtherCharacters keep) { return kKeeps[static_cast<std::size_t>(keep)]; }

DocumentUnit parse_document_unit(std::string_view name) {
  return parse<DocumentUnit>(name, kUnits, "kind of document");
}

OtherCharacters parse_other_characters(std::string_view name) {
  return parse<OtherCharacters>(name, kKeeps, "treatment of characters");
}

void DocumentReader::take(std::span<const std::uint8_t> bytes) {
  const auto put = [this](char32_t character) { take_character(character); };
  for (const std::uint8_t byte : bytes) decoder_.take(byte, put);
}

void DocumentReader::finish_file() {
  decoder_.finish([this](char32_t character) { take_character(character); });
  if (has_carriage_return_) {
    has_carriage_return_ = false;
    take_other(U'\r');
  }
  if (unit_ == DocumentUnit::blank_line && !line_has_text_) {
    document_.resize(std::min(document_.size(), line_start_));
  }
  finish_document();
  is_file_start_ = true;
}

void DocumentReader::take_character(char32_t character) {
  constexpr char32_t kByteOrderMark = 0xFEFF;
  const bool is_first = std::exchange(is_file_start_, false);
  if (is_first && character == kByteOrderMark) return;
  ++characters_;
  if (std::exchange(has_carriage_return_, false) && character != U'\n') take_other(U'\r');
  if (character == U'\n') {
    take_newline();
  } else if (character == U'\r') {
    has_carriage_return_ = true;
  } else if (const int token = text_token(character); token > 0) {
    take_token(static_cast<std::uint8_t>(token));
  } else {
    take_other(character);
  }
}

void DocumentReader::take_newline() {
  if (unit_ == DocumentUnit::line) return finish_document();
  if (unit_ == DocumentUnit::blank_line && !line_has_text_) {
    document_.resize(std::min(document_.size(), line_start_));
    return finish_document();
  }
  has_text_ ? void(++pending_newlines_) : document_.clear();
  line_start_ = document_.size();
  line_has_text_ = false;
}

void DocumentReader::take_other(char32_t character) {
  const auto known = counts_.others.find(character);
  if (known != counts_.others.end()) {
    ++known->second;
  } else if (counts_.others.size() < kKindsOfOthers) {
    counts_.others.emplace(character, 1);
  }
  if (keep_ == OtherCharacters::drop) {
    is_bad_ = has_text_ = line_has_text_ = true;
    return;
  }
  const auto text = keep_ == OtherCharacters::replace ? transliterated(character) : std::nullopt;
  ++(text ? counts_.replaced_characters : counts_.removed_characters);
  for (const char c : text.value_or(std::string_view())) {
    if (c == '\n') {
      take_newline();
    } else {
      take_token(static_cast<std::uint8_t>(text_token(static_cast<char32_t>(c))));
    }
  }
}

void DocumentReader::take_token(std::uint8_t token) {
  constexpr std::uint8_t kNewline = 0, kSpace = 1;
  for (; pending_newlines_ > 0; --pending_newlines_) document_.push_back(kNewline);
  if (token != kSpace) has_text_ = line_has_text_ = true;
  document_.push_back(token);
  if (document_.size() > kLongest) spill();
}

/// Makes room in a document that is too long to be held back.
void DocumentReader::spill() {
  if (!is_long_ && sink_ != nullptr) {
    const std::size_t number = counts_.long_verdicts.size();
    if (number >= known_verdicts_.size() || !known_verdicts_[number]) is_bad_ = true;
  }
  is_long_ = true;
  if (sink_ != nullptr && !is_bad_) sink_->put(document_);
  given_tokens_ += static_cast<Count>(document_.size());
  document_.clear();
  line_start_ = 0;
}

void DocumentReader::finish_document() {
  if (has_text_) {
    ++counts_.documents;
    if (is_long_) counts_.long_verdicts.push_back(!is_bad_);
    if (is_bad_) {
      ++counts_.dropped_documents;
      counts_.dropped_characters += characters_;
    } else {
      document_.resize(document_.size() + (unit_ == DocumentUnit::blank_line ? 2 : 1), 0);
      counts_.tokens += given_tokens_ + static_cast<Count>(document_.size());
      if (sink_ != nullptr) {
        sink_->put(document_);
        sink_->finish_document();
      }
    }
  }
  document_.clear();
  given_tokens_ = pending_newlines_ = characters_ = 0;
  line_start_ = 0;
  has_text_ = line_has_text_ = is_bad_ = is_long_ = false;
}

}  // namespace einsearch
