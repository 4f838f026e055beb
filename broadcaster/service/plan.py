"""Step three: a mass audience becomes deliveries, in chunks that can be resumed by anybody at any time."""

import structlog

from broadcaster.db import audiences, batches, broadcasts, deliveries
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.engine import Database, Tx
from broadcaster.domain.broadcast import BroadcastState, Lane
from broadcaster.domain.languages import Speaking
from broadcaster.domain.storm import Held
from broadcaster.logs import about
from broadcaster.queue import Bells
from broadcaster.service import succession
from broadcaster.tracing import span

log = structlog.get_logger()

#: Deliveries per transaction: a lost chunk costs a second, a longer one makes other writers wait.
CHUNK = 5_000
BATCH = 500  # deliveries that one worker takes at once
BULK_BELLS = 2  # how many workers are woken while planning goes on


class _EndedMeanwhile(Exception):
    """What was made is taken back."""


class Plan:
    def __init__(self, database: Database, bells: Bells) -> None:
        self._database = database
        self._bells = bells

    def plan(self, broadcast_id: int) -> int:
        """Make the deliveries that are still missing. How many were made; running it twice makes none twice."""
        with self._database.read() as tx:
            row = broadcasts.by_id(tx, broadcast_id)
            targets = broadcasts.targets(tx, broadcast_id)
        made = 0
        with span("plan", row.ref):
            for target in targets:
                with about(broadcast=row.uid, channel=target.channel):
                    while count := self._chunk(target):
                        made += count
        if made:
            log.info("planned", broadcast=row.uid, count=made)
        return made

    def _chunk(self, target: Target) -> int:
        """One chunk of one target; 0 where nothing is left or the broadcast has ended."""
        if target.audience_version_id is None:
            return 0
        try:
            with self._database.write() as tx:
                row = broadcasts.by_id(tx, target.broadcast_id)
                made = self._fill(tx, row, target)
        except _EndedMeanwhile:
            return 0
        if made:
            self._bells.ring(row.mode, Lane.BULK, wanted=BULK_BELLS)
        return made

    def _fill(self, tx: Tx, row: Broadcast, target: Target) -> int:
        """The rows of one chunk; how many. 0 where none is wanted now."""
        planned = broadcasts.lock_target(tx, target.id)
        if planned is None or row.state is not BroadcastState.SENDING:  # None: somebody else plans it
            return 0
        if row.storm is Held.HELD:  # urgent work has the database to itself
            return 0
        left = target.planned_total - planned
        if left <= 0:
            return 0
        people = succession.next_told(tx, row, target, planned=planned, most=CHUNK)
        if people is None:
            people = _next_of(tx, target, planned, min(CHUNK, left))
        for start in range(0, len(people), BATCH):
            part = people[start : start + BATCH]
            batch_id = self._batch(tx, row, target, len(part))
            deliveries.insert(
                tx,
                broadcast_id=row.id,
                target_id=target.id,
                batch_id=batch_id,
                language=target.language,
                recipients=part,
            )
        broadcasts.set_planned(tx, target.id, planned + len(people))
        # Asked last, so that whoever stops it waits for no chunk, and none comes after the end.
        if not broadcasts.goes_on(tx, row.id):
            raise _EndedMeanwhile
        return len(people)

    def _batch(self, tx: Tx, row: Broadcast, target: Target, size: int) -> int:
        return batches.insert(
            tx,
            broadcast_id=row.id,
            target_id=target.id,
            account_id=target.account_id,
            mode=row.mode,
            lane=Lane.BULK,
            precedence=row.precedence,
            size=size,
            next_at=tx.now(),
        )


def _next_of(tx: Tx, target: Target, planned: int, most: int) -> list[tuple[int, int | None]]:
    """The next of the audience, as (ordinal, recipient id). Where a target goes to those of one language, each keeps the ordinal
    that he has in the whole: so two languages never have the same one, and what follows can count on."""
    assert target.audience_version_id
    who = Speaking.read(target.speaking)
    after = planned if who == Speaking() else deliveries.last_ordinal(tx, target.id)
    found = audiences.recipients(tx, target.audience_version_id, after_ordinal=after, limit=most, who=who)
    return [(p.ordinal, p.id) for p in found]
