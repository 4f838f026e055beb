"""A request that a program sends twice, because it did not hear the answer, is done once and answered twice alike.

As draft-ietf-httpapi-idempotency-key-header-07 has it (read 2026-11). What was refused has changed nothing, so its key is
free again. What broke off in the middle may have been done: its key stays taken, since doing it once more blindly is
exactly what the key is for to prevent.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from broadcaster.db import requests_once
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.errors import Invalid, Stale, Unavailable

KEPT_FOR = timedelta(hours=24)


class KeyAtWork(Stale):
    """The first request with this Idempotency-Key has no answer yet: it is at work still, or it broke off. Wait a moment and
    send it again. If this stays so, look at the messages to see whether it was done, before you use another key."""


class KeyReused(Invalid):
    """This Idempotency-Key was used for another request. Nothing was done. Use a new key for each new request."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """`answer` is the JSON that was sent, `location` where what was made is."""

    status: int
    location: str
    answer: str


class RequestsOnce:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, actor: Person, key: str, request: str) -> Answered | None:
        """None where it is to be done now; what was answered, where it was done before. KeyAtWork or KeyReused otherwise."""
        digest, wanted = _digest(key), _digest(request)
        with self._database.write() as tx:
            if requests_once.take(tx, person_id=actor.id, key_sha256=digest, request_sha256=wanted):
                return None
            before = requests_once.find(tx, actor.id, digest)
        assert before
        if before.request_sha256 != wanted:
            raise KeyReused(_said_by(KeyReused))
        if before.status is None:
            raise KeyAtWork(_said_by(KeyAtWork))
        return Answered(status=before.status, location=before.location, answer=before.answer)

    def done(self, actor: Person, key: str, answered: Answered) -> None:
        """It was done. Where that can not be written down, the key stays taken."""
        with suppress(Unavailable), self._database.write() as tx:
            requests_once.answer(
                tx,
                actor.id,
                _digest(key),
                status=answered.status,
                location=answered.location,
                answer=answered.answer,
            )

    def refused(self, actor: Person, key: str) -> None:
        """Nothing was changed: the key may be used again."""
        with suppress(Unavailable), self._database.write() as tx:
            requests_once.release(tx, actor.id, _digest(key))

    def wipe_old(self) -> bool:
        with self._database.write() as tx:
            return requests_once.wipe(tx, tx.now() - KEPT_FOR) > 0


def _said_by(kind: type[Exception]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
