// einsearch data text, as a user meets it: files, messages, exit status.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/run_binary.h"
#include "io/token_data.h"
#include "task/tokens.h"

using namespace einsearch;

namespace {

std::string folder(const std::string& name) {
  const std::string path = scratch_path(name);
  std::filesystem::remove_all(path);
  return path;
}

/// A stream as the text that it was made from.
std::string decoded(const std::string& path) {
  std::string text = contents(path);
  for (char& c : text) c = text_character(static_cast<unsigned char>(c));
  return text;
}

Outcome prepare(const std::string& text,
                const std::string& target,
                std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"data", "text", "-", "-o", target};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_einsearch(arguments, text);
}

std::string numbered_lines(int count, const std::string& end = "\n") {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("line {}{}", i, end);
  return text;
}

std::vector<std::string> sorted_lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

TEST_CASE("every line is in one of the streams, a hundredth of them held out") {
  const std::string target = folder("lines");
  const Outcome outcome = prepare(numbered_lines(500), target, {"--documents", "line"});
  CHECK(outcome.status == 0);
  CHECK(outcome.out.empty());
  const std::string training = decoded(target + "/train.bin"),
                    held_out = decoded(target + "/val.bin");
  CHECK(sorted_lines(held_out).size() == 5);
  CHECK(sorted_lines(training + held_out) == sorted_lines(numbered_lines(500)));
  const auto meta = nlohmann::json::parse(contents(target + "/meta.json"));
  CHECK(meta["vocab_size"] == 96);
  CHECK(meta["dtype"] == "uint8");
  CHECK(meta["val"]["documents"] == 5);
  CHECK(meta["train"]["tokens"] == training.size());
  CHECK(meta["vocabulary"].get<std::string>()[1] == ' ');
  CHECK(open_text_data(target).training.size() == static_cast<Count>(training.size()));
}

TEST_CASE("the same seed splits alike, another one differently; windows line ends change nothing") {
  const auto held_out = [](const std::string& text, const char* seed) {
    const std::string target = folder("seed");
    REQUIRE(prepare(text, target, {"--documents", "line", "--seed", seed}).status == 0);
    return decoded(target + "/val.bin");
  };
  const std::string first = held_out(numbered_lines(1000), "0");
  CHECK(held_out(numbered_lines(1000), "0") == first);
  CHECK(held_out(numbered_lines(1000), "1") != first);
  CHECK(held_out("\xEF\xBB\xBF" + numbered_lines(1000, "\r\n"), "0") == first);
  CHECK(held_out(numbered_lines(1000, "\n\n\n"), "0") == first);
}

TEST_CASE("fewer than 200 documents become paragraphs, and paragraphs keep their blank line") {
  const std::string target = folder("paragraphs");
  std::string text;
  for (int i = 0; i < 250; ++i) text += fmt::format("one {}\ntwo\n  \n\n", i);
  const Outcome outcome = prepare(text, target);
  CHECK(outcome.status == 0);
  CHECK(outcome.err.find("1 documents are fewer than 200: paragraphs") != std::string::npos);
  const std::string training = decoded(target + "/train.bin");
  CHECK(training.starts_with("one 0\ntwo\n\none "));
  CHECK(training.ends_with("two\n\n"));
  CHECK(training.find("\n\n\n") == std::string::npos);
}

TEST_CASE("with few paragraphs, too, the last hundredth of the characters is held out") {
  const std::string target = folder("tail");
  const std::string text = numbered_lines(100);
  const Outcome outcome = prepare(text, target);
  CHECK(outcome.status == 0);
  CHECK(outcome.err.find("the last characters are held out") != std::string::npos);
  const std::string held_out = decoded(target + "/val.bin");
  CHECK(held_out.size() == (text.size() + 50) / 100);
  CHECK(decoded(target + "/train.bin") + held_out == text);
}

TEST_CASE("documents with other characters are dropped, transliterated or stripped as asked") {
  const std::string text =
      numbered_lines(300) +
      "caf\xC3\xA9 \xE2\x80\x94 \xE2\x80\x9Cna\xC3\xAFve\xE2\x80\x9D\xE2\x80\xA6"
      " \xE6\x97\xA5\xFF!\n";
  const auto kept = [&text](const char* keep) {
    const std::string target = folder("keep");
    const Outcome outcome = prepare(text, target, {"--documents", "line", "--keep", keep});
    CHECK(outcome.status == 0);
    for (const std::string& line :
         sorted_lines(decoded(target + "/train.bin") + decoded(target + "/val.bin"))) {
      if (!line.starts_with("line")) return line;
    }
    return std::string("(none)");
  };
  CHECK(kept("drop") == "(none)");
  CHECK(kept("replace") == "cafe -- \"naive\"... !");
  CHECK(kept("strip") == "caf  nave !");
}

TEST_CASE("a document longer than memory holds is kept or dropped whole") {
  const std::string target = folder("long"), files = folder("long-files");
  std::filesystem::create_directories(files);
  const std::string good(3000000, 'g');
  const auto write = [&files](const std::string& name, const std::string& text) {
    std::ofstream(files + "/" + name, std::ios::binary) << text;
  };
  write("a", std::string(3000000, 'b') + "\x01");
  write("b", good);
  write("c", std::string(100, 'b') + "\x01" + std::string(3000000, 'b'));
  for (int i = 0; i < 300; ++i) write(fmt::format("d{}", i), "short");
  const Outcome outcome = run_einsearch({"data", "text", files, "-o", target});
  CHECK(outcome.status == 0);
  CHECK(outcome.err.find("dropped 2 of 303 documents") != std::string::npos);
  const std::string all = decoded(target + "/train.bin") + decoded(target + "/val.bin");
  CHECK(std::count(all.begin(), all.end(), 'b') == 0);
  CHECK(std::count(all.begin(), all.end(), 'g') == 3000000);
  CHECK(std::count(all.begin(), all.end(), '\n') == 301);
}

TEST_CASE("no admissible document is one clear line and leaves no file") {
  for (const char* text : {"", "\n  \n", "caf\xC3\xA9\nna\xC3\xAFve\n"}) {
    CAPTURE(text);
    const std::string target = folder("none");
    const Outcome outcome = prepare(text, target);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("einsearch: error: no admissible document"));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(std::filesystem::is_empty(target));
  }
}

TEST_CASE("data text refuses bad options and files in one line with status 2") {
  const std::string target = folder("bad");
  const std::vector<std::vector<std::string>> cases = {
      {"data"},
      {"data", "txt"},
      {"data", "text", "-"},
      {"data", "text", "/nonexistent", "-o", target},
      {"data", "text", "-", "-o", "/proc/nothing"},
      {"data", "text", "-", "-o", target, "--keep", "all"},
      {"data", "text", "-", "-o", target, "--documents", "page"},
      {"data", "text", "-", "-o", target, "--held-out-fraction", "2"},
      {"data", "text", "-", "-o", target, "--held-out-fraction", "nan"}};
  for (const std::vector<std::string>& arguments : cases) {
    CAPTURE(arguments.back());
    const Outcome outcome = run_einsearch(arguments, "some text\n");
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("einsearch: error: "));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
}
