"""Webhooks: what happens here is told to programs elsewhere, signed, at least once, and from the sealed audit log alone.

Up to which event it was told is a row of its own, changed together with the messages that come of the events: whatever dies
when, nothing is left out and nothing is made up. A message that may have arrived is sent again under the same id.
"""

import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

import structlog

from broadcaster.db import audit_log, messages, webhooks
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.db.webhooks import Message, Told, Webhook
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.canonical import Json, canonical
from broadcaster.domain.errors import Invalid
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require
from broadcaster.domain.webhook_changes import AddWebhook, ChangeWebhook, RotateWebhook, host_of
from broadcaster.domain.webhooks import AFTER_TRIES, TEST, TYPES, content, signature
from broadcaster.service.outgoing import NotReached, Outgoing
from broadcaster.service.proposals import Outcome, Proposals
from broadcaster.service.record import SYSTEM
from broadcaster.service.webhook_changes import find

log = structlog.get_logger()

AT_ONCE = 500  # events looked at in one transaction
CLAIMED = 100  # tries in a row: then it is looked again whether there is news
LEASE = timedelta(minutes=6)  # longer than a try takes, of each of the twenty that there may be
SKIPPED = 1_000  # events that tell nobody anything, before that is written down
KEPT_FOR = timedelta(days=7)
GONE = 410  # "disable the endpoint", says Standard Webhooks
SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Tested:
    """`said` is the status of the answer, or why there was none."""

    arrived: bool
    said: str


