"""Figures as a run would give them, for the tests of what is made of figures."""

from tests.bench.figures import MANY, ONE, Alone, Cell, Found, Posts, Run, Sealed, Sent, Verified
from tests.bench.page import Machine

MACHINE = Machine(day="2026-11-30", cores=2, system="Linux", python="3.11.7", took_s=3_300)


def sent(recipients=100_000, **changes):
    values = {
        "approved_s": 0.3,
        "planned_s": 2.0,
        "sent_s": recipients / 13_000,
        "sealed_s": 9.0,
        "memory_mb": 180,
    }
    return Sent(recipients=recipients, **{**values, **changes})


def cell(**changes):
    values = {
        "database": "postgres", "gateway": ONE, "latency_s": 0.005, "recipients": 100_000, "workers": 2,
        "in_flight": 500, "client": 20_000.0, "records": 16_000.0, "sent": sent(),
    }  # fmt: skip
    return Cell(**{**values, **changes})


def run(recipients=100_000, *, database="postgres", workers=2, **changes):
    return Run(database=database, workers=workers, sent=sent(recipients, **changes))


def posts(**changes):
    values = {
        "database": "sqlite",
        "beside": 100_000,
        "within": 39,
        "first_s": [0.2] * 40,
        "last_s": [0.5] * 40,
    }
    return Posts(**{**values, **changes})


def sealed(**changes):
    return Sealed(**{"database": "postgres", "events": 200_000, "seconds": 20.0, "memory_mb": 110, **changes})


def verified(**changes):
    values = {"database": "sqlite", "events": 1_000_000, "file_mb": 310, "export_s": 25.0, "export_mb": 120}
    return Verified(**{**values, "seconds": 12.0, "memory_mb": 30, **changes})


def whole():
    stubs = [Alone(who="stub", gateway=gateway, rate=50_000.0) for gateway in (ONE, MANY)]
    many = cell(gateway=MANY, client=90_000.0, records=80_000.0, sent=sent(sent_s=2.0))
    runs = [
        run(size, database=database, workers=workers)
        for database in ("postgres", "sqlite")
        for size, workers in ((10_000, 2), (100_000, 2), (1_000_000, 2), (100_000, 1), (100_000, 4))
    ]
    return Found(
        rows=[
            *stubs,
            cell(),
            cell(latency_s=0.2),
            many,
            *runs,
            posts(beside=0),
            posts(),
            sealed(),
            verified(),
        ]
    )
