// Token streams from a folder: train.bin and val.bin in the layout that nanoGPT users know, and
// meta.json where einsearch made them (io/text_data.h).
#pragma once

#include <optional>
#include <string>

#include "task/tokens.h"

namespace einsearch {

/// A text that `einsearch data text` prepared. Throws Error where files are missing, empty, made
/// for another task, or hold anything but the vocabulary of 96.
TokenData open_text_data(const std::string& folder);

/// Any tokens below `vocabulary` (2 to 65,536). Without `type`, what meta.json says, otherwise
/// uint16 as nanoGPT writes. Throws Error; of a token outside the vocabulary, naming the offset.
TokenData open_token_data(const std::string& folder,
                          Index vocabulary,
                          std::optional<TokenType> type = {});

}  // namespace einsearch
