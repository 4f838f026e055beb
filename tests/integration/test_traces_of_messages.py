"""Who writes, submits, approves and stops a message leaves spans of one trace, with nothing of the message in them."""

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from broadcaster.tracing import span_id, to, trace_id
from broadcaster.tracing_otlp import Otlp

DATABASES = ("sqlite",)


def test_from_the_first_draft_to_the_stop_it_is_one_trace(world):
    exporter = InMemorySpanExporter()
    with to(Otlp("web", exporter)):
        submitted = world.submit(headline="Flood at the canary wharf")
        world.approve(submitted)
        world.stop(submitted.ref)
    spans = exporter.get_finished_spans()
    assert {each.context.trace_id for each in spans} == {trace_id(submitted.ref)}
    assert {"compose", "submit", "release", "bell", "approve", "stop"} <= {each.name for each in spans}
    first = next(each for each in spans if each.name == "compose")
    approve = next(each for each in spans if each.name == "approve")
    assert (first.parent, approve.parent.span_id) == (None, first.context.span_id)
    assert {each.parent.span_id for each in spans if each.name in {"release", "bell", "stop"}} == {
        span_id("approve", submitted.ref)
    }
    bell = next(each for each in spans if each.name == "bell")
    assert approve.start_time <= bell.start_time <= bell.end_time <= approve.end_time
    everything = "".join(each.to_json() for each in spans)
    assert [word for word in ("canary", "olive", "anna", "Fleetwood") if word in everything] == []
