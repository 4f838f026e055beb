"""A message that follows another one takes its place: in the manifest, at release, and in each claim.

An older text never goes out after a newer one of the same story in the same place, whatever was late, unknown or tried
again: that is decided where an intent is committed, and nowhere else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from broadcaster.db import audiences, batches, broadcasts, deliveries, follow_ups, messages
from broadcaster.db.batches import Claimed
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.engine import Tx
from broadcaster.db.follow_ups import Earlier
from broadcaster.db.messages import Message, Version
from broadcaster.db.submissions import StoredPost
from broadcaster.domain.audience import AudienceVersion
from broadcaster.domain.broadcast import BroadcastState, Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import Stale
from broadcaster.domain.follow_up import GOES_EVERYWHERE, TAKES_DOWN, Act, Purpose, act_for
from broadcaster.domain.languages import Speaking, Spoken
from broadcaster.domain.manifest import ApprovedAudience, Manifest, ManifestTarget
from broadcaster.domain.message import Kind
from broadcaster.domain.tongues import SEVERAL
from broadcaster.service.audiences import latest
from broadcaster.service.record import note
from channels.base import Amends, Channel, Threads, Withdraws

LOOK_AGAIN = timedelta(milliseconds=500)
OVERTAKEN = "A newer message took its place before this was sent."
NOT_RESENT = "It may have been sent. A newer message took its place, so it is not sent again."


# --- what is approved -------------------------------------------------------------------------------------


def acts(
    tx: Tx, row: Message, targets: Sequence[ManifestTarget], configured: Mapping[str, Channel]
) -> tuple[ManifestTarget, ...]:
    """The targets with what each does to what stands there, and those that only take something down."""
    if row.amends_id is None:
        return tuple(targets)
    purpose, earlier = Purpose(row.purpose), follow_ups.earlier_targets(tx, row.id, amends_id=row.amends_id)
    posts = [_acting(target, purpose, earlier, configured[target.account]) for target in targets]
    return (*posts, *_withdrawals(purpose, earlier, configured))


def _acting(
    target: ManifestTarget, purpose: Purpose, earlier: Sequence[Earlier], channel: Channel
) -> ManifestTarget:
    before = next((e for e in earlier if e.lane is Lane.PUBLIC and _stands_at(e, target)), None)
    if before is None:
        return target
    # One post in several languages is no place to write one of them over.
    same = before.language == target.language
    edits = same and isinstance(channel, Amends)
    act = act_for(purpose, edits=edits, threads=isinstance(channel, Threads))
    return replace(target, act=act, of=before.ref) if act else target


def _stands_at(earlier: Earlier, target: ManifestTarget) -> bool:
    in_it = SEVERAL in {earlier.language, target.language} or earlier.language == target.language
    return earlier.act is not Act.WITHDRAW and earlier.account == target.account and in_it


def _withdrawals(
    purpose: Purpose, earlier: Sequence[Earlier], configured: Mapping[str, Channel]
) -> Iterator[ManifestTarget]:
    """Of each post that was ever made of this story: an edited one stands where the first one does."""
    if purpose not in TAKES_DOWN:
        return
    for each in reversed(earlier):
        channel = configured.get(each.account)
        stands = each.act in {Act.POST, Act.REPLY} and each.lane is Lane.PUBLIC
        if channel and stands and isinstance(channel, Withdraws):
            yield ManifestTarget(
                channel=each.channel,
                account=each.account,
                speaks_as=channel.target,
                language=each.language,
                post_sha256=each.sha256,
                late_slots=(),
                act=Act.WITHDRAW,
                of=each.ref,
            )


def left_out(tx: Tx, row: Message, version: Version, configured: Mapping[str, Channel]) -> Iterator[str]:
    """Problems of a follow-up that leaves somebody with what was said before, where nobody may be."""
    if row.amends_id is None or Purpose(row.purpose) not in GOES_EVERYWHERE:
        return
    places = {
        e.account: e.channel
        for e in follow_ups.earlier_targets(tx, row.id, amends_id=row.amends_id)
        if e.act is not Act.WITHDRAW
    }
    for account in sorted(places.keys() - set(version.accounts)):
        if account in configured:
            yield (
                f"It leaves out {configured[account].title} ({account}), where the first message went. This goes wherever "
                "that went: choose the channel again."
            )


def told_before(tx: Tx, row: Message) -> list[Earlier]:
    """The targets through which the first texts of this story went out; none where there were none, or it follows nothing."""
    if row.amends_id is None:
        return []
    texts = [
        e for e in follow_ups.earlier_targets(tx, row.id, amends_id=row.amends_id) if e.lane is Lane.BULK
    ]
    return [e for e in texts if e.broadcast_id == texts[-1].broadcast_id] if texts else []


def audience_for(tx: Tx, row: Message, name: str) -> AudienceVersion | None:
    """The version that a message's texts go to: of a follow-up the first one's, whatever was imported since."""
    if not name:
        return None
    first = told_before(tx, row)
    known = first[0].audience_version_id if first else None
    return audiences.version_by_id(tx, known) if known else latest(tx, name)


def approved_audience(tx: Tx, row: Message, audience: ApprovedAudience) -> ApprovedAudience:
    """Of a follow-up: exactly those who got the first text, counted at their most."""
    first = told_before(tx, row)
    if not first:
        return audience
    ids = [e.target_id for e in first]
    parts = tuple(
        replace(part, count=follow_ups.most_got(tx, ids, Speaking.read(part.speaking)))
        for part in audience.parts
    )
    count = sum(part.count for part in parts) if parts else follow_ups.most_got(tx, ids)
    return replace(audience, count=count, received=first[0].ref, parts=parts)


def counts(tx: Tx, row: Message, audience: AudienceVersion | None, spoken: Spoken) -> dict[str, int]:
    """By language, in their order, to how many people its texts go at most; empty where there is one language."""
    first = [e.target_id for e in told_before(tx, row)] if audience else []
    found = {}
    for code in spoken.order:
        who, number = spoken.speaking(code), 0
        if audience:
            number = (
                follow_ups.most_got(tx, first, who) if first else audiences.count_of(tx, audience.id, who)
            )
        found[code] = number
    return found


def narrowed(tx: Tx, row: Message, audience: AudienceVersion | None) -> AudienceVersion | None:
    """As it is shown before it is approved."""
    first = told_before(tx, row) if audience else []
    if audience is None or not first:
        return audience
    return replace(audience, size=follow_ups.most_got(tx, [e.target_id for e in first]))


# --- release ----------------------------------------------------------------------------------------------


def take_over(tx: Tx, row: Message, made: Broadcast, manifest: Manifest) -> None:
    """In the transaction that releases a follow-up: what its deliveries do, and that they take the others' place."""
    if row.amends_id is None:
        return
    earlier = follow_ups.earlier_targets(tx, row.id, amends_id=row.amends_id)
    mine = broadcasts.targets(tx, made.id)
    for target in mine:
        wanted = next(
            t for t in manifest.targets if (t.account, t.language) == (target.account, target.language)
        )
        if wanted.act:
            before = next(e for e in earlier if e.ref == wanted.of and _stands_at(e, wanted))
            _amend(tx, target.id, before, Act(wanted.act))
    _supersede(tx, made, mine, earlier)


