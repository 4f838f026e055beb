"""Password hashes: Argon2id, few at once, and the same time for whoever has no password."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from broadcaster.domain.errors import TryLater
from broadcaster.domain.passwords import normal

AT_ONCE = 2  # each takes 64 MB and a tenth of a second (argon2-cffi 25.1, RFC 9106's second choice; 2026-11)
WAITING = 20
WAIT_S = 10.0


class Hashing:
    """`hasher` says how dear a hash is; tests take a cheap one. Hashes carry their parameters, so each stays good."""

    def __init__(
        self,
        hasher: PasswordHasher | None = None,
        *,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        wait_s: float = WAIT_S,
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = BoundedSemaphore(at_once)
        self._places = BoundedSemaphore(at_once + waiting)
        self._wait_s = wait_s
        self._making = Lock()
        self._nobodys = ""

    def hash(self, password: str) -> str:
        with self._turn():
            return self._hasher.hash(normal(password))

    def fits(self, hash_: str, password: str) -> bool:
        """Whether the password is the one of this hash. Where there is no hash it takes as long to say no."""
        with self._turn():
            try:
                found = self._hasher.verify(hash_ or self._of_nobody(), normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return found and bool(hash_)

    def is_outdated(self, hash_: str) -> bool:
        """Made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hash_)

    def prepare(self) -> None:
        """Before the first try of all: else the first unknown name would take twice as long."""
        self._of_nobody()

    def _of_nobody(self) -> str:
        with self._making:
            self._nobodys = self._nobodys or self._hasher.hash(secrets.token_urlsafe())
            return self._nobodys

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One of few. TryLater where too many wait: memory and threads are needed for sending."""
        if not self._places.acquire(blocking=False):
            raise _full()
        try:
            if not self._turns.acquire(timeout=self._wait_s):
                raise _full()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()


def _full() -> TryLater:
    return TryLater(
        "Very many people are signing in just now. Nothing was changed. Try again in a few seconds.",
        retry_after_s=5,
    )
