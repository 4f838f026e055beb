"""The checker: whether our database, the platforms and the audit log tell the same story of one broadcast.

Pure: it is given what the three say (`evidence_facts.py`) and knows nobody to ask. The demo shows its verdict, and every
fault test ends with it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import ARRIVED, DeliveryState
from broadcaster.domain.evidence_audit import approval_events, audit_problems
from broadcaster.domain.evidence_case import Case, expected
from broadcaster.domain.evidence_facts import DeliveryFacts, Evidence, TargetFacts, parts_of
from broadcaster.domain.evidence_threads import CLOCKS, out_of_order
from broadcaster.domain.manifest import manifest_hash
from broadcaster.domain.post import digest_of

#: What `counts` holds, beside what was planned. Each delivery is one of ok, lost, unknown, unexpected and not_sent.
COUNTS = (
    "planned",
    "ok",
    "lost",
    "unexpected",
    "duplicated",
    "duplicated_after_unknown",
    "unknown",
    "not_sent",
)
#: What was on its way when a broadcast was stopped, or its time was over, may still arrive.
AFTER = timedelta(seconds=5)

Found = Iterator[tuple[str, str]]  # a subject, and what is wrong with it


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An invariant that does not hold: of whom, and how, in a sentence."""

    invariant: str
    subject: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Findings:
    """`channels` holds the counts of each channel, with `database` and `ledger`: accepted by ours and by theirs."""

    counts: Mapping[str, int]
    channels: Mapping[str, Mapping[str, int]]
    broken: tuple[Broken, ...]

    @property
    def sound(self) -> bool:
        return not self.broken


def check(evidence: Evidence) -> Findings:
    """Everything that the three do not agree on, once nothing of the broadcast is under way any more."""
    case = Case(evidence)
    channels = {name: case.counts(name) for name in dict.fromkeys(_channels(case))}
    total = sum(channels.values(), Counter())
    return Findings(
        counts={name: total[name] for name in COUNTS},
        channels={name: {k: c[k] for k in (*COUNTS, "database", "ledger")} for name, c in channels.items()},
        broken=tuple(
            Broken(invariant=invariant, subject=subject, text=text)
            for invariant, rule in RULES.items()
            for subject, text in rule(case)
        ),
    )


def _channels(case: Case) -> Iterator[str]:
    yield from (t.channel for t in case.evidence.targets)
    yield from (a.platform for a in case.strangers)


def _one_row_each(case: Case) -> Found:
    """I1: every approved (broadcast, target, recipient) has exactly one delivery."""
    stored = [(t.channel, t.account, t.language) for t in case.evidence.targets]
    approved = [(str(t["channel"]), str(t["account"]), str(t["language"])) for t in case.approved]
    for channel, account, language in Counter(stored) - Counter(approved):
        yield f"{channel} {account}", f"is a target in {language} that nobody approved, or is there twice"
    for channel, account, language in Counter(approved) - Counter(stored):
        yield f"{channel} {account}", f"was approved in {language} and is no target"
    mine: dict[int, list[DeliveryFacts]] = {t.id: [] for t in case.evidence.targets}
    for delivery in case.evidence.deliveries:
        mine.setdefault(delivery.target, []).append(delivery)
    for target_id, deliveries in mine.items():
        target = case.targets.get(target_id)
        if target is None:
            yield (
                str(target_id),
                f"{len(deliveries)} deliveries belong to a target that is not of this broadcast",
            )
        else:
            yield from _rows_of(case, target, deliveries)
    yield from _told_twice(case)
    for key, times in Counter(d.key for d in case.evidence.deliveries).items():
        if times > 1:
            yield key, f"is the key of {times} deliveries"


def _told_twice(case: Case) -> Found:
    """Nobody is told the same thing in two languages."""
    people: Counter[tuple[str, str, int]] = Counter()
    for delivery in case.evidence.deliveries:
        target = case.targets.get(delivery.target)
        if target and target.speaking and delivery.recipient is not None:
            people[target.channel, target.account, delivery.recipient] += 1
    for (channel, account, person), times in people.items():
        if times > 1:
            yield f"{channel} {account} recipient {person}", f"has {times} deliveries, in several languages"


