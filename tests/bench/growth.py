"""How long a broadcast takes as it grows, and as workers are added. Each in an installation of its own, on an empty database."""

import time
from collections.abc import Iterator

from tests.bench.figures import DATABASES, USUAL_S, Asked, Run
from tests.bench.house import house, send
from tests.bench.peers import stub
from tests.bench.texts import SETTLE_S, check_counts
from tests.installation import AUDIENCE

SIZES = (0.01, 0.1, 1, 10)  # of what was asked for
BY_SIZE = 2  # workers
WORKERS = (1, 4)  # two is among the sizes


def measure(asked: Asked) -> Iterator[Run]:
    for kind in asked.databases:
        for share in SIZES:
            yield run(asked, kind, recipients=max(1, round(asked.recipients * share)), workers=BY_SIZE)
        for workers in WORKERS:
            yield run(asked, kind, recipients=asked.recipients, workers=workers)


def run(asked: Asked, kind: str, *, recipients: int, workers: int) -> Run:
    asked.tell(f"{recipients:,} texts, {DATABASES[kind]}, workers: {workers}")
    with (
        stub(USUAL_S) as gateway,
        house(kind, gateway, workers=workers, max_in_flight=asked.in_flight) as found,
    ):
        found.import_numbers(recipients)
        time.sleep(SETTLE_S)
        sent = send(found, recipients, audience=AUDIENCE)
        check_counts(gateway.counts(), recipients)
    return Run(database=kind, workers=workers, sent=sent)
