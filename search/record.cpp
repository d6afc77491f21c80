#include "search/record.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/error.h"

namespace einsearch {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kDigestSize = 16;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

double number(const Json& value) { return value.is_null() ? kMissing : value.get<double>(); }

/// A point is an array: names would be most of the line.
Json to_json(const CurvePoint& p) {
  return {p.step,
          p.examples,
          number(p.train_flops),
          number(p.loss),
          number(p.loss_se),
          number(p.train_loss),
          p.anneal,
          number(p.time_s),
          to_string(p.status),
          p.epochs ? Json(*p.epochs) : Json(nullptr),
          number(p.rate),
          number(p.grad_norm),
          p.block_rms,
          p.experts ? Json{p.experts->effective, p.experts->least_load, p.experts->most_load}
                    : Json(nullptr)};
}

CurvePoint point_of(const Json& json) {
  CurvePoint p;
  p.step = json.at(0).get<Count>();
  p.examples = json.at(1).get<Count>();
  p.train_flops = number(json.at(2));
  p.loss = number(json.at(3));
  p.loss_se = number(json.at(4));
  p.train_loss = number(json.at(5));
  p.anneal = json.at(6).get<double>();
  p.time_s = number(json.at(7));
  p.status = parse_run_status(json.at(8).get<std::string>()).value_or(RunStatus::failed);
  if (!json.at(9).is_null()) p.epochs = json.at(9).get<double>();
  p.rate = number(json.at(10));
  p.grad_norm = number(json.at(11));
  for (const Json& value : json.at(12)) p.block_rms.push_back(number(value));
  if (json.size() > 13 && !json.at(13).is_null()) {
    const Json& usage = json.at(13);
    p.experts = {usage.at(0).get<double>(), usage.at(1).get<double>(), usage.at(2).get<double>()};
  }
  return p;
}

/// The text up to the next space, which is taken off `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

}  // namespace

std::string to_line(const RunRecord& record) {
  const Curve& c = record.curve;
  Json points = Json::array();
  for (const CurvePoint& point : c.points) points.push_back(to_json(point));
  Json json = {{"structure", c.structure},
               {"family", c.family},
               {"theta", c.theta},
               {"task", c.task},
               {"width", c.width},
               {"depth", c.depth},
               {"batch", c.batch},
               {"lr", number(c.lr)},
               {"schedule", c.schedule},
               {"seed_init", c.seed_init},
               {"seed_data", c.seed_data},
               {"seed_task", c.seed_task},
               {"params", c.params},
               {"flops", number(c.flops)},
               {"flops_linear", number(c.flops_linear)},
               {"flops_attention", number(c.flops_attention)},
               {"flops_head", number(c.flops_head)},
               {"flops_other", number(c.flops_other)},
               {"params_linear", c.params_linear},
               {"activation_bytes", c.activation_bytes},
               {"weight_bytes", c.weight_bytes},
               {"points", std::move(points)}};
  if (!c.reason.empty()) json["reason"] = c.reason;
  // Text from elsewhere may be no UTF-8; a record is written all the same.
  const std::string body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string rest =
      fmt::format("{} {} {} {}", c.run, record.numerics, to_string(status_of(c)), body);
  return fmt::format("{} {}\n", digest(rest), rest);
}

std::optional<RecordHead> parse_head(std::string_view line) {
  if (line.size() <= kDigestSize || line[kDigestSize] != ' ') return std::nullopt;
  std::string_view rest = line.substr(kDigestSize + 1);
  if (digest(rest) != line.substr(0, kDigestSize)) return std::nullopt;
  RecordHead head;
  head.run = take_word(rest);
  const std::string_view numerics = take_word(rest);
  const auto [stop, error] =
      std::from_chars(numerics.data(), numerics.data() + numerics.size(), head.numerics);
  const std::optional<RunStatus> status = parse_run_status(take_word(rest));
  if (error != std::errc() || !status) return std::nullopt;
  head.status = *status;
  head.body = rest;
  return head;
}

RunRecord parse_record(const RecordHead& head) try {
  const Json json = Json::parse(head.body);
  RunRecord record{.numerics = head.numerics, .curve = {}};
  Curve& c = record.curve;
  c.run = head.run;
  c.structure = json.at("structure").get<std::string>();
  c.family = json.at("family").get<std::string>();
  c.theta = json.at("theta").get<std::string>();
  c.task = json.at("task").get<std::string>();
  c.width = json.at("width").get<Count>();
  c.depth = json.at("depth").get<Count>();
  c.batch = json.at("batch").get<Count>();
  c.lr = number(json.at("lr"));
  c.schedule = json.at("schedule").get<std::string>();
  c.seed_init = json.at("seed_init").get<Count>();
  c.seed_data = json.at("seed_data").get<Count>();
  c.seed_task = json.at("seed_task").get<Count>();
  c.params = json.at("params").get<Count>();
  c.flops = number(json.at("flops"));
  c.flops_linear = number(json.at("flops_linear"));
  c.flops_attention = number(json.at("flops_attention"));
  c.flops_head = number(json.at("flops_head"));
  c.flops_other = number(json.at("flops_other"));
  c.params_linear = json.at("params_linear").get<Count>();
  c.activation_bytes = json.at("activation_bytes").get<Count>();
  c.weight_bytes = json.at("weight_bytes").get<Count>();
  for (const Json& point : json.at("points")) c.points.push_back(point_of(point));
  c.reason = json.value("reason", "");
  return record;
} catch (const Json::exception& fault) {
  throw Error("cannot read a record of the store",
              {.where = fmt::format("run {}", head.run), .got = fault.what()});
}

}  // namespace einsearch
