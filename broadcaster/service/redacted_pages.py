"""What was taken out of the records is taken out of our own published pages too: of what they say, and of what they said before."""

from zoneinfo import ZoneInfo

import structlog

from broadcaster.db import audit_log, broadcasts, redactions
from broadcaster.db.engine import Database, Tx
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import SendError
from broadcaster.domain.post import Post
from broadcaster.service.approved import as_released
from broadcaster.service.record import SYSTEM
from channels.base import ChannelsOfMode, TakesOut

log = structlog.get_logger()


class RedactedPages:
    """Every process begins with all redactions there are: pages that came back from an older copy lose the words again."""

    def __init__(self, database: Database, channels: ChannelsOfMode, *, zone: ZoneInfo) -> None:
        self._database = database
        self._channels = channels
        self._zone = zone
        #: Redactions that every page follows. Never "up to the last": one with a lower id may be committed later.
        self._done: frozenset[int] = frozenset()

    def look(self) -> int:
        """Pages that were changed. What could not be written is tried again at the next look."""
        with self._database.read() as tx:
            known = redactions.ids(tx)
        if known == self._done:
            return 0
        places = [
            (mode, name, channel)
            for mode, configured in self._channels.items()
            for name, channel in configured.items()
            if isinstance(channel, TakesOut)
        ]
        try:
            changed = sum(self._take_out(*place) for place in places)
        except SendError as error:
            log.warning("pages_not_redacted", code=error.code)
            return 0
        self._done = known
        return changed

    def _take_out(self, mode: str, name: str, channel: TakesOut) -> int:
        """No transaction is open while pages are written."""
        with self._database.read() as tx:
            posts = {uid: self._post(tx, target_id) for uid, target_id in self._published(tx, mode, name)}
            pictures = redactions.pictures(tx)
        changed = channel.take_out(posts, pictures)
        if changed:
            with self._database.write() as tx:
                payload: dict[str, Json] = {"mode": mode, "pages": changed}
                audit_log.append(tx, actor=SYSTEM, act="pages_redacted", subject=name, payload=payload)
        return changed

    def _published(self, tx: Tx, mode: str, name: str) -> list[tuple[str, int]]:
        return redactions.published(tx, mode=mode, account_name=name, but=self._done)

    def _post(self, tx: Tx, target_id: int) -> Post:
        return as_released(broadcasts.approved_post(tx, target_id), self._zone)
