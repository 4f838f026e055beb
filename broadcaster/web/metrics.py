"""`/metrics` for Prometheus: the figures as they are now, for whoever has the token.

Without a token in the settings there is no such address. It is not left open to this machine alone: a proxy beside us
makes every caller look like this machine. What is told holds no person, no number and no message, but which accounts
there are and how many outcomes are in doubt, which is nobody's business outside.
"""

import hmac
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from broadcaster.bootstrap import Parts
from broadcaster.domain.figures import CATALOGUE, Figure

router = APIRouter()

#: Two Prometheus servers, a dashboard and a person cost the database one look.
FRESH_S = 3.0


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """200 also where the database is away, which is one of the figures; 401 without the token; 404 where none is set."""
    parts: Parts = request.app.state.parts
    token = parts.settings.metrics_token
    if not token:
        return Response("Not found\n", 404, media_type="text/plain")
    if not _may(request.headers.get("authorization", ""), token):
        return Response("The token is missing or wrong.\n", 401, {"WWW-Authenticate": "Bearer"}, "text/plain")
    return Response(
        exposed(request.app.state.figures()), headers={"Cache-Control": "no-store"}, media_type=TYPE
    )


TYPE = CONTENT_TYPE_LATEST


def _may(given: str, token: str) -> bool:
    scheme, _, sent = given.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.encode())


class Fresh:
    """Looks at most every few seconds, whoever asks; those who ask meanwhile wait for the look at hand."""

    def __init__(
        self,
        look: Callable[[], Sequence[Figure]],
        *,
        fresh_s: float = FRESH_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._fresh_s = fresh_s
        self._clock = clock
        self._lock = threading.Lock()
        self._found: Sequence[Figure] = ()
        self._until = float("-inf")

    def __call__(self) -> Sequence[Figure]:
        with self._lock:
            if self._clock() >= self._until:
                self._found = self._look()
                self._until = self._clock() + self._fresh_s
            return self._found


@dataclass(frozen=True, eq=False)  # a registry keeps collectors by who they are
class _Told(Collector):
    figures: Sequence[Figure]

    def collect(self) -> Iterator[Metric]:
        for name, about in CATALOGUE.items():
            if name.endswith("_total"):
                family: Metric = CounterMetricFamily(name, about.text, labels=about.labels)
            else:
                family = GaugeMetricFamily(name, about.text, labels=about.labels)
            for each in self.figures:
                if each.name == name:
                    family.add_metric([each.labels[label] for label in about.labels], each.value)  # type: ignore[attr-defined]  # both have it, their base has not
            yield family


def exposed(figures: Sequence[Figure]) -> bytes:
    """In Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(figures))
    return generate_latest(registry)
