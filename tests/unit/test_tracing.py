"""Traces: one for each message, whoever takes part; no text, number or name in them; nothing at all while they are off."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from broadcaster.domain.errors import OutcomeUnknown
from broadcaster.tracing import now, span, span_id, to, trace_id, traced, tracing
from broadcaster.tracing_otlp import Otlp

REF = "7F3K2M"


@contextmanager
def a_process(name="worker"):
    """What it told, once it has ended."""
    spans = []
    exporter = InMemorySpanExporter()
    with to(Otlp(name, exporter)):
        yield spans
    spans += exporter.get_finished_spans()


@dataclass(frozen=True)
class Made:
    ref: str


class Desk:
    @traced("compose")
    def draft(self):
        return Made(REF)

    @traced("approve")
    def approve(self, ref):
        with span("bell", ref):
            return Made(ref)

    @traced("submit")
    def refuse(self):
        raise ValueError("no")


def parent_of(each):
    return each.parent.span_id if each.parent else 0


def test_processes_that_know_nothing_of_each_other_make_one_trace():
    with a_process("web") as at_the_desk:
        Desk().draft()
        Desk().approve(REF)
    with (
        a_process() as at_work,
        span("claim", REF, lane="public"),
        span("group", batch=7, size=3),
        span("record"),
    ):
        pass
    every = {each.name: each for each in (*at_the_desk, *at_work)}
    assert {each.context.trace_id for each in every.values()} == {trace_id(REF)}
    above = {
        name: next((n for n, other in every.items() if other.context.span_id == parent_of(each)), "")
        for name, each in every.items()
    }
    assert above == {
        "compose": "",
        "approve": "compose",
        "bell": "approve",
        "claim": "approve",
        "group": "claim",
        "record": "group",
    }
    assert every["approve"].context.span_id == span_id("approve", REF)
    assert dict(every["group"].attributes) == {
        "broadcaster.ref": REF,
        "broadcaster.batch": 7,
        "broadcaster.size": 3,
    }
    assert every["claim"].resource.attributes["broadcaster.process"] == "worker"


def test_messages_have_traces_of_their_own_in_one_thread_too():
    with a_process() as spans, span("claim", REF), span("group", "AAAAAA"):
        pass
    inner, outer = spans
    assert inner.context.trace_id == trace_id("AAAAAA") != outer.context.trace_id
    assert parent_of(inner) == span_id("approve", "AAAAAA")


def test_a_step_that_began_before_it_was_known_keeps_its_beginning():
    with a_process() as spans:
        began = now()
        time.sleep(0.01)
        with span("claim", REF, began=began):
            pass
    assert spans[0].end_time - spans[0].start_time >= 10_000_000
    assert now() == 0


def test_of_an_error_its_kind_alone_is_told():
    with a_process() as spans, pytest.raises(OutcomeUnknown), span("platform call", REF, channel="sms"):
        raise OutcomeUnknown("t", detail="+447700900123 Flood in Fleetwood")
    (found,) = spans
    assert (found.status.is_ok, found.status.description) == (False, "OutcomeUnknown")
    assert not found.events
    assert "Flood" not in found.to_json()


def test_what_is_refused_or_of_no_message_is_no_step():
    with a_process() as spans:
        with pytest.raises(ValueError):
            Desk().refuse()
        with span("claim", REF):
            pass
        for ref in ("", "Flood in Fleetwood", "7f3k2m", "+4477009"):
            with span("claim", ref):
                pass
    assert [each.name for each in spans] == ["claim"]  # and no message is in hand after it


def test_off_nothing_is_loaded_and_on_without_the_extra_says_what_to_do():
    code = """
import sys
import broadcaster.service.approve, broadcaster.service.compose, worker.process
from broadcaster.tracing import span, tracing
with tracing("p", ""), span("claim", "7F3K2M"): pass
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
sys.modules["opentelemetry"] = None
with tracing("p", "http://127.0.0.1:4318/v1/traces"): pass
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert "broadcaster.domain.errors.Invalid: BROADCASTER_TRACES_URL is set" in done.stderr
    assert "pip install 'crisis-broadcaster[tracing]'" in done.stderr


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    server = HTTPServer(("127.0.0.1", 0), Collector)
    server.taken = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_go_to_a_collector_and_no_header_of_ours_to_a_platform(collector):
    url = f"http://127.0.0.1:{collector.server_port}"
    with tracing("worker", f"{url}/v1/traces"), span("platform call", REF, channel="facebook"):
        requests.post(f"{url}/feed", data={"message": "x"}, timeout=5)
    (platform,) = [headers for path, headers, _ in collector.taken if path == "/feed"]
    assert {name.lower() for name in platform} & {"traceparent", "tracestate", "baggage", "b3"} == set()
    (body,) = [body for path, _, body in collector.taken if path == "/v1/traces"]
    told = ExportTraceServiceRequest.FromString(body).resource_spans[0]
    found = told.scope_spans[0].spans[0]
    assert (found.name, int.from_bytes(found.trace_id)) == ("platform call", trace_id(REF))


def test_a_collector_that_is_away_keeps_nobody_waiting_for_long():
    began = time.monotonic()
    with tracing("command line", "http://127.0.0.1:1/v1/traces"), span("stop", REF):
        pass
    assert time.monotonic() - began < 10  # not a measure of speed: without an end it would be for ever
