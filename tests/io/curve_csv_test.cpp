#include "io/curve_csv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "app/run_binary.h"
#include "base/error.h"

using namespace einsearch;

namespace {

CurveFile read(const std::string& text, const CurveColumnNames& names = {}) {
  const std::string path = scratch_path("curves.csv");
  std::ofstream(path, std::ios::binary) << text;
  return read_curves({path}, names);
}

Curve example() {
  Curve curve;
  curve.run = "r1";
  curve.structure = "btt:rank=1/4";
  curve.family = "btt";
  curve.theta = "(0.5|0|0.5|0|0.5|0.5|0.25)";
  curve.task = "regression";
  curve.width = 128;
  curve.depth = 3;
  curve.batch = 256;
  curve.lr = 1e-3;
  curve.schedule = "linear";
  curve.seed_init = 7;
  curve.params = 12345;
  curve.flops = 24690;
  curve.flops_linear = 24000;
  curve.flops_head = 600;
  curve.flops_other = 90;
  curve.params_linear = 12000;
  curve.activation_bytes = 1 << 20;
  curve.weight_bytes = 49380;
  for (int i = 0; i < 4; ++i) {
    CurvePoint point;
    point.step = i * 10;
    point.examples = i * 2560;
    point.train_flops = 3.0 * 24690 * 2560 * i;
    point.loss = 1.0 / (i + 1);
    point.loss_se = 0.01;
    if (i > 0) point.train_loss = 1.1 / (i + 1);
    point.anneal = i / 3.0;
    point.time_s = 0.125 * i;
    if (i < 3) point.epochs = 0.25 * i;
    if (i > 0) point.rate = 1e-3 / i;
    if (i > 0) point.grad_norm = 0.3 * i;
    if (i > 1) point.block_rms = {1.0 / 3, 0.5 * i};
    if (i > 1) point.experts = ExpertUsage{3.5, 0.0, 0.25 * i};
    curve.points.push_back(point);
  }
  return curve;
}

std::string to_csv(const Curve& curve, TimeColumns times) {
  std::string text;
  TableWriter table(
      TableFormat::csv, curve_csv_columns(times), [&text](std::string_view part) { text += part; });
  write_curve_rows(table, curve, times);
  table.finish();
  return text;
}

}  // namespace

TEST_CASE("a curve written as CSV reads back the same, but for times left out") {
  const Curve curve = example();
  const CurveFile file = read(to_csv(curve, TimeColumns::written));
  REQUIRE(file.curves.size() == 1);
  CHECK(to_csv(file.curves[0], TimeColumns::written) == to_csv(curve, TimeColumns::written));
  const std::string without = to_csv(curve, TimeColumns::left_out);
  CHECK(without.find("time_s") == std::string::npos);
  CHECK(to_csv(read(without).curves[0], TimeColumns::left_out) == without);
}

TEST_CASE("runs that see their examples more than once are remarked on") {
  const auto remarks = [](const std::string& epochs) {
    return read("loss,structure,width,train_flops,epochs\n0.5,a,64,1e9,0\n0.4,a,64,2e9," + epochs +
                "\n0.4,b,64,2e9,\n")
        .remarks;
  };
  CHECK(remarks("1").empty());
  REQUIRE(remarks("1.5").size() == 1);
  CHECK(remarks("1.5")[0].starts_with("1 of 2 runs see their training set more than once"));
}

TEST_CASE("four columns are enough, and a run is then known by structure and width") {
  const CurveFile file = read(
      "loss,structure,width,train_flops\n"
      "0.5,a,64,1e9\n0.4,a,64,2e9\n0.3,a,128,4e9\n0.2,b,64,4e9\n");
  REQUIRE(file.curves.size() == 3);
  CHECK(file.curves[0].points.size() == 2);
  CHECK(file.curves[0].points[1].loss == 0.4);
  CHECK(file.curves[0].points[1].anneal == 0);
}

TEST_CASE("seeds, learning rate and the column run tell runs apart") {
  const std::string rows = "a,64,1e9,0.5,";
  CHECK(
      read("structure,width,train_flops,loss,seed\n" + rows + "0\n" + rows + "1\n").curves.size() ==
      2);
  CHECK(read("structure,width,train_flops,loss,lr\n" + rows + "0.1\n" + rows + "0.2\n")
            .curves.size() == 2);
  CHECK(
      read("structure,width,train_flops,loss,run\n" + rows + "x\n" + rows + "y\n").curves.size() ==
      2);
}

