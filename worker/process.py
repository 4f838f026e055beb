"""What every process of ours begins with: its settings, its logs, its sign of life."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from broadcaster.alive import Pulse
from broadcaster.domain.errors import Problem
from broadcaster.logs import configure
from broadcaster.settings import Settings
from broadcaster.tracing import tracing


@dataclass(frozen=True, kw_only=True)
class Process:
    settings: Settings
    pulse: Pulse


@contextmanager
def process(name: str, *, mode: str = "") -> Iterator[Process]:
    """For as long as the process runs. What a person must mend ends it with a sentence instead of a traceback."""
    try:
        settings = Settings.load()
        configure(name, mode=mode, form=settings.log_format, level_name=settings.log_level)
        with tracing(name, settings.traces_url), Pulse(settings.root, name) as pulse:
            yield Process(settings=settings, pulse=pulse)
    except Problem as problem:
        raise SystemExit(str(problem)) from problem