def _amend(tx: Tx, target_id: int, before: Earlier, act: Act) -> None:
    """The first part of what is said now, to the first part of what was said before."""
    follow_ups.set_act(tx, target_id, act)
    mine, theirs = (
        follow_ups.first_deliveries(tx, target_id),
        follow_ups.first_deliveries(tx, before.target_id),
    )
    if mine and theirs:
        follow_ups.set_amends(tx, target_id, mine[0][1], theirs[0][0])


def withdrawals(tx: Tx, row: Message, manifest: Manifest) -> Iterator[tuple[Earlier, StoredPost]]:
    """What is to be taken down, and the post that it is."""
    wanted = [t for t in manifest.targets if t.act == Act.WITHDRAW]
    earlier = follow_ups.earlier_targets(tx, row.id, amends_id=row.amends_id) if wanted else []
    for target in wanted:
        of = next(
            e
            for e in earlier
            if e.ref == target.of and e.sha256 == target.post_sha256 and e.account == target.account
        )
        yield of, follow_ups.stored_post(tx, of.post_id)


def tie(tx: Tx, target_id: int, of: Earlier) -> None:
    """Each delivery of a target that takes something down to the part that it takes down."""
    follow_ups.set_act(tx, target_id, Act.WITHDRAW)
    for delivery_id, ordinal, _ in follow_ups.first_deliveries(tx, of.target_id):
        follow_ups.set_amends(tx, target_id, ordinal, delivery_id)