def _rows_of(case: Case, target: TargetFacts, deliveries: list[DeliveryFacts]) -> Found:
    name = f"{target.channel} {target.account}"
    ordinals = Counter(d.ordinal for d in deliveries)
    for ordinal in sorted(o for o, times in ordinals.items() if times > 1):
        yield f"{name} {ordinal}", f"has {ordinals[ordinal]} deliveries instead of one"
    for person, times in Counter(d.recipient for d in deliveries if d.recipient is not None).items():
        if times > 1:
            yield f"{name} recipient {person}", f"has {times} deliveries instead of one"
    gaps = case.has_gaps(target)
    wanted = set(range(1, target.audience_size + 1)) if gaps else expected(target)
    foreign = sorted(set(ordinals) - wanted)
    if foreign:
        yield name, f"has {len(foreign)} deliveries that were not approved, the first of them {foreign[0]}"
    made = {o for o in wanted if o <= target.planned} if target.to_audience else wanted
    missing = sorted((made if case.ended_early else wanted) - set(ordinals))
    if missing and not gaps:  # of those with gaps only their number is known, below
        yield (
            name,
            f"{len(missing)} of {target.planned_total} deliveries are missing, the first of them {missing[0]}",
        )
    if target.planned != len(deliveries):
        yield name, f"says that {target.planned} deliveries were made; there are {len(deliveries)}"
    if target.planned != target.planned_total and not case.ended_early:
        yield (
            name,
            f"{target.planned} of {target.planned_total} deliveries were made, and it did not end early",
        )
    sizes = _sizes(case, target)
    if len(sizes) > 1:
        yield name, f"planned total, audience and approved count differ: {sorted(sizes)}"


def _sizes(case: Case, target: TargetFacts) -> set[int]:
    """Every count that there is of a target's deliveries. What follows texts goes to those who got them: at most so many."""
    audience = case.manifest.get("audience")
    if target.to_audience and isinstance(audience, dict) and (target.speaking or audience.get("received")):
        parts = {str(part["speaking"]): int(part["count"]) for part in audience.get("parts", ())}
        count = parts.get(target.speaking, int(audience["count"]))
        most = target.planned_total if audience.get("received") else count
        return {target.planned_total, min(most, count)}
    sizes = {target.planned_total, target.audience_size * parts_of(target)}
    if target.to_audience:
        sizes.add(audience["count"] if isinstance(audience, dict) else 0)
    return sizes


def _nothing_left(case: Case) -> Found:
    """I2: once it is drained nothing is pending or on its way, and nobody holds any of it."""
    for d in case.evidence.deliveries:
        if d.state in {DeliveryState.PENDING, DeliveryState.SENDING}:
            yield case.name(d), f"is still {d.state}"
        if d.state is DeliveryState.UNKNOWN and case.broadcast.state is BroadcastState.DONE:
            yield case.name(d), "is being looked into, and yet the broadcast is done"
    for group in case.evidence.groups:
        if group.closed_at is None:
            yield (
                f"group {group.id}",
                f"is open: {len(group.keys)} deliveries are on their way, or were forgotten",
            )
    for batch in case.evidence.leased:
        yield f"batch {batch}", "is still held by a worker"


def _taken_once(case: Case) -> Found:
    """I3: a platform took it once, or oftener only where an earlier sending of it was recorded as unknown."""
    for key, taken in case.taken.items():
        delivery = case.deliveries[key]
        most = case.most_acceptances(delivery)
        if len(taken) > most:
            why = (
                "and no earlier sending was unknown" if most == 1 else f"though sent so that {most} could be"
            )
            yield case.name(delivery), f"was taken {len(taken)} times, {why}"
    keys: dict[tuple[str, str], set[str]] = {}
    for key, taken in case.taken.items():
        for a in taken:
            if a.recipient:
                keys.setdefault((a.platform, a.recipient), set()).add(key)
    for several in keys.values():
        if len(several) > 1:  # never the number itself: a verdict is printed and kept
            yield (
                ", ".join(sorted(several)),
                "are different deliveries that went to one and the same recipient",
            )


