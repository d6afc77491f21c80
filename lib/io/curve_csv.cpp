#include "io/curve_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "io/columns.h"
#include "io/csv.h"

namespace einsearch {
namespace {

constexpr double kInsideDecay = 0.5;  // anneal of rows whose place in the decay is unknown

using Column = std::optional<std::size_t>;

/// Where the columns of one file stand.
struct CurveLayout {
  std::size_t train_flops, loss;
  double x_factor = 1;       // of the column train_flops
  Column whole, part, less;  // ... times part / whole, or (whole - less) / whole
  std::vector<std::size_t> structure;
  Column width, run, family, theta, task, depth, batch, lr, schedule, anneal;
  Column seed_init, seed_data, seed_task, status, step, examples, params, flops;
  Column loss_se, train_loss, time_s, epochs, rate, grad_norm, block_rms;
  Column flops_linear, flops_attention, flops_head, flops_other;
  Column params_linear, activation_bytes, weight_bytes;
  Column experts_effective, expert_load_min, expert_load_max;
};

/// The column of compute and what it has to be multiplied with.
void find_compute(const CsvReader& csv, const CurveColumnNames& names, CurveLayout& layout) {
  const std::string& name = names.train_flops;
  constexpr double kBytesPerWeight = 4;
  if (name == "weight_bytes" && !csv.find(name)) {
    layout.train_flops = csv.require("params");
    layout.x_factor = kBytesPerWeight;
  } else {
    layout.train_flops = csv.require(name);
  }
  if (names.count == ComputeCount::total) return;
  const bool is_linear = names.count == ComputeCount::linear;
  if (name == "params" && is_linear) {
    layout.train_flops = csv.require("params_linear");
  } else if (name == "train_flops" || name == "flops") {
    layout.whole = csv.require("flops");
    (is_linear ? layout.part : layout.less) =
        csv.require(is_linear ? "flops_linear" : "flops_head");
  } else {
    throw Error(
        "--count has no effect",
        {.where = "--x " + name,
         .expected = is_linear ? "--x train_flops, flops or params" : "--x train_flops or flops",
         .got = is_linear ? "--count linear" : "--count non-embedding"});
  }
}

CurveLayout find_columns(const CsvReader& csv, const CurveColumnNames& names) {
  CurveLayout layout;
  const CurveColumnNames usual;
  const auto find_named = [&csv](const std::string& name, const std::string& usual_name) {
    return name == usual_name ? csv.find(name) : Column(csv.require(name));
  };
  for (const std::string& name : split_names(names.structure)) {
    if (const Column column = find_named(name, usual.structure))
      layout.structure.push_back(*column);
  }
  layout.width = find_named(names.width, usual.width);
  if (!layout.width) layout.width = csv.find("params");
  find_compute(csv, names, layout);
  layout.loss = csv.require(names.loss);
  layout.run = find_named(names.run, usual.run);
  layout.family = csv.find("family");
  layout.theta = csv.find("theta");
  layout.task = csv.find("task");
  layout.depth = csv.find("depth");
  layout.batch = csv.find("batch");
  layout.lr = csv.find("lr");
  layout.schedule = csv.find("schedule");
  layout.anneal = csv.find("anneal");
  layout.seed_init = csv.find("seed_init");
  if (!layout.seed_init) layout.seed_init = csv.find("seed");
  layout.seed_data = csv.find("seed_data");
  layout.seed_task = csv.find("seed_task");
  layout.status = csv.find("status");
  layout.step = csv.find("step");
  layout.examples = csv.find("examples");
  layout.params = csv.find("params");
  layout.flops = csv.find("flops");
  layout.loss_se = csv.find("loss_se");
  layout.train_loss = csv.find("train_loss");
  layout.time_s = csv.find("time_s");
  layout.epochs = csv.find("epochs");
  layout.rate = csv.find("rate");
  layout.grad_norm = csv.find("grad_norm");
  layout.block_rms = csv.find("block_rms");
  layout.flops_linear = csv.find("flops_linear");
  layout.flops_attention = csv.find("flops_attention");
  layout.flops_head = csv.find("flops_head");
  layout.flops_other = csv.find("flops_other");
  layout.params_linear = csv.find("params_linear");
  layout.activation_bytes = csv.find("activation_bytes");
  layout.weight_bytes = csv.find("weight_bytes");
  layout.experts_effective = csv.find("experts_effective");
  layout.expert_load_min = csv.find("expert_load_min");
  layout.expert_load_max = csv.find("expert_load_max");
  return layout;
}

constexpr char kBetween = '|';  // values of one field

std::string text_of(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) {
    if (!text.empty()) text += kBetween;
    text += fmt::format("{}", value);
  }
  return text;
}

/// What text_of() wrote; nothing for any other text.
std::vector<double> numbers_of(std::string_view text) {
  std::vector<double> values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(kBetween), text.size());
    double value = 0;
    const auto [rest, fault] = std::from_chars(text.data(), text.data() + end, value);
    if (fault != std::errc() || rest != text.data() + end) return {};
    values.push_back(value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return values;
}

class CurveCollector {
 public:
  explicit CurveCollector(const CurveColumnNames& names) : names_(names) {}

