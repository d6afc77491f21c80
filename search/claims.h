// Who is at work on which run; see search/store.h for the protocol.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace einsearch {

class Claims {
 public:
  /// Announces the writer `name`. Where the file system cannot hold claims, every claim succeeds.
  Claims(std::string folder, std::string name);
  ~Claims();
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;

  /// False while another living writer holds the run. Not thread-safe.
  bool try_claim(const std::string& run);

  /// Lets another writer have a run that is not done.
  void give_up(const std::string& run);

  /// Removes all claims of a run whose record is safe.
  void finish(const std::string& run);

  /// Tells writers on other machines that this one lives; call every few seconds.
  void beat();

 private:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    std::int64_t time_ns = 0;  ///< the file's own time
    Clock::time_point since;   ///< when this process first saw it so
  };

  enum class Owner { none, alive, dead };
  Owner owner_of(const std::string& claim);

  std::string folder_, mine_;
  int lock_ = -1;
  bool are_possible_ = false;
  std::map<std::string, std::string> held_;  // run -> claim
  std::map<std::string, Seen> seen_;         // claims of writers on other machines
  Clock::time_point beat_ = {};
};

/// Runs that living or dead writers have claimed in the store at `folder`, sorted, and how many
/// writers on this machine live.
struct ClaimSummary {
  std::vector<std::string> runs;
  int living_writers = 0;
};
ClaimSummary summarise_claims(const std::string& folder);

}  // namespace einsearch
