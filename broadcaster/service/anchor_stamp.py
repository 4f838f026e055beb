"""Time stamps of a third party under checkpoints (RFC 3161): an authority signs that it saw one at a moment, and keeps nothing.

What goes to it is a hash of a hash; nothing of what was done can be told from it.
"""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import requests
import structlog

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.stamps import NotStamped, checked, question
from broadcaster.db import audit_log
from broadcaster.db.audit_log import Checkpoint
from broadcaster.db.engine import Database
from broadcaster.domain.errors import SendError
from broadcaster.domain.message import Mode
from broadcaster.service.anchor import AnchorAlarm
from channels.base import Account
from channels.http import DEFAULT_TIMEOUTS, Timeouts, open_session

log = structlog.get_logger()

EVERY_S = 600.0
RETRY_S = 60.0
ALARM_AFTER_S = 26 * 3600.0
MOST_BYTES = 64 * 1024  # of an answer; a token with its certificates has about 5,000
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"  # RFC 3161, 3.4


class AnchorStamp:
    """`url` is the authority's; empty: there is none. `clock` gives seconds that only grow."""

    def __init__(
        self,
        database: Database,
        folder: AnchorFolder,
        url: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._folder = folder
        self._url = url
        self._clock = clock
        self._alarm = AnchorAlarm(database, "time stamps", "for 26 hours")
        host = frozenset({urlsplit(url).hostname or ""})  # and no other, wherever it may want to send us
        fence = Account(name="time stamps", channel="", mode=Mode.LIVE, allowed_hosts=host)
        self._http = open_session(fence, timeout=timeouts)
        self._not_before = float("-inf")
        self._stamped = ""
        self._fails_since: float | None = None

    def stamp(self) -> None:
        """Have the newest checkpoint stamped where ten minutes have passed and there is a newer one."""
        if not self._url:
            self._alarm.judge(overdue=False)
            return
        if self._clock() < self._not_before:
            return
        with self._database.read() as tx:
            newest = next(iter(audit_log.last_checkpoints(tx)), None)
        if newest is None or newest.note == self._stamped:
            return
        if not self._folder.is_stamped(newest.size):
            self._ask(newest)
        else:
            self._stamped = newest.note  # before this process started

    def _ask(self, newest: Checkpoint) -> None:
        try:
            asked = question(note := newest.note.encode())
            token = self._answer(asked.as_bytes())
            said = checked(token, asked, note)
            self._folder.add_timestamp(newest.size, token)
        except (NotStamped, requests.RequestException, SendError, OSError) as error:
            self._failed(error)
            return
        log.info("checkpoint_stamped", events=newest.size, at=said.gen_time.isoformat())
        self._stamped, self._fails_since = newest.note, None
        self._not_before = self._clock() + EVERY_S
        self._alarm.judge(overdue=False)

    def _failed(self, error: Exception) -> None:
        now = self._clock()
        self._fails_since = now if self._fails_since is None else self._fails_since
        self._not_before = now + RETRY_S
        log.warning("checkpoint_not_stamped", why=f"{type(error).__name__}: {error}"[:300])
        if now - self._fails_since >= ALARM_AFTER_S:
            self._alarm.judge(overdue=True)

    def _answer(self, asked: bytes) -> bytes:
        headers = {"Content-Type": QUERY, "Accept": REPLY}
        with self._http.post(self._url, data=asked, headers=headers, stream=True) as reply:
            if reply.status_code != requests.codes.ok:
                raise NotStamped(f"the authority answered {reply.status_code}")
            raw: bytes = next(reply.iter_content(MOST_BYTES + 1), b"")
        if len(raw) > MOST_BYTES:
            raise NotStamped("the authority's answer is too long")
        return raw
