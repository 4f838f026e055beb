"""What is measured: each row runs the product, and beside it in the same run what the product cannot be faster than."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.house import Sent, database, house, released, send
from tests.bench.peers import at_once, stub
from tests.installation import AUDIENCE

SETTLE_S = 2.0  # workers have started when their parts are built


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One measurement: recipients per second of the product, of its client alone and of its database work alone."""

    database: str
    gateway: str
    latency_s: float
    recipients: int
    workers: int
    in_flight: int
    client: float
    records: float
    sent: Sent

    @property
    def ratio(self) -> float:
        """Of the smaller of the two that it is made of."""
        return self.sent.rate / min(self.client, self.records)


def cell(
    kind: str, *, latency_s: float, recipients: int, workers: int, in_flight: int, many: bool = False
) -> Cell:
    client = client_alone(latency_s, recipients=recipients, workers=workers, in_flight=in_flight, many=many)
    records = database_alone(kind, recipients=recipients, workers=workers, in_flight=in_flight, many=many)
    with (
        stub(latency_s) as gateway,
        house(kind, gateway, workers=workers, max_in_flight=in_flight, many=many) as found,
    ):
        found.import_numbers(recipients)
        time.sleep(SETTLE_S)
        sent = send(found, recipients, audience=AUDIENCE)
        counts = gateway.counts()
        assert (counts["recipients"], counts["twice"]) == (recipients, 0), counts
    return Cell(
        database=kind,
        gateway="many recipients a request" if many else "one recipient a request",
        latency_s=latency_s,
        recipients=recipients,
        workers=workers,
        in_flight=in_flight,
        client=client,
        records=records,
        sent=sent,
    )


def client_alone(
    latency_s: float, *, recipients: int, workers: int, in_flight: int, many: bool = False, client: str = ""
) -> float:
    """All processes together. `client` is `aiohttp` for the one that was measured against ours."""
    each = recipients // workers
    with stub(latency_s) as gateway:
        words = [gateway.url, str(each), str(in_flight), client or ("many" if many else "product")]
        return sum(float(told) for told in at_once("tests.bench.client_alone", *words, processes=workers))


def database_alone(kind: str, *, recipients: int, workers: int, in_flight: int, many: bool = False) -> float:
    """The product's own code from the claim on, with a gateway that takes everything at once. The slowest process counts."""
    with (
        stub(0) as gateway,
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        database(kind, Path(name)) as url,
        released(
            Path(name) / "data", url, gateway, recipients, max_in_flight=in_flight, many=many
        ) as environment,
    ):
        told = at_once("tests.bench.database_alone", processes=workers, environment=environment)
    done, took_s = zip(*(each.split() for each in told), strict=True)
    assert sum(map(int, done)) == recipients, told
    return recipients / max(map(float, took_s))
