#include "search/claims.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "io/file_descriptor.h"

namespace einsearch {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kBeat(20);
constexpr std::chrono::seconds kPatience(120);  // of a writer elsewhere whose file stands still

std::string folder_of_claims(const std::string& store) { return store + "/claims"; }
std::string folder_of_writers(const std::string& store) { return store + "/writers"; }

/// Tells the running kernels of the world apart: locks of one are of no account on another.
std::string kernel_identity() {
  const FileDescriptor file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text = {};
  const ssize_t size = file.get() < 0 ? 0 : read(file.get(), text.data(), text.size());
  return std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
}

std::string claim_path(const std::string& store, const std::string& run, int generation) {
  return fmt::format("{}/{}.{}", folder_of_claims(store), run, generation);
}

std::string contents(int file) {
  std::array<char, 256> text = {};
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  return std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
}

bool is_locked_here(int file) {
  if (flock(file, LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  flock(file, LOCK_UN);
  return false;
}

}  // namespace

Claims::Claims(std::string folder, std::string name)
    : folder_(std::move(folder)), mine_(folder_of_writers(folder_) + "/" + std::move(name)) {
  std::error_code failed;
  fs::create_directories(folder_of_claims(folder_), failed);
  fs::create_directories(folder_of_writers(folder_), failed);
  const std::string identity = kernel_identity();
  lock_ = open(mine_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  are_possible_ =
      lock_ >= 0 && flock(lock_, LOCK_EX | LOCK_NB) == 0 && !identity.empty() &&
      write(lock_, identity.data(), identity.size()) == static_cast<ssize_t>(identity.size());
  beat_ = Clock::now();
}

Claims::~Claims() {
  for (const auto& [run, claim] : held_) unlink(claim.c_str());
  if (lock_ < 0) return;
  unlink(mine_.c_str());
  close(lock_);
}

Claims::Owner Claims::owner_of(const std::string& claim) {
  const FileDescriptor file(open(claim.c_str(), O_RDWR | O_CLOEXEC));
  if (file.get() < 0) return errno == ENOENT ? Owner::none : Owner::alive;
  if (contents(file.get()) == kernel_identity())
    return is_locked_here(file.get()) ? Owner::alive : Owner::dead;
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return Owner::alive;
  const std::int64_t time =
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  const auto [seen, is_new] = seen_.try_emplace(claim, Seen{time, Clock::now()});
  if (seen->second.time_ns != time) seen->second = {time, Clock::now()};
  return Clock::now() - seen->second.since < kPatience ? Owner::alive : Owner::dead;
}

bool Claims::try_claim(const std::string& run) {
  if (!are_possible_) return true;
  for (int generation = 0;;) {
    const std::string claim = claim_path(folder_, run, generation);
    if (link(mine_.c_str(), claim.c_str()) == 0) {
      held_[run] = claim;
      return true;
    }
    if (errno != EEXIST) return true;
    const Owner owner = owner_of(claim);
    if (owner == Owner::alive) return false;
    if (owner == Owner::dead) ++generation;
  }
}

void Claims::give_up(const std::string& run) {
  const auto found = held_.find(run);
  if (found == held_.end()) return;
  unlink(found->second.c_str());  // this one alone: the next claim must take its number
  held_.erase(found);
}

void Claims::finish(const std::string& run) {
  const auto found = held_.find(run);
  if (found == held_.end()) return;
  const std::string& mine = found->second;
  const int latest = std::atoi(mine.c_str() + mine.rfind('.') + 1);
  for (int generation = latest; generation >= 0; --generation)
    unlink(claim_path(folder_, run, generation).c_str());
  held_.erase(found);
}

void Claims::beat() {
  if (lock_ < 0 || Clock::now() - beat_ < kBeat) return;
  beat_ = Clock::now();
  futimens(lock_, nullptr);
}

ClaimSummary summarise_claims(const std::string& folder) {
  ClaimSummary summary;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder_of_claims(folder), failed)) {
    std::string name = entry.path().filename().string();
    summary.runs.push_back(name.substr(0, name.rfind('.')));
  }
  std::sort(summary.runs.begin(), summary.runs.end());
  summary.runs.erase(std::unique(summary.runs.begin(), summary.runs.end()), summary.runs.end());
  for (const auto& entry : fs::directory_iterator(folder_of_writers(folder), failed)) {
    const FileDescriptor file(open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
    if (file.get() >= 0 && is_locked_here(file.get())) ++summary.living_writers;
  }
  return summary;
}

}  // namespace einsearch
