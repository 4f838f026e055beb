"""How soon a message stands on the website, on Facebook and on X: while nothing else happens, and while texts go out.

The installation is the one of the texts: processes, broker and settings as `broadcaster up` starts them, the stand-ins for
Facebook and X over real HTTP, the stub as the texts' gateway. The moments are those of our record, which come after the
platform's answer: from before the approval is called for to the recording of what was accepted.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import requests
from sqlalchemy import select

from broadcaster.db.tables import attempt, broadcast, delivery, message, target
from broadcaster.domain.delivery import Outcome
from tests.bench.figures import DATABASES, USUAL_S, Asked, Posts
from tests.bench.house import house, nothing_open, planned
from tests.bench.peers import stub
from tests.bench.texts import SETTLE_S
from tests.installation import Installation, wait_for

MESSAGES = 40
CHANNELS = ("website", "facebook", "x")
WITH_LATENCY = ("facebook", "x")  # the website is a folder of ours
X_WINDOW = 10_000  # posts; X has 100 in 15 minutes, which is not what is measured
TEMPLATE = "severe-weather"


def measure(asked: Asked) -> Iterator[Posts]:
    for kind in asked.databases:
        with (
            stub(USUAL_S) as gateway,
            house(kind, gateway, workers=asked.workers, max_in_flight=asked.in_flight) as found,
        ):
            asked.tell(f"{MESSAGES} public messages, {DATABASES[kind]}")
            _prepare(found, asked.recipients)
            yield _row(kind, 0, [(*message_took(found), False) for _ in range(MESSAGES)])
            asked.tell(f"{MESSAGES} public messages beside {asked.recipients:,} texts, {DATABASES[kind]}")
            yield _row(kind, asked.recipients, list(beside_texts(found)))


def _prepare(found: Installation, recipients: int) -> None:
    found.import_numbers(recipients)
    sandbox = f"{found.sandbox}/_sandbox/settings"
    requests.post(sandbox, json={"x_posts_per_window": X_WINDOW}, timeout=10).raise_for_status()
    for platform in WITH_LATENCY:
        found.fault(platform=platform, kind="delay", seconds=USUAL_S)
    time.sleep(SETTLE_S)


def beside_texts(found: Installation) -> Iterator[tuple[float, float, bool]]:
    """One message after the other, each begun while texts go out, and whether they still did at its end: a broadcast of texts
    that has ended is followed by another."""
    for _ in range(MESSAGES):
        if not texts_go_out(found):
            found.approve(found.submit(template=TEMPLATE, channels=("sms",)))
        yield *message_took(found), texts_go_out(found)


def message_took(found: Installation) -> tuple[float, float]:
    """Seconds to the first accepted post of a message, and to its last."""
    submitted = found.submit(template=TEMPLATE, channels=CHANNELS)
    began = datetime.now(UTC)
    ref = found.approve(submitted)
    wait_for(lambda: len(_accepted(found, ref)) == len(CHANNELS))
    seconds = [(moment - began).total_seconds() for moment in _accepted(found, ref)]
    return min(seconds), max(seconds)


def texts_go_out(found: Installation) -> bool:
    return not (planned(found) and nothing_open(found))


def _accepted(found: Installation, ref: str) -> list[datetime]:
    """By way of the targets: an index leads from these to their deliveries."""
    query = (
        select(attempt.c.ended_at)
        .join(delivery, delivery.c.id == attempt.c.delivery_id)
        .join(target, target.c.id == delivery.c.target_id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
        .where(message.c.ref == ref, attempt.c.outcome == Outcome.ACCEPTED)
    )
    with found.parts.database.read() as tx:
        return list(tx.execute(query).scalars())


def _row(kind: str, beside: int, took: list[tuple[float, float, bool]]) -> Posts:
    first_s, last_s, within = zip(*took, strict=True)
    return Posts(database=kind, beside=beside, within=sum(within), first_s=first_s, last_s=last_s)
