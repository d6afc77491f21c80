#include "log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string_view>

namespace einsearch {
namespace {

/// Prints "warning: " for warnings and nothing for plain messages.
class SeverityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message,
              const std::tm&,
              spdlog::memory_buf_t& out) override {
    constexpr std::string_view kWarning = "warning: ";
    if (message.level >= spdlog::level::warn)
      out.append(kWarning.data(), kWarning.data() + kWarning.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<SeverityFlag>();
  }
};

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

/// spdlog 1.10 does not know NO_COLOR, so the choice is made here.
spdlog::color_mode color_mode(ColorChoice color) {
  if (color == ColorChoice::always) return spdlog::color_mode::always;
  if (color == ColorChoice::never) return spdlog::color_mode::never;
  if (is_set("FORCE_COLOR")) return spdlog::color_mode::always;
  const char* terminal = std::getenv("TERM");
  const bool is_dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  const bool is_wanted = !is_set("NO_COLOR") && !is_dumb && isatty(STDERR_FILENO) == 1;
  return is_wanted ? spdlog::color_mode::always : spdlog::color_mode::never;
}

}  // namespace

void set_up_log(ColorChoice color) {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(color_mode(color));
  auto logger = std::make_shared<spdlog::logger>("einsearch", sink);
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<SeverityFlag>('*').set_pattern("einsearch: %^%*%$%v");
  logger->set_formatter(std::move(formatter));
  spdlog::set_default_logger(logger);
}

void log_info(const std::string& message) { spdlog::info("{}", message); }
void log_warning(const std::string& message) { spdlog::warn("{}", message); }

}  // namespace einsearch
