"""The moment at which a process kills or stops itself, and how it comes to know that the moment is there."""

import http.client
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOOK_EVERY_S = 0.001


@dataclass(kw_only=True)
class Fate:
    """`point`, when a batch for `channel` comes to it for the `group`-th time; `how` is kill or stop.

    At after_first_byte the platform is ordered to have `fault` from this group on, and `arrived` requests are there by
    then; or all `files` before this one of the website are in their places. At before_bell, `bell` is what is about to be rung: ring or plan. `note` is a file in which the
    process leaves a line just before its end.
    """

    point: str
    channel: str
    note: str
    how: str = "kill"
    group: int = 1
    delay_s: float = 0.0
    sandbox: str = ""
    fault: dict[str, Any] = field(default_factory=dict)
    arrived: int = 1
    files: int = 2
    bell: str = ""
    _mine: bool = False  # the batch at hand is one of this channel
    _times: Counter[str] = field(default_factory=Counter)
    _met: bool = False
    _old_claim: bool = False

    def claimed(self, channel: str) -> None:
        self._mine, self._old_claim = channel == self.channel, False
        self.at("after_claim")

    @property
    def groups(self) -> int:
        """How many intents for the channel are committed."""
        return self._times["after_intent"]

    def rung(self, bell: str) -> None:
        if self.point == "before_bell" and bell == self.bell:
            self._meet()

    def at(self, point: str) -> None:
        """Something was reached; it is the end where it is the point."""
        if self._comes_to(point):
            self._meet()

    def begins(self, posts: int) -> None:
        """So many posts are about to be handed to a platform."""
        self.at("before_byte")
        if self._old_claim:  # it slept, and posts all the same
            self._write(called=posts)
        if self._comes_to("after_first_byte"):
            self._watch()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Around a call that hands over one post and waits for the answer."""
        self.begins(1)
        try:
            yield
        finally:
            self.at("after_answer")

    def _comes_to(self, point: str) -> bool:
        if not self._mine:
            return False
        self._times[point] += 1
        often = 1 if point == "after_claim" else self.group
        return point == self.point and not self._met and self._times[point] == often

    def _meet(self) -> None:
        self._met = True
        time.sleep(self.delay_s)
        self._write(point=self.point)
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.05)  # by now it stands still; what follows happens after SIGCONT
        self._old_claim = True
        self._write(woken=True)

    def _watch(self) -> None:
        if self.channel == "website":
            renamed = [0]

            def hook(name: str, _arguments: tuple[Any, ...]) -> None:
                if name == "os.rename" and not self._met:
                    renamed[0] += 1
                    if renamed[0] == self.files:
                        self._meet()

            sys.addaudithook(hook)  # the interpreter's own: nothing of the channel is replaced
        else:
            self._ask("POST", json.dumps(self.fault))
            threading.Thread(target=self._wait_for_arrival, daemon=True).start()

    def _wait_for_arrival(self) -> None:
        """The platform's standing faults say how many calls they have met: so many requests are there, whole."""
        while True:
            if (
                sum(fault["fired"] for fault in self._ask("GET") if fault["kind"] == self.fault["kind"])
                >= self.arrived
            ):
                self._meet()
            time.sleep(LOOK_EVERY_S)

    def _ask(self, method: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.sandbox).netloc, timeout=5)
        try:
            connection.request(method, "/_sandbox/faults", body)
            return json.load(connection.getresponse())
        finally:
            connection.close()

    def _write(self, **words: object) -> None:
        with Path(self.note).open("a") as file:
            file.write(json.dumps({"at": time.time(), **words}) + "\n")
            file.flush()
            os.fsync(file.fileno())