def _supersede(tx: Tx, made: Broadcast, mine: Sequence[Target], earlier: Sequence[Earlier]) -> None:
    # In whatever language: the main one is always among those of the newer message, and what it says no more is old in all.
    places = {(t.channel, t.account_id) for t in mine if t.lane is Lane.PUBLIC}
    texts = {t.channel for t in mine if t.lane is Lane.BULK}
    overtaken = [
        e
        for e in earlier
        if e.superseded_by_id is None
        and (e.channel in texts if e.lane is Lane.BULK else (e.channel, e.account_id) in places)
    ]
    if not overtaken:
        return
    follow_ups.supersede(tx, [e.target_id for e in overtaken], made.id)
    for broadcast_id in sorted({e.broadcast_id for e in overtaken}):
        if follow_ups.all_superseded(tx, broadcast_id):
            before = broadcasts.by_id(tx, broadcast_id)
            broadcasts.end(tx, before, BroadcastState.SUPERSEDED, reason=f"{made.ref} took its place")


# --- planning ---------------------------------------------------------------------------------------------


def next_told(
    tx: Tx, row: Broadcast, target: Target, *, planned: int, most: int
) -> list[tuple[int, int | None]] | None:
    """The next of those who got the first text, as (ordinal, recipient id), counting on from `planned`; None where this
    broadcast follows no text. Called with the target locked.

    Nobody, while one of the first texts is still leaving: who gets it is known a moment later. What a delivery receipt
    took back meanwhile is left out, so the total is what it was in the end.
    """
    if row.kind == Kind.ALERT:
        return None
    first = [e.target_id for e in told_before(tx, messages.by_id(tx, row.message_id))]
    if not first:
        return None
    if follow_ups.under_way(tx, target.id):
        return []
    after, who = follow_ups.last_told(tx, target.id), Speaking.read(target.speaking)
    people = follow_ups.who_got(tx, first, after=after, limit=most, who=who)
    if not people:
        follow_ups.set_planned_total(tx, target.id, planned)
        note(tx, row, "follow_up_audience_settled", {"approved": target.planned_total, "count": planned})
    return [(planned + no, recipient_id) for no, (_, recipient_id) in enumerate(people, 1)]


# --- the order guard --------------------------------------------------------------------------------------


def must_not_begin(tx: Tx, row: Broadcast, claimed: Claimed, *, others_open: bool) -> bool:
    """Whether nothing of this batch may be begun now, where a story goes on: ended, if something newer took its place;
    put off, while something older is still leaving. Asked with the batch's row locked."""
    if row.superseded_by_id is not None and follow_ups.is_superseded(tx, claimed.target_id):
        if not others_open:  # what is on its way may not be called cancelled; the batch ends when it is back
            _close(tx, row, claimed)
        return True
    if row.kind == Kind.ALERT or not _waits(tx, claimed.target_id):
        return False
    if not others_open:
        batches.release(tx, claimed, next_at=tx.now() + LOOK_AGAIN)
    return True


def _waits(tx: Tx, target_id: int) -> bool:
    if follow_ups.under_way(tx, target_id):
        return True
    return broadcasts.target_by_id(tx, target_id).act is Act.WITHDRAW and follow_ups.own_post_waits(
        tx, target_id
    )


def _close(tx: Tx, row: Broadcast, claimed: Claimed) -> None:
    maybe_sent = deliveries.sent_before([claimed.id])
    unknown = deliveries.move(tx, maybe_sent, DeliveryState.UNKNOWN, code="not_resent", text=NOT_RESENT)
    rest = deliveries.of_batch(claimed.id)
    count = deliveries.move(tx, rest, DeliveryState.CANCELLED, code="superseded", text=OVERTAKEN)
    batches.finish(tx, [claimed.id])
    if count or unknown:
        note(tx, row, "deliveries_cancelled", {"count": count, "unknown": unknown, "reason": "superseded"})


def may_resend_any(tx: Tx, row: Broadcast, target: Target) -> bool:
    """Whether something unknown of this target may be sent again at all."""
    if target.superseded_by_id is not None:
        return False
    return row.state is BroadcastState.SENDING and row.expires_at > tx.now()


def refuse_overtaken(tx: Tx, target_id: int) -> None:
    """Stale where a person wants something sent again in whose place something newer stands."""
    newer = follow_ups.superseded_by(tx, target_id)
    if newer:
        raise Stale(
            f"{newer} took its place: an older text never goes out after a newer one. Nothing was changed. If it is still "
            "true, say it in a new update."
        )
