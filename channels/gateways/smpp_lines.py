"""The connections of one account that send: kept between sendings, looked after while nobody uses them."""

import threading
import time

from channels.gateways.smpp_session import LineLost, Session
from channels.gateways.smpp_settings import SmppSettings
from channels.gateways.smpp_times import Times


class Lines:
    """As many connections as are used at once. Threads may call side by side."""

    def __init__(self, settings: SmppSettings, times: Times) -> None:
        self._settings, self._times = settings, times
        self._lock = threading.Lock()
        self._idle: list[tuple[Session, float]] = []  # with when it was last used
        self._keeper: threading.Thread | None = None
        self._closed = threading.Event()

    def take(self) -> Session:
        """A connection that was alive within the last seconds, or a new one. Raises NotSent or NotConfigured."""
        while idle := self._pop():
            session, _ = idle
            if self._is_fit(session):
                return session
            session.drop()
        return Session.open(self._settings, "bind_transmitter", self._times)

    def check(self) -> None:
        """Finds out whether a text could go, and holds no connection for that. Raises NotSent or NotConfigured."""
        idle = self._pop()
        if idle and self._is_fit(idle[0]):
            self._keep_idle(*idle)
            return
        if idle:
            idle[0].drop()
        Session.open(self._settings, "bind_transmitter", self._times).close()

    def give_back(self, session: Session) -> None:
        self._keep_idle(session, time.monotonic())

    def _keep_idle(self, session: Session, used: float) -> None:
        with self._lock:
            self._idle.append((session, used))
            if self._keeper is None:
                self._closed = threading.Event()
                self._keeper = threading.Thread(
                    target=self._keep, args=(self._closed,), name="smpp-keeper", daemon=True
                )
                self._keeper.start()

    def close(self) -> None:
        """Says goodbye on every idle connection. The next text opens a new one."""
        self._closed.set()
        while idle := self._pop():
            idle[0].close()
        keeper = self._keeper
        if keeper is not None:
            keeper.join()

    def _pop(self) -> tuple[Session, float] | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _is_fit(self, session: Session) -> bool:
        try:
            session.step(0)
        except LineLost:
            return False
        fresh = time.monotonic() - session.heard_at < self._times.trusted_s
        return session.is_idle and (fresh or session.is_alive(self._times.asked_s))

    def _keep(self, closed: threading.Event) -> None:
        """Ends with the last idle connection, and is started again by the next."""
        while not closed.wait(self._times.look_s):
            with self._lock:
                looked_at, self._idle = self._idle, []
            kept = [(session, used) for session, used in looked_at if self._is_kept(session, used)]
            if closed.is_set():  # while they were looked at
                for session, _ in kept:
                    session.close()
                kept = []
            with self._lock:
                self._idle += kept
                if not self._idle:
                    self._keeper = None
                    return
        with self._lock:
            self._keeper = None

    def _is_kept(self, session: Session, used: float) -> bool:
        now = time.monotonic()
        if now - used > self._times.give_up_s:
            session.close()
            return False
        try:
            session.step(0)
        except LineLost:
            session.drop()
            return False
        if now - session.heard_at > self._times.ask_after_s and not session.is_alive(self._times.asked_s):
            session.drop()
            return False
        return True
