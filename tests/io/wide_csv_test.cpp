#include "io/wide_csv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "app/run_binary.h"
#include "base/error.h"

using namespace einsearch;

namespace {

std::string file(const std::string& name, const std::string& text) {
  const std::string path = scratch_path(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

const std::string kPattern = "(.*)-w([0-9]+)-s([0-9]+) - loss$";

}  // namespace

TEST_CASE("a chart exported by W&B becomes runs, without minima and maxima, gaps passed over") {
  const std::string path = file("wandb.csv",
                                "\"Step\",\"dense-w64-s0 - loss\",\"dense-w64-s0 - loss__MIN\","
                                "\"btt-w128-s1 - loss\"\n"
                                "1,0.9,0.9,\n2,0.8,0.8,0.7\n3,nan,0.7,0.6\n");
  const CurveFile read = read_wide_curves({path}, kPattern, {});
  REQUIRE(read.curves.size() == 2);
  const Curve& btt = read.curves[0];
  CHECK(btt.structure == "btt");
  CHECK(btt.width == 128);
  CHECK(btt.seed_init == 1);
  REQUIRE(btt.points.size() == 2);
  CHECK(btt.points[0].train_flops == 2);
  CHECK(btt.points[0].loss == 0.7);
  CHECK(read.curves[1].points.back().status == RunStatus::diverged);
}

TEST_CASE("a file of TensorBoard is a run that its name describes") {
  const std::string path =
      file("dense-w64-s2.csv", "Wall time,Step,Value\n1.5e9,10,0.5\n1.5e9,20,0.4\n");
  const CurveFile read = read_wide_curves({path}, "(.*)-w(\\d+)-s(\\d+)", {});
  REQUIRE(read.curves.size() == 1);
  CHECK(read.curves[0].structure == "dense");
  CHECK(read.curves[0].width == 64);
  CHECK(read.curves[0].seed_init == 2);
  CHECK(read.curves[0].points[1].train_flops == 20);
}

TEST_CASE("patterns that find nothing, mistake a run or are none are refused") {
  const std::string path = file("wide.csv", "Step,a-w1-s0 - loss,a-w1-s0 - loss__MIN\n1,2,3\n");
  CHECK_THROWS_WITH_AS(
      read_wide_curves({path}, "nothing", {}), doctest::Contains("no column matches"), Error);
  CHECK_THROWS_WITH_AS(
      read_wide_curves({path}, "(.*)-w(\\d+)-s(\\d+)", {}), doctest::Contains("__MIN"), Error);
  CHECK_THROWS_WITH_AS(read_wide_curves({path}, "(", {}), doctest::Contains("--wide"), Error);
  CHECK_THROWS_WITH_AS(
      read_wide_curves({path}, "(a)-(w1)", {}), doctest::Contains("expected a width"), Error);
}
