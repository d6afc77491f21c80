#include "train/ordered_sum.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

using namespace einsearch;

TEST_CASE("chunks are added in their order, however long each takes") {
  // Added in any other order, the large numbers would swallow a different part of the small ones.
  const std::vector<float> parts = {1e8f, 3, -1e8f, 5e7f, 7, -5e7f, 1, 2};
  float expected = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) expected += parts[i];
  for (const std::size_t slow : {0u, 1u, 4u, 7u}) {
    for (const int threads : {1, 2, 3}) {
      CAPTURE(slow);
      CAPTURE(threads);
      AlignedBuffer<float> total(16);
      std::vector<AlignedBuffer<float>> spare;
      for (int i = 0; i < threads; ++i) spare.emplace_back(total.size());
      OrderedSum<float> sum(total, spare, parts.size());
      std::vector<std::thread> workers;
      for (int worker = 0; worker < threads; ++worker) {
        workers.emplace_back([&] {
          while (const auto chunk = sum.take()) {
            const auto number = static_cast<std::size_t>(chunk->number);
            std::fill_n(chunk->gradient, total.size(), parts[number]);
            if (number == slow) std::this_thread::sleep_for(std::chrono::milliseconds(3));
            sum.finish(*chunk);
          }
        });
      }
      for (std::thread& worker : workers) worker.join();
      for (const float each : total.span()) CHECK(each == expected);
    }
  }
}
