// What a training run takes of a machine's memory, known before it starts.
#pragma once

#include "train/run_spec.h"

namespace einsearch {

/// Bytes that train() allocates at most for such a run on `threads` threads: weights, moments,
/// gradients, packed weights, activations, the batch and the held-out set. The task's own memory is
/// not in it.
double training_bytes(const RunSpec& spec, int threads);

/// Bytes that this process may still take: the least of the cgroup's limits and what the system
/// says is available.
double available_bytes();

}  // namespace einsearch
