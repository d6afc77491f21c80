// Checkpoints as files: a mark, the checkpoint's parts in order (numbers little-endian, texts and
// arrays behind their lengths), and a digest of everything before it. Written as a whole or not at
// all, so that a kill leaves the file of before.
#pragma once

#include <string>

#include "train/checkpoint.h"

namespace einsearch {

void write_checkpoint(const std::string& path, const Checkpoint<float>& checkpoint);

/// Throws Error for a file that is no checkpoint, is torn or was changed, and for one of another
/// run than `spec` (canonical_text), naming the first option that differs.
Checkpoint<float> read_checkpoint(const std::string& path, const std::string& spec);

}  // namespace einsearch
