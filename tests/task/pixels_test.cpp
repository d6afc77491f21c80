#include "task/pixels.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "task/epochs.h"
#include "task/task_examples.h"

using namespace einsearch;

TEST_CASE("a permutation visits every place once, and seeds and numbers change it") {
  for (const std::uint64_t size : {1, 2, 3, 16, 17, 1000}) {
    CAPTURE(size);
    std::vector<int> visits(size);
    const RandomPermutation order(7, 1, size);
    for (std::uint64_t i = 0; i < size; ++i) ++visits[order(i)];
    CHECK(std::all_of(visits.begin(), visits.end(), [](int count) { return count == 1; }));
  }
  int same = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    same += RandomPermutation(7, 1, 1000)(i) == RandomPermutation(7, 2, 1000)(i) ? 1 : 0;
    same += RandomPermutation(7, 1, 1000)(i) == RandomPermutation(8, 1, 1000)(i) ? 1 : 0;
  }
  CHECK(same < 20);
}

TEST_CASE("area averaging keeps a constant image, and halving means over squares") {
  const ImageSet shape{.count = 1, .height = 4, .width = 6, .channels = 1, .pixels = {}};
  std::vector<std::uint8_t> image(24, 77), small(4);
  resize_by_area(image.data(), shape, 2, small.data());
  CHECK(small == std::vector<std::uint8_t>{77, 77, 77, 77});

  const ImageSet square{.count = 1, .height = 4, .width = 4, .channels = 1, .pixels = {}};
  const std::vector<std::uint8_t> values = {0, 2, 10, 10, 4, 6, 10, 10, 1, 1, 255, 0, 1, 2, 0, 0};
  resize_by_area(values.data(), square, 2, small.data());
  CHECK(small == std::vector<std::uint8_t>{3, 10, 1, 64});  // 63.75 is 64
}

TEST_CASE("where pixels straddle, they count by the area they cover") {
  // 3 x 3 to 2 x 2: the middle row and column belong half to each side.
  const ImageSet shape{.count = 1, .height = 3, .width = 3, .channels = 1, .pixels = {}};
  const std::vector<std::uint8_t> image = {90, 0, 0, 0, 0, 0, 0, 0, 180};
  std::vector<std::uint8_t> small(4);
  resize_by_area(image.data(), shape, 2, small.data());
  CHECK(small == std::vector<std::uint8_t>{40, 0, 0, 80});  // 1 of 2.25 pixels
}

TEST_CASE("channels are reduced apart, and gray is the weighted mean of red, green and blue") {
  const ImageSet shape{.count = 1, .height = 2, .width = 2, .channels = 3, .pixels = {}};
  const std::vector<std::uint8_t> image = {1, 10, 100, 3, 10, 100, 1, 10, 200, 3, 10, 200};
  std::vector<std::uint8_t> small(3), gray(4);
  resize_by_area(image.data(), shape, 1, small.data());
  CHECK(small == std::vector<std::uint8_t>{2, 10, 150});
  to_gray(image.data(), 4, gray.data());
  CHECK(gray == std::vector<std::uint8_t>{18, 18, 29, 30});
}

TEST_CASE("every epoch shows every image once, each in another order; inputs are the targets") {
  auto data = std::make_shared<PixelData>();
  const auto images = [](Count count, int first) {
    ImageSet set{.count = count, .height = 1, .width = 2, .channels = 1, .pixels = {}};
    for (int i = 0; i < count; ++i) {
      set.pixels.push_back(static_cast<std::uint8_t>(first + i));
      set.pixels.push_back(7);
    }
    return set;
  };
  data->training = images(23, 0);
  data->held_out = images(5, 100);
  const PixelTask<float> task({.data = data});
  CHECK(task.examples_per_epoch() == 23);
  std::vector<float> first, second;
  const Examples<float> examples = training(task, 0, 46);
  for (Index n = 0; n < 46; ++n) {
    (n < 23 ? first : second).push_back(examples.input(0, n));
    CHECK(examples.input(0, n) == examples.target(0, n));
    CHECK(examples.input(1, n) == 7);
    CHECK(training(task, n, 1).input(0, 0) == examples.input(0, n));
  }
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first == second);
  CHECK(std::adjacent_find(first.begin(), first.end()) == first.end());
  const Examples<float> held = held_out(task, 0, 5);
  std::vector<float> seen;
  for (Index n = 0; n < 5; ++n) seen.push_back(held.input(0, n));
  std::sort(seen.begin(), seen.end());
  CHECK(seen == std::vector<float>{100, 101, 102, 103, 104});
}
