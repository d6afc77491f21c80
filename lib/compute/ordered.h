// Work in parallel whose results are used one after the other.
#pragma once

#include <tbb/parallel_pipeline.h>

#include <atomic>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "compute/parallel.h"

namespace einsearch {

/// make(i) for i = 0, 1, ... below `parts` on all threads, and use(result) for the results in that
/// order, one at a time, until it returns false or make() throws: what it throws leaves here after
/// the results before it were used. At most two results per thread are alive.
template <typename Make, typename Use>
void for_each_in_order(const Threads& threads, std::size_t parts, const Make& make, Use&& use) {
  using Result = decltype(make(std::size_t{}));
  if (threads.count() == 1) {
    for (std::size_t i = 0; i < parts; ++i) {
      if (!use(make(i))) return;
    }
    return;
  }
  struct Made {
    std::optional<Result> result;
    std::exception_ptr error;
  };
  const auto try_make = [&](std::size_t i) -> Made {
    try {
      return {make(i), nullptr};
    } catch (...) {
      return {std::nullopt, std::current_exception()};
    }
  };
  std::atomic<bool> is_stopped = false;
  std::size_t next = 0;
  const auto number = [&](tbb::flow_control& control) -> std::size_t {
    if (next == parts || is_stopped) {
      control.stop();
      return 0;
    }
    return next++;
  };
  std::exception_ptr error;  // which must not leave the pipeline: it would lose what is under way
  const auto hand_on = [&](Made made) {
    if (is_stopped) return;
    try {
      if (made.error) std::rethrow_exception(made.error);
      is_stopped = !use(std::move(*made.result));
    } catch (...) {
      error = std::current_exception();
      is_stopped = true;
    }
  };
  constexpr auto kInOrder = tbb::filter_mode::serial_in_order;
  threads.run([&] {
    tbb::parallel_pipeline(
        2 * static_cast<std::size_t>(threads.count()),
        tbb::make_filter<void, std::size_t>(kInOrder, number) &
            tbb::make_filter<std::size_t, Made>(tbb::filter_mode::parallel, try_make) &
            tbb::make_filter<Made, void>(kInOrder, hand_on));
  });
  if (error) std::rethrow_exception(error);
}

}  // namespace einsearch
