"""Lays the three witnesses' words side by side: which acceptance belongs to which delivery, and how often each was sent."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import ARRIVED, DeliveryState, Outcome
from broadcaster.domain.evidence_facts import (
    Acceptance,
    AttemptFacts,
    DeliveryFacts,
    Evidence,
    GroupFacts,
    TargetFacts,
    parts_of,
    post_of,
)
from broadcaster.domain.post import LATE_SLOTS

S = DeliveryState
MAYBE = frozenset({S.UNKNOWN, S.UNKNOWN_FINAL})
SETTLING = frozenset({Outcome.ACCEPTED, Outcome.REFUSED})
SURELY_NOT = frozenset({Outcome.NOT_SENT, Outcome.REFUSED, Outcome.NOT_CONFIGURED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """One sending of a delivery: its group, and the recorded outcome, None where no answer ever was."""

    group: GroupFacts
    outcome: Outcome | None


class Case:
    """One piece of evidence, with what follows from laying its parts side by side."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.broadcast = evidence.broadcast
        self.targets = {t.id: t for t in evidence.targets}
        self.deliveries = {d.key: d for d in evidence.deliveries}
        self.manifest = _object(evidence.broadcast.manifest)
        self.taken: dict[str, list[Acceptance]] = defaultdict(list)
        self.strangers: list[Acceptance] = []
        for acceptance in evidence.accepted:
            key = acceptance.key or self._keyless(acceptance)
            if key in self.deliveries and self.channel(self.deliveries[key]) == acceptance.platform:
                self.taken[key].append(acceptance)
            else:
                self.strangers.append(acceptance)

    def channel(self, delivery: DeliveryFacts) -> str:
        target = self.targets.get(delivery.target)
        return target.channel if target else ""

    def name(self, delivery: DeliveryFacts) -> str:
        """For people: `sms 17 (0198...)`."""
        return f"{self.channel(delivery)} {delivery.ordinal} ({delivery.key})"

    @cached_property
    def ended_early(self) -> bool:
        """Whether what was not made yet was rightly never made: it was stopped, or its time was over when it ended."""
        b = self.broadcast
        if b.state in {BroadcastState.STOPPED, BroadcastState.SUPERSEDED}:
            return True
        return b.ended_at is not None and b.ended_at >= b.expires_at

    @cached_property
    def attempts(self) -> Mapping[tuple[int, str], AttemptFacts]:
        return {(a.group, a.key): a for a in self.evidence.attempts}

    @cached_property
    def sends(self) -> Mapping[str, list[Send]]:
        """Every sending of every delivery, in their order."""
        found: dict[str, list[Send]] = defaultdict(list)
        for group in sorted(self.evidence.groups, key=lambda g: (g.opened_at, g.id)):
            for key in group.keys:
                answer = self.attempts.get((group.id, key))
                found[key].append(Send(group=group, outcome=answer.outcome if answer else None))
        return found

    @cached_property
    def events(self) -> list[tuple[datetime, str, dict[str, Any]]]:
        """Time, act and payload of every event of this broadcast."""
        found = []
        for event in self.evidence.log.events:
            payload = _object(event.payload.encode())
            if payload.get("broadcast") == self.broadcast.uid:
                found.append((datetime.fromisoformat(event.at), event.act, payload))
        return found

    def payloads(self, act: str) -> list[dict[str, Any]]:
        return [payload for _, name, payload in self.events if name == act]

    # --- what an acceptance is of, and how often it may have happened ---------------------------------------

    def part(self, delivery: DeliveryFacts) -> int:
        """The number of the part of a thread that it is; 1 where it is none, or the thread has no such part."""
        return delivery.ordinal if delivery.ordinal in self.threads.get(delivery.target, ()) else 1

    @cached_property
    def threads(self) -> Mapping[int, range]:
        """The numbers of the parts of each target that is a thread."""
        return {t.id: range(1, n + 1) for t in self.evidence.targets if (n := parts_of(t)) > 1}

    def says(self, delivery: DeliveryFacts, acceptance: Acceptance) -> bool:
        """Whether what was taken is this target's post, or of a thread just this part, each declared late slot filled
        with one text of bounded length."""
        target = self.targets[delivery.target]
        post = post_of(target)
        if post is None:
            return False
        post = post.part(self.part(delivery))
        if acceptance.link is not None and acceptance.link != post.link:
            return False
        if acceptance.images is not None and acceptance.images != tuple(each.sha256 for each in post.images):
            return False
        if acceptance.facts is not None and dict(acceptance.facts) != dict(post.facts):
            return False
        ours = f"{post.title}\0{post.text}" if acceptance.title is not None else post.text
        theirs = f"{acceptance.title}\0{acceptance.text}" if acceptance.title is not None else acceptance.text
        return re.fullmatch(_filled(ours, self._late_slots(target)), theirs) is not None

    def _late_slots(self, target: TargetFacts) -> list[str]:
        """As the approved manifest declares them: a mark that nobody declared is text like any other."""
        return [
            n for t in self.approved if t.get("post_sha256") == target.post_sha256 for n in t["late_slots"]
        ]

    @cached_property
    def approved(self) -> list[dict[str, Any]]:
        """The manifest's targets."""
        return list(self.manifest.get("targets", ()))

    def _keyless(self, acceptance: Acceptance) -> str:
        """Key of the delivery that a post without a key must be: the channel's only one, or the one that says this."""
        public = [d for d in self.evidence.deliveries if d.recipient is None]
        mine = [d for d in public if self.channel(d) == acceptance.platform]
        saying = [d for d in mine if d.target in self.targets and self.says(d, acceptance)]
        return next((d.key for d in saying or mine), "")

    def may_have_been_sent(self, delivery: DeliveryFacts) -> bool:
        """Ours is not sure: unknown, or set apart because a worker died on it twice."""
        return delivery.state in MAYBE or (delivery.state is S.QUARANTINED and delivery.resends > 0)

    def told_by_a_person(self, key: str) -> bool:
        """Somebody looked and said that it was sent: nothing else proves it. Of many texts at once the log names their
        channel and account."""
        target = self.targets.get(self.deliveries[key].target)
        of_target = {"channel": target.channel, "account": target.account} if target else {"delivery": key}
        said = [p for p in self.payloads("unknown_decided") if p.get("decision") == "sent"]
        return any(p.get("delivery") == key or of_target.items() <= p.items() for p in said)

    def most_acceptances(self, delivery: DeliveryFacts) -> int:
        """How often a platform may have taken it: once, and once more for each decision to send an unknown one again
        that the log tells of. A worker's death alone decides nothing. Where a backup was restored, one sending of what was
        not settled in it may have happened in the time that was lost, and nobody has a record of that."""
        decided = delivery.resends if self._sent_again or self._restored else 0
        sends = self.sends.get(delivery.key, [])
        lost = sum(not _settled_before(at, sends) for at in self._restored)
        return max(1, min(1 + decided, lost + sum(s.outcome not in SURELY_NOT for s in sends)))

    @cached_property
    def _restored(self) -> list[datetime]:
        """When a backup with this broadcast was restored."""
        return [at for at, act, _ in self.events if act == "deliveries_restored"]

    @cached_property
    def _sent_again(self) -> bool:
        return any(
            act == "unknown_sent_again" or (act == "unknown_decided" and p.get("decision") == "send_again")
            for _, act, p in self.events
        )

    # --- counts ----------------------------------------------------------------------------------------------

    def counts(self, channel: str) -> Counter[str]:
        """Of one channel, as a total queue is told: what was planned is ok, lost, unknown, unexpected or not sent."""
        found: Counter[str] = Counter()
        for target in self.targets.values():
            if target.channel == channel:
                found.update(self._counts_of(target))
        found["unexpected"] += sum(a.platform == channel for a in self.strangers)
        return found

    def has_gaps(self, target: TargetFacts) -> bool:
        """Whether it goes to those of one language, who keep the ordinals that they have in the whole audience. What follows
        texts counts anew."""
        audience = self.manifest.get("audience")
        return bool(target.speaking) and not (isinstance(audience, dict) and audience.get("received"))

    def _counts_of(self, target: TargetFacts) -> Counter[str]:
        mine = [d for d in self.evidence.deliveries if d.target == target.id]
        found = Counter(kind for d in mine for kind in self._kinds(d))
        made = {d.ordinal for d in mine}
        unmade = target.planned_total - len(made) if self.has_gaps(target) else len(expected(target) - made)
        found["not_sent" if self.ended_early else "lost"] += unmade
        found["planned"] = target.planned_total
        return found

    def _kinds(self, delivery: DeliveryFacts) -> Iterator[str]:
        took = len(self.taken.get(delivery.key, ()))
        if took:
            yield "ledger"
        if took > 1:
            yield "duplicated" if took > self.most_acceptances(delivery) else "duplicated_after_unknown"
        if delivery.state in ARRIVED:
            yield "database"
            if took:
                yield "ok"
            else:
                yield "unknown" if self.told_by_a_person(delivery.key) else "lost"
        elif self.may_have_been_sent(delivery):
            yield "unknown"
        else:
            yield "unexpected" if took else "not_sent"


def expected(target: TargetFacts) -> set[int]:
    """The ordinals that the deliveries of a target must have: of a thread, by the approved post and nobody's count."""
    if target.to_audience:
        return set(range(1, target.planned_total + 1))
    return set(range(1, parts + 1)) if (parts := parts_of(target)) > 1 else {0}


def _settled_before(moment: datetime, sends: list[Send]) -> bool:
    """Whether the platform had taken or refused it, so that nothing more of it was sent."""
    return any(s.outcome in SETTLING and s.group.opened_at < moment for s in sends)


def _filled(text: str, slots: list[str]) -> str:
    """A pattern of this text with its late slots filled: each the same everywhere, and never longer than declared."""
    pattern = re.escape(text)
    for name in slots:
        slot = LATE_SLOTS.get(name)
        if slot:
            mark = re.escape(slot.mark)
            pattern = pattern.replace(mark, f"(?P<{name}>[^\\n\\0]{{0,{len(slot.widest)}}})", 1)
            pattern = pattern.replace(mark, f"(?P={name})")
    return pattern


def _object(content: bytes) -> dict[str, Any]:
    """A JSON object, or an empty one where somebody altered it so that it cannot be read."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
