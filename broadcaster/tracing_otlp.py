"""OpenTelemetry behind `broadcaster.tracing`, imported only where traces are wanted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from broadcaster.tracing import Value

#: A command that ends waits so long for a collector that is away, and no worker ever does.
GIVE_UP_S = 2.0
SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class _Ids(RandomIdGenerator):
    """Random ones, but for the span at hand whose ids others know beforehand."""

    given: ContextVar[tuple[int, int]] = ContextVar("given", default=(0, 0))

    def generate_trace_id(self) -> int:
        return self.given.get()[0] or super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self.given.get()[1] or super().generate_span_id()


class Otlp:
    """A provider of its own, and not OpenTelemetry's global one: no library finds it, so none adds spans or headers."""

    def __init__(self, process: str, exporter: SpanExporter) -> None:
        ours = {"service.name": "crisis-broadcaster", "broadcaster.process": process}
        self._provider = TracerProvider(
            resource=Resource.create(ours), id_generator=_Ids(), shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, schedule_delay_millis=1000, export_timeout_millis=GIVE_UP_S * 1000)
        )
        self._tracer = self._provider.get_tracer("broadcaster")

    @contextmanager
    def span(
        self, name: str, *, trace: int, parent: int, own: int, began: int, attributes: Mapping[str, Value]
    ) -> Iterator[None]:
        token = _Ids.given.set((trace, own))
        try:
            made = self._tracer.start_span(
                name, context=_context(trace, parent), attributes=dict(attributes), start_time=began or None
            )
        finally:
            _Ids.given.reset(token)
        with _current(made):
            yield

    def close(self) -> None:
        """Sends what is left, or gives up after a moment."""
        self._provider.shutdown()


def exporter(url: str) -> SpanExporter:
    """Further headers, such as a collector's token, are taken from OTEL_EXPORTER_OTLP_HEADERS."""
    return OTLPSpanExporter(endpoint=url, timeout=GIVE_UP_S)


@contextmanager
def _current(made: trace.Span) -> Iterator[None]:
    """Of an error its kind alone is told: its words may hold what was to be sent."""
    with trace.use_span(made, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            made.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _context(trace_id: int, parent: int) -> Context:
    """The step in hand where it is one of the same message, otherwise the parent that another process has made."""
    if trace.get_current_span().get_span_context().trace_id == trace_id:
        return trace.set_span_in_context(trace.get_current_span())
    if not parent:
        return Context()
    return trace.set_span_in_context(
        NonRecordingSpan(SpanContext(trace_id, parent, is_remote=True, trace_flags=SAMPLED)), Context()
    )
