"""A broadcast of texts: each row runs the product, and beside it in the same run what the product cannot be faster than."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import DATABASES, MANY, ONE, USUAL_S, Alone, Asked, Cell
from tests.bench.house import database, house, released, send
from tests.bench.peers import at_once, in_step, stub
from tests.installation import AUDIENCE

SETTLE_S = 2.0  # workers have started when their parts are built
CONNECTIONS = 64  # to the stub alone
CLIENTS = ("product", "aiohttp")


def measure(asked: Asked) -> Iterator[Alone | Cell]:
    for gateway in (ONE, MANY):
        asked.tell(f"the stub gateway alone, {gateway}")
        yield Alone(who="stub", gateway=gateway, rate=stub_alone(asked.recipients, many=gateway == MANY))
    for client in CLIENTS:
        asked.tell(f"the client alone: {client}")
        rate = client_alone(USUAL_S, recipients=asked.recipients, workers=1, in_flight=50, client=client)
        yield Alone(who=client, gateway=ONE, rate=rate)
    for kind in asked.databases:
        for latency_s in asked.latencies_s:
            yield cell(asked, kind, latency_s)
        yield cell(asked, kind, USUAL_S, many=True)


def cell(asked: Asked, kind: str, latency_s: float, *, many: bool = False) -> Cell:
    gateway, size = MANY if many else ONE, asked.recipients
    asked.tell(f"{size:,} texts, {DATABASES[kind]}, {gateway}, {latency_s * 1000:.0f} ms")
    how = {"recipients": size, "workers": asked.workers, "in_flight": asked.in_flight, "many": many}
    client, records = client_alone(latency_s, **how), database_alone(kind, **how)
    with (
        stub(latency_s) as peer,
        house(kind, peer, workers=asked.workers, max_in_flight=asked.in_flight, many=many) as found,
    ):
        found.import_numbers(size)
        time.sleep(SETTLE_S)
        sent = send(found, size, audience=AUDIENCE)
        check_counts(peer.counts(), size)
    return Cell(
        database=kind,
        gateway=gateway,
        latency_s=latency_s,
        recipients=size,
        workers=asked.workers,
        in_flight=asked.in_flight,
        client=client,
        records=records,
        sent=sent,
    )


def check_counts(counts: dict[str, int], recipients: int) -> None:
    """A rate over texts of which one was lost or sent twice would be no rate."""
    assert (counts["recipients"], counts["twice"]) == (recipients, 0), counts


def stub_alone(recipients: int, *, many: bool) -> float:
    with stub(0) as peer:
        words = [peer.url, str(recipients), str(CONNECTIONS), "many" if many else "one"]
        return float(at_once("tests.bench.stub_alone", *words, processes=1)[0])


def client_alone(
    latency_s: float, *, recipients: int, workers: int, in_flight: int, many: bool = False, client: str = ""
) -> float:
    """All processes together. `client` is `aiohttp` for the one that was measured against ours."""
    each = recipients // workers
    with stub(latency_s) as peer:
        words = [peer.url, str(each), str(in_flight), client or ("many" if many else "product")]
        return sum(float(told) for told in at_once("tests.bench.client_alone", *words, processes=workers))


def database_alone(kind: str, *, recipients: int, workers: int, in_flight: int, many: bool = False) -> float:
    """The product's own code, planning and all, with a gateway that takes everything at once. The slowest process counts."""
    with (
        stub(0) as peer,
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        database(kind, Path(name)) as url,
        released(
            Path(name) / "data", url, peer, recipients, max_in_flight=in_flight, many=many
        ) as environment,
    ):
        told = in_step("tests.bench.database_alone", ["plan", *["send"] * workers], environment)
    done, took_s = zip(*(each.split() for each in told), strict=True)
    assert sum(map(int, done)) == recipients, told
    return recipients / max(map(float, took_s))
