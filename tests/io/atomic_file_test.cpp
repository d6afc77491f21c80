#include "io/atomic_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/run_binary.h"
#include "base/error.h"

using namespace einsearch;
namespace fs = std::filesystem;

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a file appears whole at commit, and an older one stays until then") {
  const std::string path = scratch_path("whole");
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
    CHECK(text_of(path) == "old");
  }
  CHECK(text_of(path) == "old");  // never committed
  write_file(path, "new");
  CHECK(text_of(path) == "new");
  for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path())) {
    CHECK_FALSE(entry.path().filename().string().starts_with("whole."));
  }
}

TEST_CASE("what is not committed can be removed from a signal handler, and nothing else is") {
  const std::string open = scratch_path("open"), done = scratch_path("done");
  AtomicFile file(open);
  file.write("half");
  write_file(done, "whole");
  const auto files = [&] {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(open).parent_path())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("open") || name.starts_with("done")) ++count;
    }
    return count;
  };
  CHECK(files() == 2);
  remove_unfinished_files();
  CHECK(files() == 1);
  CHECK(text_of(done) == "whole");
}

TEST_CASE("a link keeps pointing where it did") {
  const std::string target = scratch_path("target"), link = scratch_path("link");
  write_file(target, "old");
  fs::remove(link);
  fs::create_symlink(target, link);
  write_file(link, "new");
  CHECK(fs::is_symlink(link));
  CHECK(text_of(target) == "new");
}

TEST_CASE("a pipe is written, not replaced") {
  const std::string path = scratch_path("pipe");
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  std::fstream reader(
      path, std::ios::in | std::ios::out);  // keeps the pipe open, so that the writer does not wait
  write_file(path, "line\n");
  std::string line;
  std::getline(reader, line);
  CHECK(line == "line");
  CHECK(fs::is_fifo(path));
}

TEST_CASE("a folder, an empty name and a missing folder are refused at once") {
  CHECK_THROWS_AS(AtomicFile{scratch_path("")}, Error);
  CHECK_THROWS_AS(AtomicFile{""}, Error);
  CHECK_THROWS_AS(AtomicFile{scratch_path("missing") + "/file"}, Error);
}
