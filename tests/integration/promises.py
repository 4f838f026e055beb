"""What always holds, whatever has happened: our records against the platforms' own ledgers.

The base of the machine in broadcasting.py, which makes things happen and asks this after each of them.
"""

from collections import Counter

from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import func, select

from broadcaster.db import deliveries
from broadcaster.db.tables import attempt, broadcast, delivery, intent_group, target
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import DELIVERY_TRANSITIONS, DeliveryState, states_before
from broadcaster.domain.policy import may_resend
from broadcaster.service.reconcile import IDEMPOTENT_TRIES

S = DeliveryState

NOT_TAKEN = {S.FAILED, S.CANCELLED, S.EXPIRED, S.SUPPRESSED}  #: the platform surely has not got it
HAS_TAKEN = {S.ACCEPTED, S.DELIVERED, S.UNDELIVERED}
#: What receipts may say, the later the truer. Apart from the product's own table, so that a wrong one is noticed.
RANK = {S.ACCEPTED: 1, S.UNDELIVERED: 2, S.DELIVERED: 3}
ENDED = {BroadcastState.DONE, BroadcastState.STOPPED}
COMPLAINTS = {"sweep_step_failed", "check_failed", "deliveries_do_not_add_up"}
CHECKED_EVERY = 5  # steps between two checks of the whole audit log


def _reachable():
    """The stored states that may be seen later, by the state seen before. Nothing is altered here: whatever is
    quarantined may have been sent, and so may leave it."""
    after = {s: {t for t in S if s in states_before(t)} | {s} for s in DELIVERY_TRANSITIONS if s != S.SENDING}
    after[S.QUARANTINED] |= DELIVERY_TRANSITIONS[S.QUARANTINED]
    for _ in S:
        after = {s: set().union(*(after[t] for t in found if t in after)) for s, found in after.items()}
    return after


REACHABLE = _reachable()


class Promises(RuleBasedStateMachine):
    def __init__(self, world):
        super().__init__()
        self.world = world
        self.platforms = {p.name: p for p in world.channels["live"].values()}
        self.released = []
        self.seen = {}
        self.by_people = Counter()  # how often a person had a key sent again
        self.broken = []
        self.steps = 0

    @property
    def taken(self):
        """How often a platform took each key."""
        return Counter(key for platform in self.platforms.values() for key in platform.keys)

    def platform_id(self, uid):
        """Where a person finds what the feed took, and 7 elsewhere."""
        feed = self.world.feed
        found = [id_ for id_, t in zip(feed.ledger_ids, feed.ledger, strict=True) if t.key == uid]
        return (found or ["7"])[-1]

    def deliveries(self):
        query = (
            select(delivery, target.c.channel, broadcast.c.on_unknown, target.c.planned_total)
            .join(target, target.c.id == delivery.c.target_id)
            .join(broadcast, broadcast.c.id == delivery.c.broadcast_id)
        )
        with self.world.database.read() as tx:
            return list(tx.execute(query))

    @invariant()
    def nothing_failed_unseen(self):
        if self.broken:
            raise self.broken[0]

    @invariant()
    def every_attempt_is_of_a_delivery_of_its_groups_batch(self):
        """PostgreSQL does not look after this: see ON_SQLITE_ONLY."""
        group, d, a = intent_group.c, delivery.c, attempt.c
        count = select(func.count()).select_from(attempt)
        sound = count.join(delivery, d.id == a.delivery_id).join(
            intent_group, (group.id == a.intent_group_id) & (group.batch_id == d.batch_id)
        )
        with self.world.database.read() as tx:
            assert tx.execute(count).scalar_one() == tx.execute(sound).scalar_one()

    @invariant()
    def everything_adds_up(self):
        for released in self.released:
            self.world.totals(released.ref)
        assert not [entry for entry in self.world.logs if entry["event"] in COMPLAINTS]
        self.steps += 1
        if self.steps % CHECKED_EVERY == 0:
            self.world.parts.seal.seal()
            assert self.world.parts.audit.first_bad_event() is None

    @invariant()
    def states_are_true_and_only_go_where_they_may(self):
        taken = self.taken
        rows = self.deliveries()
        assert set(taken) <= {row.uid for row in rows}
        for row in rows:
            assert row.state in REACHABLE[self.seen.get(row.uid, S.PENDING)], (row, self.seen[row.uid])
            assert RANK.get(row.state, 0) >= RANK.get(self.seen.get(row.uid), 0), (row, self.seen[row.uid])
            # what had nothing to follow was never sent, and may yet be, where a person says so
            waits = row.code == deliveries.PART_BEFORE_MISSING
            self.seen[row.uid] = S.PENDING if waits else S(row.state)
            if taken[row.uid]:
                assert row.state not in NOT_TAKEN, f"{row.channel} took what is {row.state} here"
            assert row.state != S.QUARANTINED or row.resends
            if row.state in HAS_TAKEN:
                assert taken[row.uid], f"{row.channel} never took what is {row.state} here"

    @invariant()
    def nothing_is_sent_again_unawares_or_more_often_than_agreed(self):
        taken, resent = self.taken, Counter()
        for row in self.deliveries():
            assert row.resends >= taken[row.uid] - 1, f"{row.channel} took it {taken[row.uid]} times"
            by_itself = row.resends - self.by_people[row.uid]
            most = {"website": IDEMPOTENT_TRIES}.get(row.channel, int(row.on_unknown == "resend_once"))
            assert 0 <= by_itself <= most
            if row.channel == "sms" and by_itself:
                resent[row.target_id] += by_itself
                assert may_resend(unknown=resent[row.target_id], planned=row.planned_total)

    @invariant()
    def every_part_answers_the_one_before_it(self):
        feed = self.world.feed
        texts = dict(zip(feed.ledger_ids, (taken.post.text for taken in feed.ledger), strict=True))
        for taken in feed.ledger:
            no, _, headline = taken.post.text.partition(" ")
            answered = texts.get(taken.post.in_reply_to, "")
            if no == "3/3":
                assert answered == f"2/3 {headline}"
            elif no == "2/3":
                assert answered.startswith(headline)
            else:
                assert not taken.post.in_reply_to
