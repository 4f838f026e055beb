"""`python -m tests.faults.skewed SECONDS MODULE ARGUMENTS`: runs a module of the product, or Celery, with a clock that is
so far ahead (or behind) of everybody else's. The product knows nothing of it.

Only what Python reads of the wall clock is moved, and not its monotonic clock: those are two in a real machine too. SQLite's
own clock is one for all processes of a machine, so it stays; PostgreSQL's is the server's.
"""

import datetime as dt
import runpy
import sys
import time


def move_clock(ahead_s: float) -> None:
    """For this process, from now on. Before anything else is imported that keeps a reference."""
    true_time, true_time_ns, true_datetime = time.time, time.time_ns, dt.datetime
    ahead = dt.timedelta(seconds=ahead_s)

    class LikeTheTrue(type(true_datetime)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, true_datetime)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, true_datetime)

    class MovedDatetime(true_datetime, metaclass=LikeTheTrue):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return true_datetime.now(tz) + ahead

        @classmethod
        def utcnow(cls) -> dt.datetime:
            return true_datetime.now(dt.UTC).replace(tzinfo=None) + ahead

    time.time = lambda: true_time() + ahead_s
    time.time_ns = lambda: true_time_ns() + int(ahead_s * 1e9)
    dt.datetime = MovedDatetime  # type: ignore[misc]


def main() -> None:
    ahead_s, module = float(sys.argv[1]), sys.argv[2]
    sys.argv = sys.argv[2:]
    move_clock(ahead_s)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