def _known_to_us(case: Case) -> Found:
    """I4: what a platform took is accepted with us, or known to be unknown."""
    for a in case.strangers:
        yield (
            a.key or a.platform_id or a.platform,
            f"was taken by {a.platform}, and no delivery of ours is that",
        )
    for key in case.taken:
        delivery = case.deliveries[key]
        if delivery.state not in ARRIVED and not case.may_have_been_sent(delivery):
            yield case.name(delivery), f"was taken by the platform, and our state is {delivery.state}"


def _known_to_them(case: Case) -> Found:
    """I5: what is accepted with us is in the platform's own ledger."""
    for d in case.evidence.deliveries:
        if d.state in ARRIVED and d.key not in case.taken and not case.told_by_a_person(d.key):
            yield case.name(d), f"is {d.state} with us, and the platform never took it"


def _as_approved(case: Case) -> Found:
    """I6: what was sent is, but for its late slots, a post of the manifest whose hash was approved, a thread's parts in
    their order."""
    b = case.broadcast
    digest = manifest_hash(b.manifest)
    if digest != b.approved_sha256:
        yield (
            b.ref,
            f"the stored manifest's hash is {digest[:12]}, approved was {b.approved_sha256[:12] or 'nothing'}",
        )
    for event in approval_events(case):
        if event.get("manifest_sha256") != digest:
            yield b.ref, f"the audit log says that {str(event.get('manifest_sha256'))[:12]} was approved"
    for target in case.evidence.targets:
        wanted = {
            "channel": target.channel,
            "account": target.account,
            "language": target.language,
            "post_sha256": digest_of(target.post),
        }
        if not any(all(t.get(name) == value for name, value in wanted.items()) for t in case.approved):
            yield f"{target.channel} {target.account}", "the stored post is not in the approved manifest"
        if target.post_sha256 != digest_of(target.post):
            yield (
                f"{target.channel} {target.account}",
                "the stored post does not have the hash stored beside it",
            )
    yield from _words(case)
    yield from out_of_order(case)


def _words(case: Case) -> Found:
    """Of each distinct text once: a hundred thousand texts say the same."""
    known: dict[tuple[object, ...], bool] = {}
    for key, taken in case.taken.items():
        delivery = case.deliveries[key]
        for a in taken:
            facts = tuple(sorted(a.facts.items())) if a.facts is not None else None
            said = (delivery.target, case.part(delivery), a.title, a.text, a.link, a.images, facts)
            if said not in known:
                known[said] = case.says(delivery, a)
            if not known[said]:
                yield case.name(delivery), "what the platform took is not the approved post"


def _in_its_time(case: Case) -> Found:
    """I7: nothing was taken without an approval, before the release, or after a stop or the expiry."""
    b = case.broadcast
    if not b.approved_sha256:
        yield b.ref, "was sent, and no approval of it is stored"
    if not approval_events(case):
        yield b.ref, "was sent, and no approval of it is in the audit log"
    for key, taken in case.taken.items():
        name = case.name(case.deliveries[key])
        for at in (a.at for a in taken if a.at is not None):
            if at < b.released_at - CLOCKS:
                yield name, f"was taken {(b.released_at - at).total_seconds():.1f} s before the release"
            if b.stopped_at and at > b.stopped_at + AFTER:
                yield name, f"was taken {(at - b.stopped_at).total_seconds():.1f} s after the stop"
            if at > b.expires_at + AFTER:
                yield name, f"was taken {(at - b.expires_at).total_seconds():.1f} s after the expiry"


RULES: Mapping[str, Callable[[Case], Found]] = {
    "I1": _one_row_each,
    "I2": _nothing_left,
    "I3": _taken_once,
    "I4": _known_to_us,
    "I5": _known_to_them,
    "I6": _as_approved,
    "I7": _in_its_time,
    "I8": audit_problems,
}