class Webhooks:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        outgoing: Outgoing,
        proposals: Proposals,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._vault = vault
        self._outgoing = outgoing
        self._proposals = proposals
        self._wall = wall

    # --- what administrators do -----------------------------------------------------------------------------

    def listed(self, actor: Person) -> list[Webhook]:
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.read() as tx:
            return webhooks.every(tx)

    def one(self, actor: Person, uid: str) -> Webhook:
        require(actor.name, actor.roles, Action.MANAGE)
        return self._found(uid)

    def deliveries(self, actor: Person, uid: str) -> list[Told]:
        """What it was told last, and what it is still to be told, the newest first."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.read() as tx:
            return webhooks.newest(tx, find(tx, uid).id, limit=SHOWN)

    def add(self, actor: Person, url: str, *, types: Collection[str] = (), reason: str = "") -> Outcome:
        """From then on this address is told of these types, or of all. Where two administrators decide, once another one has
        confirmed it. Invalid where it can never be."""
        require(actor.name, actor.roles, Action.MANAGE)
        self._outgoing.check(url)
        return self._proposals.propose(actor, AddWebhook(url=url, types=_checked(types)), reason)

    def change(
        self, actor: Person, uid: str, *, url: str, types: Collection[str] = (), reason: str = ""
    ) -> Outcome:
        """Another address, or other types. Its secret stays."""
        require(actor.name, actor.roles, Action.MANAGE)
        self._outgoing.check(url)
        before = self._found(uid).url
        change = ChangeWebhook(uid=uid, before=before, url=url, types=_checked(types))
        return self._proposals.propose(actor, change, reason)

    def rotate(self, actor: Person, uid: str, *, reason: str = "") -> Outcome:
        """Another secret. What its receiver refuses until it knows it is told again, as ever."""
        require(actor.name, actor.roles, Action.MANAGE)
        return self._proposals.propose(actor, RotateWebhook(uid=uid, url=self._found(uid).url), reason)

    def _found(self, uid: str) -> Webhook:
        with self._database.read() as tx:
            return find(tx, uid)

    def remove(self, actor: Person, uid: str) -> None:
        """With all that it was still to be told."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            found = find(tx, uid)
            webhooks.remove(tx, found.id)
            payload: dict[str, Json] = {"webhook": found.uid, "waiting": found.waiting}
            audit_log.append(
                tx, actor=actor.name, act="webhook_removed", subject=host_of(found.url), payload=payload
            )

    def test(self, actor: Person, uid: str) -> Tested:
        """Tell it something made up, now and once. One that was disabled is enabled again where that arrives."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            found = find(tx, uid)
            text = canonical({"type": TEST, "timestamp": tx.now().isoformat(), "data": {}}).decode()
            made, message_uid = webhooks.add_message(tx, found.id, kind=TEST, content=text, due=False)
        tested = self._post(
            Message(id=made, uid=message_uid, type=TEST, content=text, tries=1, webhook=found)
        )
        with self._database.write() as tx:
            if tested.arrived:
                webhooks.arrived(tx, made, found.id, tested.said)
                if found.disabled_at:
                    webhooks.enable(tx, found.id)
            payload = {"webhook": found.uid, "said": tested.said}
            audit_log.append(
                tx, actor=actor.name, act="webhook_tested", subject=host_of(found.url), payload=payload
            )
        return tested

    # --- what a process does by itself ------------------------------------------------------------------------

    def look(self) -> int:
        """Find what is to be told, and tell what is due: each webhook one thing at a time, so that one that does not answer
        keeps the others waiting for seconds only. How many were tried."""
        self._find_news()
        tried = 0
        while tried < CLAIMED and (claimed := self._claimed()):
            tested = [(each, self._post(each)) for each in claimed]
            for each, became in tested:
                self._record(each, became)
            tried += len(claimed)
            if not all(became.arrived for _, became in tested):
                break
        return tried

    def _claimed(self) -> list[Message]:
        with self._database.read() as tx:
            if not webhooks.is_due(tx):
                return []
        with self._database.write() as tx:
            return webhooks.claim(tx, lease=LEASE)

    def wipe_old(self) -> bool:
        with self._database.write() as tx:
            return webhooks.wipe(tx, tx.now() - KEPT_FOR) > 0

    def _find_news(self) -> None:
        with self._database.read() as tx:
            size = audit_log.size(tx)
            behind = [h for h in webhooks.every(tx) if h.seen_no < size and not h.disabled_at]
            behind = [
                h
                for h in behind
                if size - h.seen_no >= SKIPPED or webhooks.events_after(tx, h.seen_no, TYPES, limit=1)
            ]
        for hook in behind:
            with self._database.write() as tx:
                seen = webhooks.lock(tx, hook.id)
                if seen is not None:
                    _queue(tx, hook, seen)

    def _post(self, message: Message) -> Tested:
        hook, now = message.webhook, int(self._wall())
        secret = self._vault.open(hook.secret_sealed, hook.bound_to)
        headers = {
            "content-type": "application/json",
            "webhook-id": message.uid,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(secret, uid=message.uid, timestamp=now, body=message.content),
        }
        try:
            status = self._outgoing.post(hook.url, message.content.encode(), headers)
        except NotReached as error:
            return Tested(arrived=False, said=str(error)[:64])
        return Tested(arrived=200 <= status < 300, said=str(status))

    def _record(self, message: Message, tested: Tested) -> None:
        hook = message.webhook
        with self._database.write() as tx:
            if tested.arrived:
                webhooks.arrived(tx, message.id, hook.id, tested.said)
                return
            last = message.tries > len(AFTER_TRIES) or tested.said == str(GONE)
            next_at = None if last else tx.now() + AFTER_TRIES[message.tries - 1]
            webhooks.failed(tx, message.id, hook.id, tested.said, next_at=next_at)
            if last and webhooks.disable(tx, hook.id):
                payload = {"webhook": hook.uid, "said": tested.said}
                audit_log.append(
                    tx, actor=SYSTEM, act="webhook_disabled", subject=host_of(hook.url), payload=payload
                )
        log.warning("webhook_not_told", webhook=hook.uid, said=tested.said, tries=message.tries)


def _queue(tx: Tx, hook: Webhook, seen: int) -> None:
    size = audit_log.size(tx)
    found = webhooks.events_after(tx, seen, TYPES, limit=AT_ONCE)
    for event in found:
        kind = TYPES[event.act]
        if not hook.types or kind in hook.types:
            webhooks.add_message(tx, hook.id, kind=kind, content=_said(tx, event))
    up_to = found[-1].no if len(found) == AT_ONCE else size
    webhooks.set_seen(tx, hook.id, up_to or size)


def _said(tx: Tx, event: AuditEvent) -> str:
    message = messages.by_ref(tx, event.subject)
    try:
        payload = json.loads(event.payload)
    except ValueError:  # altered by somebody; the check of the log says so
        payload = {}
    return canonical(content(event, payload, mode=message.mode if message else "")).decode()


def _checked(types: Collection[str]) -> tuple[str, ...]:
    known = set(TYPES.values())
    wrong = [f'"{each}" is not told.{did_you_mean(each, known)}' for each in types if each not in known]
    if wrong:
        raise Invalid("The types cannot be used. Nothing was changed.", details=tuple(wrong))
    return tuple(sorted(set(types)))
