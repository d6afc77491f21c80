#include "train/schedule.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace einsearch;

TEST_CASE("schedules warm up to the full rate and decay to nothing at their end") {
  for (const ScheduleKind kind :
       {ScheduleKind::constant, ScheduleKind::linear, ScheduleKind::cosine, ScheduleKind::wsd}) {
    const Schedule schedule{.kind = kind, .warmup = 10, .steps = 100};
    CAPTURE(to_string(kind));
    CHECK(schedule.rate_share(0) == doctest::Approx(0.1));
    CHECK(schedule.rate_share(9) == 1);
    CHECK(schedule.rate_share(10) == 1);
    CHECK(schedule.anneal(10) == 0);
    const bool decays = kind != ScheduleKind::constant;
    CHECK(schedule.anneal(100) == (decays ? 1 : 0));
    CHECK(schedule.rate_share(99) < (decays ? 0.06 : 1.1));
    for (Count update = 10; update < 99; ++update)
      CHECK(schedule.rate_share(update + 1) <= schedule.rate_share(update));
  }
}

TEST_CASE("wsd is constant until its last fifth") {
  const Schedule schedule{.kind = ScheduleKind::wsd, .warmup = 0, .steps = 100};
  CHECK(schedule.rate_share(80) == 1);
  CHECK(schedule.anneal(80) == 0);
  CHECK(schedule.rate_share(90) == doctest::Approx(0.5));
}

TEST_CASE("an unknown schedule is refused with a suggestion") {
  CHECK(parse_schedule("cosine") == ScheduleKind::cosine);
  CHECK_THROWS_WITH_AS(parse_schedule("cosin"), doctest::Contains("did you mean cosine?"), Error);
}
