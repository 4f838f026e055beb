"""The newest checkpoint by mail, once a day: what lies in somebody else's mailbox cannot be taken back."""

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.db import audit_log
from broadcaster.db.audit_log import Checkpoint
from broadcaster.db.engine import Database
from broadcaster.service.anchor import AnchorAlarm
from broadcaster.service.mail_server import MailServer, NotMailed

log = structlog.get_logger()

EVERY = timedelta(days=1)
RETRY = timedelta(minutes=15)
ALARM_AFTER = timedelta(hours=26)
TEXT = """\
This is what the log of {name} looked like on {day}: {size:,} events, signed. Keep this mail. Whoever alters, adds or takes \
out one of those events later cannot make it agree with what stands below.

To check: ask for an export of the audit log (`broadcaster audit export`), save this mail as a text file, and run

    python3 verify_audit.py audit.jsonl --anchors this-mail.txt

One mail comes each day, also when nothing happened. A day without one is worth a question.

{note}"""


class AnchorMail:
    """`to` empty: nobody is written to. When it was done last stands in a file beside the checkpoints, and in the memory of
    this process, so that a folder that cannot be written makes no flood of mails."""

    def __init__(
        self, database: Database, folder: AnchorFolder, server: MailServer | None, *, to: tuple[str, ...]
    ) -> None:
        self._database = database
        self._server = server
        self._to = to
        self._alarm = AnchorAlarm(database, "mail", "for 26 hours")
        self._state = _State(folder.folder / "mail.json", of=" ".join(to))
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def send(self) -> None:
        """Mail the newest checkpoint where a day has passed, or nobody was written to yet."""
        if not self._to or self._server is None:
            self._alarm.judge(overdue=False)
            return
        with self._database.read() as tx:
            now, newest = tx.now(), next(iter(audit_log.last_checkpoints(tx)), None)
        if newest is None or now < max(self._not_before, self._state.sent_at + EVERY):
            return
        if self._try(self._server, newest, now):
            self._alarm.judge(overdue=False)
        elif now - self._state.waits_since(now) >= ALARM_AFTER:
            self._alarm.judge(overdue=True)

    def _try(self, server: MailServer, newest: Checkpoint, now: datetime) -> bool:
        self._not_before = now + RETRY
        self._state.waits_since(now)
        name = newest.note.partition("\n")[0]
        subject = f"Audit log of {name}: {newest.size:,} events"
        text = TEXT.format(name=name, day=f"{now:%Y-%m-%d %H:%M} UTC", size=newest.size, note=newest.note)
        try:
            refused = server.send(self._to, subject=subject, text=text)
        except NotMailed as error:
            log.warning("checkpoint_not_mailed", why=str(error))
            return False
        log.info("checkpoint_mailed", events=newest.size, receivers=len(self._to) - refused)
        if refused:  # the others have it, and would have it again every quarter of an hour
            log.error("checkpoint_mail_refused", receivers=refused)
        self._state.sent(now, newest.size)
        return True


class _State:
    """When it was mailed last, and since when it waits for its first time. For these receivers: to others it is new. Their
    addresses are not written down here."""

    def __init__(self, path: Path, *, of: str) -> None:
        self._path = path
        self._of = hashlib.sha256(of.encode()).hexdigest()[:16]
        self._said: dict[str, Any] | None = None

    @property
    def sent_at(self) -> datetime:
        return self._time("sent_at") or datetime.min.replace(tzinfo=UTC)

    def waits_since(self, now: datetime) -> datetime:
        """Of what is due: since the last time, or since it was asked for first."""
        found = self._time("sent_at") or self._time("set_at")
        if found is None:
            self._write({"set_at": now.isoformat()})
        return found or now

    def sent(self, at: datetime, size: int) -> None:
        self._write({"sent_at": at.isoformat(), "size": size})

    def _time(self, name: str) -> datetime | None:
        if self._said is None:
            self._said = self._read()
        try:
            return datetime.fromisoformat(self._said[name])
        except (KeyError, TypeError, ValueError):
            return None

    def _read(self) -> dict[str, Any]:
        """Nothing where it is not there or cannot be read: one mail too many does no harm."""
        try:
            said = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) and said.get("to") == self._of else {}

    def _write(self, said: dict[str, Any]) -> None:
        self._said = {**said, "to": self._of}
        draft = self._path.with_name(f".{self._path.name}-{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            draft.write_text(json.dumps(self._said, sort_keys=True) + "\n")
            draft.replace(self._path)
        except OSError as error:
            log.warning("mail_state_not_written", file=str(self._path), error=error.strerror)
