"""One post on its way to single recipients: each text a submit_sm for each of its segments, inside the centre's window.

A text is begun and then finished: its segments follow each other, and one that the centre was too busy for is sent again
while there is time, since a text of which a part has left can neither be called sent nor unsent.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from broadcaster.domain.errors import NotSent, SendError
from channels.base import Parcel, Receipt
from channels.gateways import smpp_outcomes as outcomes
from channels.gateways.smpp_lines import Lines
from channels.gateways.smpp_pdus import GENERIC_NACK, RESPONSE, SUBMIT_SM, Pdu
from channels.gateways.smpp_session import LineLost, Session
from channels.gateways.smpp_times import Times

#: How long nothing but listening is done at most.
_LOOK_S: Final = 0.5
#: How late lateness may be noticed.
_LATENESS_S: Final = 0.05

#: Builds the submit_sm of segment `no` to a parcel, under this sequence number.
Build = Callable[[Parcel, int, int], bytes]
Outcome = Receipt | SendError


@dataclass(slots=True, eq=False)
class _Text:
    parcel: Parcel
    put_at: float
    total: int
    to_write: deque[int]
    waiting: int = 0  # segments without an answer
    #: an id, or why not, by segment
    answers: dict[int, str | SendError] = field(default_factory=dict)

    @property
    def is_taken_in_part(self) -> bool:
        return any(isinstance(each, str) for each in self.answers.values())

    def missing(self) -> list[int] | None:
        """The segments to send again, or None where one was refused for good or has an unknown outcome."""
        rest = [no for no in range(1, self.total + 1) if not isinstance(self.answers.get(no), str)]
        passing = all(isinstance(self.answers.get(no, outcomes.HELD), NotSent) for no in rest)
        return rest if passing and self.is_taken_in_part else None

    def outcome(self) -> Outcome:
        return outcomes.of_text([self.answers.get(no, outcomes.HELD) for no in range(1, self.total + 1)])


class SmppSending:
    """Used by one thread. `build` makes PDUs, `segments` is how many each text has, `id_of` reads a message id."""

    def __init__(
        self,
        *,
        lines: Lines,
        segments: int,
        build: Build,
        id_of: Callable[[str], str],
        times: Times,
    ) -> None:
        self._lines = lines
        self._total, self._build, self._id_of = segments, build, id_of
        self._times = times
        self._session: Session | None = None
        self._queue: deque[_Text] = deque()  # not begun
        self._begun: dict[_Text, None] = {}
        self._asked: dict[
            int, tuple[_Text, int, float]
        ] = {}  # by sequence: text, segment, when; oldest first
        self._done: list[tuple[str, Outcome]] = []
        self._look_at = 0.0
        self._is_owed = False  # whether an answer may still come that nobody waits for

    def put(self, parcels: Sequence[Parcel]) -> None:
        now = time.monotonic()
        self._queue.extend(
            _Text(parcel, now, self._total, deque(range(1, self._total + 1))) for parcel in parcels
        )
        if self._session is not None:
            self._write(now)

    def take(self, within_s: float) -> list[tuple[str, Outcome]]:
        until = time.monotonic() + within_s
        while not self._done and (self._queue or self._begun):
            self._advance(until)
            if time.monotonic() >= until:
                break
        done, self._done = self._done, []
        return done

    def leave(self) -> None:
        """Back to the others where the connection owes nothing; answers that come too late would be nobody's."""
        session, self._session = self._session, None
        if session is None:
            return
        if self._asked or self._is_owed or not session.is_idle:
            session.close()
        else:
            self._lines.give_back(session)

    def _advance(self, until: float) -> None:
        try:
            session = self._session or self._lines.take()
        except SendError as error:
            self._give_up(error)
            return
        self._session = session
        self._write(time.monotonic())
        try:
            for pdu in session.step(self._patience(session, until)):
                self._hear(session, pdu)
        except LineLost:
            self._lose(session)
            return
        now = time.monotonic()
        self._end_what_is_late(now)
        self._write(now)

    def _patience(self, session: Session, until: float) -> float:
        """How long nothing need be done but listen."""
        now = time.monotonic()
        ends = [until - now, _LOOK_S]
        if self._asked:
            ends.append(next(iter(self._asked.values()))[2] + self._times.answer_s - now)
        if self._queue:
            ends.append(self._queue[0].put_at + self._times.begin_s - now)
        if self._queue or any(text.to_write for text in self._begun):
            ends.append(session.window.wait_s(now) or _LOOK_S)
        return max(0.0, min(ends))

    def _write(self, now: float) -> None:
        session = self._session
        assert session is not None
        while session.window.has_room(len(self._asked), now) and (text := self._next(now)):
            if text not in self._begun:
                self._begun[self._queue.popleft()] = None
            no, sequence = text.to_write.popleft(), session.next_sequence()
            session.put(sequence, self._build(text.parcel, no, sequence))
            text.waiting += 1
            self._asked[sequence] = (text, no, now)
        session.flush()

    def _next(self, now: float) -> _Text | None:
        """The text that a segment is to be written of: what is begun comes first."""
        begun = next((text for text in self._begun if text.to_write), None)
        if begun or not self._queue:
            return begun
        return self._queue[0] if now - self._queue[0].put_at < self._times.begin_s else None

    def _hear(self, session: Session, pdu: Pdu) -> None:
        if pdu.command not in {SUBMIT_SM | RESPONSE, GENERIC_NACK} or pdu.sequence not in self._asked:
            session.refuse(pdu)
            return
        text, no, _ = self._asked.pop(pdu.sequence)
        text.waiting -= 1
        if pdu.status == outcomes.OK and pdu.command != GENERIC_NACK:
            session.window.took_one()
            text.answers[no] = self._id_of(pdu.message_id) if pdu.message_id else ""
        else:
            if pdu.status in outcomes.THROTTLES:
                session.window.throttled(time.monotonic())
            text.answers[no] = outcomes.of_submit(pdu.status) if pdu.status else outcomes.unanswered()
            text.to_write.clear()
        self._settle(text)

    def _settle(self, text: _Text) -> None:
        """Ends a text whose segments are all answered, or sends again those that the centre was too busy for."""
        if text.waiting or text.to_write:
            return
        again = text.missing()
        if again and time.monotonic() - text.put_at < self._times.finish_s:
            for no in again:
                text.answers.pop(no, None)
            text.to_write.extend(again)
            return
        self._end(text, text.outcome())

    def _end(self, text: _Text, outcome: Outcome) -> None:
        self._begun.pop(text, None)
        self._done.append((text.parcel.key, outcome))

    def _end_what_is_late(self, now: float) -> None:
        if now < self._look_at:
            return
        self._look_at = now + _LATENESS_S
        while self._queue and now - self._queue[0].put_at >= self._times.begin_s:
            self._done.append((self._queue.popleft().parcel.key, outcomes.not_begun()))
        for text in list(self._unanswered(now)):
            self._forget(text)
            self._end(text, outcomes.unanswered())
        for text in [
            text for text in self._begun if now - text.put_at >= self._times.finish_s and text.to_write
        ]:
            text.to_write.clear()
            self._settle(text)

    def _unanswered(self, now: float) -> Iterator[_Text]:
        late: dict[_Text, None] = {}
        for text, _, asked_at in self._asked.values():
            if now - asked_at >= self._times.answer_s or now - text.put_at >= self._times.over_s:
                late[text] = None
        return iter(late)

    def _forget(self, text: _Text) -> None:
        """Its answers, should they come, are nobody's. The connection is not used again after this sending."""
        for sequence in [number for number, (asked, _, _) in self._asked.items() if asked is text]:
            del self._asked[sequence]
        self._is_owed = True

    def _lose(self, session: Session) -> None:
        """The line is over: what may have left is unknown, all else was not sent."""
        for sequence, (text, no, _) in self._asked.items():
            text.waiting -= 1
            begun = session.is_begun(sequence)
            text.answers[no] = outcomes.broken_off() if begun else _lost()
        self._asked.clear()
        for text in list(self._begun):
            self._end(text, text.outcome())
        session.drop()
        self._session = None
        self._give_up(_lost())

    def _give_up(self, error: SendError) -> None:
        """On all that has not begun."""
        while self._queue:
            self._done.append((self._queue.popleft().parcel.key, error))


def _lost() -> NotSent:
    return NotSent("connection_lost", "The connection broke before the text had left. It is tried again.")


class RefusedSending:
    """Of a post that cannot be sent to anybody, and why."""

    def __init__(self, error: SendError) -> None:
        self._error = error
        self._done: list[tuple[str, Outcome]] = []

    def put(self, parcels: Sequence[Parcel]) -> None:
        self._done += [(parcel.key, self._error) for parcel in parcels]

    def take(self, within_s: float) -> list[tuple[str, Outcome]]:  # noqa: ARG002 - nothing is waited for
        done, self._done = self._done, []
        return done
