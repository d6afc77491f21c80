#include "task/example_set.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "task/task_examples.h"

using namespace einsearch;

namespace {

/// Rows (i, 5) -> (100 i, -i).
ExampleTable numbered(Count count) {
  ExampleTable table{.count = count, .inputs = 2, .outputs = 2, .x = {}, .y = {}};
  for (Count i = 0; i < count; ++i) {
    const auto number = static_cast<double>(i);
    table.x.insert(table.x.end(), {number, 5});
    table.y.insert(table.y.end(), {100 * number, -number});
  }
  return table;
}

}  // namespace

TEST_CASE("training columns have mean 0 and variance 1, constant ones are centred") {
  const ExampleSet set = split_and_standardise(numbered(50), 7, 3);
  CHECK(set.training.count == 43);
  CHECK(set.held_out.count == 7);
  for (std::size_t column = 0; column < 2; ++column) {
    double sum = 0, squares = 0;
    for (std::size_t i = column; i < set.training.y.size(); i += 2) {
      sum += set.training.y[i];
      squares += set.training.y[i] * set.training.y[i];
    }
    CHECK(std::abs(sum) < 1e-9);
    CHECK(squares / 43 == doctest::Approx(1));
  }
  for (std::size_t i = 1; i < set.training.x.size(); i += 2) CHECK(set.training.x[i] == 0);
}

TEST_CASE("inputs and targets of a row stay together, in every epoch each row comes once") {
  const auto set = std::make_shared<const ExampleSet>(split_and_standardise(numbered(50), 7, 3));
  const ExampleSetTask<double> task({.data = set});
  CHECK(task.held_out_size() == 7);
  const Examples<double> examples = training(task, 0, 86);
  std::vector<double> first, second;
  for (Index n = 0; n < 86; ++n) {
    (n < 43 ? first : second).push_back(examples.input(0, n));
    CHECK(examples.target(0, n) == doctest::Approx(examples.input(0, n)));
    CHECK(examples.target(1, n) == doctest::Approx(-examples.input(0, n)));
    CHECK(training(task, n, 1).target(1, 0) == examples.target(1, n));
  }
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first == second);
}

TEST_CASE("the digest tells tables and splits apart") {
  const ExampleSet set = split_and_standardise(numbered(50), 7, 3);
  CHECK(split_and_standardise(numbered(50), 7, 3) == set);
  CHECK_FALSE(split_and_standardise(numbered(50), 8, 3) == set);
  CHECK_FALSE(split_and_standardise(numbered(51), 7, 3) == set);
  ExampleTable changed = numbered(50);
  changed.y[3] += 1e-9;
  CHECK_FALSE(split_and_standardise(changed, 7, 3) == set);
}
