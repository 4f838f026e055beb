"""Writes into the audit log as fast as it is told to, in several threads: `python -m tests.faults.audit_writers URL THREADS SECONDS RATE AUDIT`.

Each transaction makes a change (a receipt that came twice, which changes nothing) and, with AUDIT 1, records PER_CHANGE events of it.
Prints how many transactions were committed, and the seconds that each took.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from broadcaster.db import audit_log
from broadcaster.db.engine import Database
from broadcaster.db.tables import leader

PER_CHANGE = (
    25  # events: a group of outcomes leaves one, a person's act up to three; a burst is worse than both
)


def write(database: Database, name: str, *, ends: float, rate: float, audit: bool) -> list[float]:
    """`rate` is transactions per second."""
    took, due = [], time.monotonic()
    while time.monotonic() < ends:
        began = time.monotonic()
        with database.write() as tx:
            tx.add_missing(leader, {"role": name, "owner": name, "lease_until": tx.now()})
            for number in range(PER_CHANGE if audit else 0):
                audit_log.append(tx, actor=name, act="tested", subject="7F3K2M", payload={"number": number})
        took.append(time.monotonic() - began)
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))
    return took


def main(url: str, threads: int, seconds: float, rate: float, *, audit: bool) -> list[float]:
    database = Database(url)
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(threads) as pool:
        runs = [
            pool.submit(write, database, f"writer {n}", ends=ends, rate=rate, audit=audit)
            for n in range(threads)
        ]
        return [each for run in runs for each in run.result()]


if __name__ == "__main__":
    address, threads, seconds, rate, audit = sys.argv[1:]
    sys.stdout.write(json.dumps(main(address, int(threads), float(seconds), float(rate), audit=audit == "1")))