TEST_CASE("rows in any order make the same curves; a row given twice counts once") {
  const std::string header = "structure,width,train_flops,loss,step\n";
  const CurveFile file = read(header + "a,64,3e9,0.3,3\na,64,1e9,0.5,1\na,64,2e9,0.4,2\n" + header +
                              "a,64,1e9,0.5,1\n");
  REQUIRE(file.curves.size() == 1);
  const auto& points = file.curves[0].points;
  REQUIRE(points.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(points[i].step == static_cast<Count>(i) + 1);
}

TEST_CASE(
    "without a column anneal, rows of a decaying schedule but the last are inside its decay") {
  const CurveFile file = read(
      "structure,width,train_flops,loss,schedule\n"
      "a,64,3e9,0.3,cosine\na,64,1e9,0.5,cosine\na,64,2e9,0.4,cosine\n"
      "b,64,1e9,0.5,constant\nb,64,2e9,0.4,constant\n");
  const auto& decaying = file.curves[0].points;
  CHECK(decaying[0].anneal == 0.5);
  CHECK(decaying[1].anneal == 0.5);
  CHECK(decaying[2].anneal == 1);
  CHECK(file.curves[1].points[1].anneal == 0);
}

TEST_CASE("rows that diverged are kept and flagged, rows without a loss are reported") {
  const CurveFile file = read(
      "structure,width,train_flops,loss,status\n"
      "a,64,1e9,0.5,ok\na,64,2e9,nan,ok\nb,64,1e9,inf,ok\nc,64,1e9,9,diverged\nc,64,2e9,,ok\n");
  REQUIRE(file.curves.size() == 3);
  CHECK(file.curves[0].points[0].status == RunStatus::ok);
  CHECK(file.curves[0].points[1].status == RunStatus::diverged);
  CHECK(std::isnan(file.curves[0].points[1].loss));
  CHECK(file.curves[1].points[0].status == RunStatus::diverged);
  CHECK(file.curves[2].points[0].status == RunStatus::diverged);
  REQUIRE(file.remarks.size() == 1);
  CHECK(file.remarks[0].starts_with("1 rows without a loss"));
}

TEST_CASE("columns of other tables can be named") {
  const CurveFile file = read("pflop,width,val\n1,64,0.5\n2,64,0.4\n",
                              {.structure = "", .train_flops = "pflop", .loss = "val"});
  REQUIRE(file.curves.size() == 1);
  CHECK(file.curves[0].structure == "all");
  CHECK(file.curves[0].points.size() == 2);
}

TEST_CASE("linear layers, or all but the head, count alone where asked for") {
  const std::string text =
      "structure,width,train_flops,loss,flops,flops_linear,flops_head,params,params_linear\n"
      "a,8,1000,3,10,4,5,60,20\na,8,2000,2,10,4,5,60,20\n";
  const auto first = [&text](const CurveColumnNames& names) {
    return read(text, names).curves[0].points[0].train_flops;
  };
  CHECK(first({}) == 1000);
  CHECK(first({.count = ComputeCount::linear}) == 400);
  CHECK(first({.count = ComputeCount::non_embedding}) == 500);
  const std::string rest = "structure,width,train_flops,loss\na,8,1000,3\n";
  CHECK_THROWS_WITH_AS(
      read(rest, {.count = ComputeCount::linear}), doctest::Contains("flops"), Error);
  CHECK_THROWS_WITH_AS(read(text, {.train_flops = "width", .count = ComputeCount::linear}),
                       doctest::Contains("--count has no effect"),
                       Error);
}

TEST_CASE("a run whose compute stays the same counts by its last row, in bytes of weights too") {
  const std::string text =
      "structure,width,step,params,train_flops,loss\na,8,1,60,10,3\na,8,2,60,20,2\n";
  for (const auto& [name, size] : {std::pair{"params", 60.0}, {"weight_bytes", 240.0}}) {
    const Curve curve = read(text, {.train_flops = name}).curves[0];
    REQUIRE(curve.points.size() == 1);
    CHECK(curve.points[0].train_flops == size);
    CHECK(curve.points[0].loss == 2);
  }
}

TEST_CASE("compute that shrinks while steps grow is remarked on") {
  const CurveFile file = read("structure,width,step,train_flops,loss\na,8,1,30,3\na,8,2,20,2\n");
  REQUIRE(file.remarks.size() == 1);
  CHECK(file.remarks[0].find("does not grow with the step") != std::string::npos);
}

TEST_CASE("rows that contradict each other or themselves are refused") {
  const std::string header = "structure,width,train_flops,loss\n";
  CHECK_THROWS_WITH_AS(read(header + "a,64,1e9,0.5\na,64,1e9,0.6\n"),
                       doctest::Contains("two losses at one compute"),
                       Error);
  CHECK_THROWS_WITH_AS(read(header + "a,64,-1,0.5\n"), doctest::Contains("bad compute"), Error);
  CHECK_THROWS_WITH_AS(read(header + "a,64.5,1,0.5\n"), doctest::Contains("whole number"), Error);
  CHECK_THROWS_WITH_AS(read(header + "a,64,1,half\n"), doctest::Contains("column loss"), Error);
  CHECK_THROWS_WITH_AS(read(header), doctest::Contains("no rows"), Error);
}