  void read(const std::string& path);
  CurveFile finish();

 private:
  static std::string text(const CsvReader& csv, Column column) {
    return column ? std::string(csv.field(*column)) : std::string();
  }
  static double number(const CsvReader& csv, Column column) {
    return column && !csv.is_empty(*column) ? csv.number(*column) : kMissing;
  }
  static Count count(const CsvReader& csv, Column column) {
    return column && !csv.is_empty(*column) ? csv.count(*column) : 0;
  }

  static std::string structure_name(const CsvReader& csv, const CurveLayout& layout);
  void make_key(const CsvReader& csv, const CurveLayout& layout);
  static std::string describe_run(const CsvReader& csv, const CurveLayout& layout);
  Curve& curve_of_row(const CsvReader& csv, const CurveLayout& layout);
  CurvePoint point_of_row(const CsvReader& csv,
                          const CurveLayout& layout,
                          const std::string& schedule);

  CurveColumnNames names_;
  std::vector<Curve> curves_;
  std::vector<bool> has_anneal_;  // per curve: the file says where its decay stands
  std::unordered_map<std::string, std::size_t> index_;
  std::string key_, last_key_;
  std::size_t last_index_ = 0;
  Count rows_without_loss_ = 0;
};

std::string CurveCollector::structure_name(const CsvReader& csv, const CurveLayout& layout) {
  std::string name;
  for (const std::size_t column : layout.structure) {
    if (!name.empty()) name += '/';
    name += csv.field(column);
  }
  return name;
}

/// Identity of the run that the current row belongs to.
void CurveCollector::make_key(const CsvReader& csv, const CurveLayout& layout) {
  key_.clear();
  const auto add = [this, &csv](const Column& column) {
    if (column) key_ += csv.field(*column);
    key_ += '/';
  };
  for (const std::size_t column : layout.structure) add(column);
  add(layout.width);
  if (layout.run && !csv.is_empty(*layout.run)) {
    add(layout.run);
    return;
  }
  for (const Column column : {layout.depth, layout.batch, layout.lr, layout.schedule}) add(column);
  for (const Column column : {layout.seed_init, layout.seed_data, layout.seed_task}) add(column);
}

/// The part of the model's FLOPs that counts.
double counted_share(const CsvReader& csv, const CurveLayout& layout) {
  if (!layout.whole) return 1;
  const double whole = csv.number(*layout.whole);
  const double counted = layout.part ? csv.number(*layout.part) : whole - csv.number(*layout.less);
  const double share = counted / whole;
  if (share > 0 && share <= 1) return share;
  throw Error("bad part of flops",
              {.where = csv.where(),
               .expected = "above 0, at most the column flops",
               .got = fmt::format("{} of {}", counted, whole)});
}

/// A name for a run that has none: "btt width=64 seed_init=1".
std::string CurveCollector::describe_run(const CsvReader& csv, const CurveLayout& layout) {
  std::string name = structure_name(csv, layout);
  const std::array<std::pair<const char*, Column>, 8> parts = {{{"width", layout.width},
                                                                {"depth", layout.depth},
                                                                {"batch", layout.batch},
                                                                {"lr", layout.lr},
                                                                {"schedule", layout.schedule},
                                                                {"seed_init", layout.seed_init},
                                                                {"seed_data", layout.seed_data},
                                                                {"seed_task", layout.seed_task}}};
  for (const auto& [label, column] : parts) {
    if (!column || csv.is_empty(*column)) continue;
    name += fmt::format("{}{}={}", name.empty() ? "" : " ", label, csv.field(*column));
  }
  return name;
}

Curve& CurveCollector::curve_of_row(const CsvReader& csv, const CurveLayout& layout) {
  make_key(csv, layout);
  if (!curves_.empty() && key_ == last_key_) return curves_[last_index_];
  const auto [place, is_new] = index_.try_emplace(key_, curves_.size());
  last_key_ = key_;
  last_index_ = place->second;
  if (!is_new) return curves_[last_index_];

  Curve curve;
  curve.run =
      layout.run && !csv.is_empty(*layout.run) ? text(csv, layout.run) : describe_run(csv, layout);
  curve.structure = layout.structure.empty() ? "all" : structure_name(csv, layout);
  curve.family = text(csv, layout.family);
  curve.theta = text(csv, layout.theta);
  curve.task = text(csv, layout.task);
  curve.width = count(csv, layout.width);
  curve.depth = count(csv, layout.depth);
  curve.batch = count(csv, layout.batch);
  curve.lr = number(csv, layout.lr);
  curve.schedule = text(csv, layout.schedule);
  curve.seed_init = count(csv, layout.seed_init);
  curve.seed_data = count(csv, layout.seed_data);
  curve.seed_task = count(csv, layout.seed_task);
  curve.params = count(csv, layout.params);
  curve.flops = number(csv, layout.flops);
  curve.flops_linear = number(csv, layout.flops_linear);
  curve.flops_attention = number(csv, layout.flops_attention);
  curve.flops_head = number(csv, layout.flops_head);
  curve.flops_other = number(csv, layout.flops_other);
  curve.params_linear = count(csv, layout.params_linear);
  curve.activation_bytes = count(csv, layout.activation_bytes);
  curve.weight_bytes = count(csv, layout.weight_bytes);
  curves_.push_back(std::move(curve));
  has_anneal_.push_back(layout.anneal && !csv.is_empty(*layout.anneal));
  return curves_.back();
}

CurvePoint CurveCollector::point_of_row(const CsvReader& csv,
                                        const CurveLayout& layout,
                                        const std::string& schedule) {
  CurvePoint point;
  point.step = count(csv, layout.step);
  point.examples = count(csv, layout.examples);
  point.train_flops = csv.number(layout.train_flops);
  if (!std::isfinite(point.train_flops) || point.train_flops < 0) {
    throw Error("bad compute",
                {.where = csv.where() + ", column " + names_.train_flops,
                 .expected = "a finite number, 0 or more",
                 .got = std::string(csv.field(layout.train_flops))});
  }
  point.train_flops *= layout.x_factor * counted_share(csv, layout);
  point.loss = csv.number(layout.loss);
  point.loss_se = number(csv, layout.loss_se);
  point.train_loss = number(csv, layout.train_loss);
  point.time_s = number(csv, layout.time_s);
  if (layout.epochs && !csv.is_empty(*layout.epochs)) point.epochs = csv.number(*layout.epochs);
  point.rate = number(csv, layout.rate);
  point.grad_norm = number(csv, layout.grad_norm);
  if (layout.block_rms) point.block_rms = numbers_of(csv.field(*layout.block_rms));
  const ExpertUsage experts{number(csv, layout.experts_effective),
                            number(csv, layout.expert_load_min),
                            number(csv, layout.expert_load_max)};
  if (!std::isnan(experts.effective)) point.experts = experts;
  const double anneal = number(csv, layout.anneal);
  point.anneal = std::isnan(anneal) ? (is_decaying(schedule) ? kInsideDecay : 0) : anneal;
  if (point.anneal < 0 || point.anneal > 1) {
    throw Error("bad anneal",
                {.where = csv.where() + ", column anneal",
                 .expected = "a number from 0 to 1",
                 .got = std::string(csv.field(*layout.anneal))});
  }
  const bool is_marked = layout.status && csv.field(*layout.status) == "diverged";
  if (is_marked || !std::isfinite(point.loss)) point.status = RunStatus::diverged;
  return point;
}

void CurveCollector::read(const std::string& path) {
  CsvReader csv(path);
  const CurveLayout layout = find_columns(csv, names_);
  const RowFilter filter(names_.where, csv);
  while (csv.next()) {
    if (!filter.passes(csv)) continue;
    if (csv.is_empty(layout.loss)) {
      ++rows_without_loss_;
      continue;
    }
    Curve& curve = curve_of_row(csv, layout);
    curve.points.push_back(point_of_row(csv, layout, curve.schedule));
  }
}

/// Points in order of compute, rows given twice once.
void put_in_order(Curve& curve) {
  const auto order = [](const CurvePoint& a, const CurvePoint& b) {
    return std::tie(a.train_flops, a.step, a.loss) < std::tie(b.train_flops, b.step, b.loss);
  };
  // A nan loss has no place in a strict order, but the keys before it are all finite.
  const auto order_of_keys = [&order](const CurvePoint& a, const CurvePoint& b) {
    if (a.train_flops == b.train_flops && a.step == b.step) {
      if (std::isnan(a.loss) || std::isnan(b.loss))
        return !std::isnan(a.loss) && std::isnan(b.loss);
    }
    return order(a, b);
  };
  std::stable_sort(curve.points.begin(), curve.points.end(), order_of_keys);
  const auto is_same = [](const CurvePoint& a, const CurvePoint& b) {
    const bool is_same_loss = a.loss == b.loss || (std::isnan(a.loss) && std::isnan(b.loss));
    return a.step == b.step && a.train_flops == b.train_flops && is_same_loss;
  };
  curve.points.erase(std::unique(curve.points.begin(), curve.points.end(), is_same),
                     curve.points.end());
  for (std::size_t i = 1; i < curve.points.size(); ++i) {
    const CurvePoint& before = curve.points[i - 1];
    if (curve.points[i].train_flops == before.train_flops && curve.points[i].step == before.step) {
      throw Error("two losses at one compute",
                  {.where = "run " + curve.run,
                   .expected = "one row per step",
                   .got = fmt::format("{} and {} at {:.6g} FLOPs",
                                      before.loss,
                                      curve.points[i].loss,
                                      curve.points[i].train_flops),
                   .hint = "tell runs apart by a column run or seed_init"});
    }
  }
}

/// The last row of a run whose compute does not change along it.
void keep_final(Curve& curve) {
  std::vector<CurvePoint>& points = curve.points;
  const bool is_constant = points.size() > 1 && points.front().train_flops > 0 &&
                           points.front().train_flops == points.back().train_flops;
  if (!is_constant) return;
  const bool has_diverged = std::any_of(points.begin(), points.end(), [](const CurvePoint& point) {
    return point.status == RunStatus::diverged;
  });
  points.erase(points.begin(), points.end() - 1);
  if (has_diverged) points.front().status = RunStatus::diverged;
}

CurveFile CurveCollector::finish() {
  if (curves_.empty()) throw Error("no rows", {.expected = "rows with a loss", .got = "none"});
  for (std::size_t i = 0; i < curves_.size(); ++i) {
    put_in_order(curves_[i]);
    if (!has_anneal_[i] && is_decaying(curves_[i].schedule)) curves_[i].points.back().anneal = 1;
    keep_final(curves_[i]);
  }
  std::sort(curves_.begin(), curves_.end(), [](const Curve& a, const Curve& b) {
    return std::tie(a.structure, a.width, a.run) < std::tie(b.structure, b.width, b.run);
  });
  CurveFile file{.curves = std::move(curves_), .remarks = {}};
  if (rows_without_loss_ > 0) {
    file.remarks.push_back(fmt::format("{} rows without a loss passed over", rows_without_loss_));
  }
  const auto is_disordered = [](const Curve& curve) {
    return !std::is_sorted(curve.points.begin(),
                           curve.points.end(),
                           [](const auto& a, const auto& b) { return a.step < b.step; });
  };
  const auto disordered = std::count_if(file.curves.begin(), file.curves.end(), is_disordered);
  if (disordered > 0) {
    file.remarks.push_back(
        fmt::format("in {} of {} runs compute does not grow with the step; their points are taken "
                    "in order of compute",
                    disordered,
                    file.curves.size()));
  }
  const auto repeats = [](const Curve& curve) {
    return curve.points.back().epochs.value_or(0) > 1;
  };
  const auto repeated = std::count_if(file.curves.begin(), file.curves.end(), repeats);
  if (repeated > 0) {
    file.remarks.push_back(
        fmt::format("{} of {} runs see their training set more than once: the loss that is fitted "
                    "is the held-out one",
                    repeated,
                    file.curves.size()));
  }
  return file;
}

}  // namespace

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> names;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    names.push_back(text.substr(start, comma - start));
    start = comma + 1;
  }
  return names;
}

