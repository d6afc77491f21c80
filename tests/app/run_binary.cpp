#include "app/run_binary.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace einsearch {
namespace {

/// A folder for the files of one test process.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "einsearch-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

[[noreturn]] void become(const std::vector<std::string>& command,
                         const std::string& in,
                         const std::string& out,
                         const std::string& err) {
  // Descriptors, not streams: the parent's unwritten text must stay unwritten here.
  constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;
  const bool is_redirected = dup2(open(in.c_str(), O_RDONLY), STDIN_FILENO) >= 0 &&
                             dup2(open(out.c_str(), kWrite, 0600), STDOUT_FILENO) >= 0 &&
                             dup2(open(err.c_str(), kWrite, 0600), STDERR_FILENO) >= 0;
  if (!is_redirected) _exit(126);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  setenv("EINSEARCH", EINSEARCH_BINARY, 1);
  execvp(argv[0], argv.data());
  _exit(127);
}

Outcome run(const std::vector<std::string>& command, const std::string& input) {
  const std::string in = scratch_path("stdin");
  const std::string out = scratch_path("stdout");
  const std::string err = scratch_path("stderr");
  std::ofstream(in, std::ios::binary) << input;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) become(command, in, out, err);
  int state = 0;
  REQUIRE(waitpid(child, &state, 0) == child);
  Outcome outcome{contents(out), contents(err)};
  outcome.status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  return outcome;
}

}  // namespace

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void check_refused(const Outcome& outcome, const std::string& message) {
  CAPTURE(outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.out.empty());
  CHECK(count_lines(outcome.err) == 1);
  CHECK(outcome.err.starts_with("einsearch: error: "));
  CHECK(outcome.err.find(message) != std::string::npos);
}

Outcome run_einsearch(const std::vector<std::string>& arguments, const std::string& input) {
  std::vector<std::string> command = {EINSEARCH_BINARY};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command, input);
}

Outcome run_shell(const std::string& line, const std::string& input) {
  return run({"sh", "-c", line}, input);
}

std::string scratch_path(const std::string& name) {
  static const ScratchFolder folder;
  return (folder.path() / name).string();
}

}  // namespace einsearch
