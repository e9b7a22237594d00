"""A wrong clock for every Python process that finds this module first; see `benchmarks.faults.clocks`."""

import datetime
import itertools
import os
import time

#: Seconds that are added to the time of day: one after the other, over and over.
OFFSETS = itertools.cycle(float(part) for part in os.environ["CLOCK_OFFSETS"].split(","))
REAL, REAL_NS = time.time, time.time_ns


def _time() -> float:
    return REAL() + next(OFFSETS)


class _Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "_Datetime":
        return cls.fromtimestamp(_time(), tz)


time.time = _time
time.time_ns = lambda: REAL_NS() + int(next(OFFSETS) * 1e9)
datetime.datetime = _Datetime  # type: ignore[misc]
