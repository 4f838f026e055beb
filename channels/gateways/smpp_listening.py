"""A bound receiver: brings delivery receipts and what people write, and acknowledges what is stored, and only that."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from broadcaster.domain.errors import NotSent
from channels.gateways.smpp_pdus import DELIVER_SM, Delivered, Pdu, request, response
from channels.gateways.smpp_receipts import Ids, read
from channels.gateways.smpp_session import LineLost, Session
from channels.gateways.smpp_settings import SmppSettings
from channels.gateways.smpp_times import Times
from channels.incoming import DeliveryReceipt, Heard

#: "Permanent application error": what cannot be read now cannot be read later, and is not to come again.
UNREADABLE: Final = 0x65

Told = Callable[[Sequence[DeliveryReceipt | Heard]], None]


class Listening:
    """One bound receiver, from its bind to its end."""

    def __init__(
        self, settings: SmppSettings, times: Times, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._ids = Ids(settings.message_ids)
        self._clock = clock
        self._times = times
        self._asked_at = 0.0

    def run(self, told: Told, running: Callable[[], bool]) -> None:
        """Until `running` says no. Raises NotConfigured or NotSent, or what `told` raises: then nothing of that group is
        acknowledged, and the centre brings it again at the next bind."""
        session = Session.open(self._settings, "bind_receiver", self._times)
        try:
            while running():
                self._hear(session, told)
            session.close()
        except LineLost as exc:
            text = "The SMS centre ended the connection that brings delivery receipts. It is opened again."
            raise NotSent("connection_lost", text) from exc
        finally:
            session.drop()

    def _hear(self, session: Session, told: Told) -> None:
        brought = []
        for pdu in session.step(self._times.listen_s):
            if pdu.command == DELIVER_SM:
                brought.append(pdu)
            else:
                session.refuse(pdu)
        if brought:
            self._tell(session, brought, told)
        else:
            self._ask(session)

    def _tell(self, session: Session, brought: Sequence[Pdu], told: Told) -> None:
        news: list[DeliveryReceipt | Heard] = []
        answers: list[tuple[int, int]] = []
        for pdu in brought:
            try:
                said = read(
                    Delivered.read(pdu.body), self._ids, latin1=self._settings.latin1, now=self._clock()
                )
            except ValueError:
                answers.append((pdu.sequence, UNREADABLE))
                continue
            answers.append((pdu.sequence, 0))
            if said is not None:
                news.append(said)
        if news:
            told(news)
        for sequence, status in answers:
            session.put(0, response("deliver_sm_resp", sequence, status))
        session.flush()

    def _ask(self, session: Session) -> None:
        """A receiver hears nothing for hours; that the line is still there is found out by asking."""
        silent_s = time.monotonic() - session.heard_at
        if silent_s > self._times.ask_after_s + self._times.listen_answer_s:
            raise LineLost("no answer")
        if silent_s > self._times.ask_after_s and self._asked_at <= session.heard_at:
            self._asked_at = time.monotonic()
            sequence = session.next_sequence()
            session.put(sequence, request("enquire_link", sequence))
            session.flush()