bool is_decaying(const std::string& schedule) {
  return !schedule.empty() && schedule != "constant" && schedule != "const";
}

CurveFile read_curves(const std::vector<std::string>& paths, const CurveColumnNames& names) {
  CurveCollector collector(names);
  for (const std::string& path : paths) collector.read(path);
  return collector.finish();
}

std::vector<std::string> curve_csv_columns(TimeColumns times) {
  std::vector<std::string> names = column_names(curve_columns());
  if (times == TimeColumns::left_out) std::erase(names, "time_s");
  return names;
}

void write_curve_row(TableWriter& table,
                     const Curve& curve,
                     const CurvePoint& point,
                     TimeColumns times) {
  table.cell(curve.run).cell(curve.structure).cell(curve.family).cell(curve.theta);
  table.cell(curve.task).cell(curve.width).cell(curve.depth);
  table.count_or_missing(curve.batch);
  table.number_or_missing(curve.lr);
  table.cell(curve.schedule).cell(point.anneal);
  table.cell(curve.seed_init).cell(curve.seed_data).cell(curve.seed_task);
  table.cell(to_string(point.status)).cell(point.step).cell(point.examples);
  table.count_or_missing(curve.params);
  table.number_or_missing(curve.flops);
  table.cell(point.train_flops);
  point.status == RunStatus::failed ? table.missing() : table.cell(point.loss);
  table.number_or_missing(point.loss_se);
  table.number_or_missing(point.train_loss);
  if (times == TimeColumns::written) table.number_or_missing(point.time_s);
  point.epochs ? table.cell(*point.epochs) : table.missing();
  table.number_or_missing(point.rate);
  table.number_or_missing(point.grad_norm);
  point.block_rms.empty() ? table.missing() : table.cell(point.block_rms.back());
  table.cell(text_of(point.block_rms));
  for (const double flops :
       {curve.flops_linear, curve.flops_attention, curve.flops_head, curve.flops_other})
    table.number_or_missing(flops);
  for (const Count size : {curve.params_linear, curve.activation_bytes, curve.weight_bytes})
    table.count_or_missing(size);
  const ExpertUsage experts = point.experts.value_or(ExpertUsage{kMissing, kMissing, kMissing});
  for (const double number : {experts.effective, experts.least_load, experts.most_load})
    table.number_or_missing(number);
  curve.reason.empty() ? table.missing() : table.cell(curve.reason);
  table.end_row();
}

void write_curve_rows(TableWriter& table, const Curve& curve, TimeColumns times) {
  for (const CurvePoint& point : curve.points) write_curve_row(table, curve, point, times);
}

}  // namespace einsearch
