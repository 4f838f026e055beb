"""Makes changes that are recorded in the audit log: `python -m tests.faults.audit_writers URL THREADS SECONDS RATE EVENTS`.

Each thread makes RATE changes a second, each in a transaction of its own with EVENTS events of it: the first as the product writes
it, the rest in one statement. Prints the seconds that each took, but for each thread's first one, in which a connection is opened.
"""

import json
import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from broadcaster.db import audit_log
from broadcaster.db.engine import Database
from broadcaster.db.many import insert_many
from broadcaster.db.tables import audit_event, notice_template

STATEMENTS = 6  # of a change beside its event: what recording a group of outcomes takes at least


def change(database: Database, name: str, *, events: int) -> None:
    with database.write() as tx:
        for _ in range(STATEMENTS):
            said = {"name": secrets.token_hex(16), "version": 1, "sha256": secrets.token_hex(32)}
            tx.insert(notice_template, {**said, "content": "{}", "created_at": tx.now()})
        if events:
            audit_log.append(tx, actor=name, act="tested", subject="7F3K2M", payload={"number": 0})
        if events > 1:
            same = {"at": tx.now(), "actor": name, "act": "tested", "subject": "7F3K2M"}
            rest = [(f'{{"number":{n}}}',) for n in range(1, events)]
            insert_many(tx, audit_event, ("payload",), rest, same)


def write(database: Database, name: str, *, ends: float, rate: float, events: int) -> list[float]:
    change(database, name, events=events)
    took, due = [], time.monotonic()
    while time.monotonic() < ends:
        began = time.monotonic()
        change(database, name, events=events)
        took.append(time.monotonic() - began)
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))
    return took


def main(url: str, threads: int, seconds: float, rate: float, events: int) -> list[float]:
    database = Database(url)
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(threads) as pool:
        runs = [
            pool.submit(write, database, f"writer {n}", ends=ends, rate=rate, events=events)
            for n in range(threads)
        ]
        return [each for run in runs for each in run.result()]


if __name__ == "__main__":
    address, threads, seconds, rate, events = sys.argv[1:]
    sys.stdout.write(json.dumps(main(address, int(threads), float(seconds), float(rate), int(events))))
