"""Feeds of weather services: administrators say which are watched and what of them concerns us; each is looked at when it is due.

What concerns us is laid before the officers and is never more than that: nothing here writes a message, and nothing of it is sent.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urljoin

import structlog

from broadcaster.db import audit_log, feed_warnings, feeds
from broadcaster.db.engine import Database, Tx
from broadcaster.db.feed_warnings import FeedWarning, WarningState
from broadcaster.db.feeds import Feed
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json, sha256
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, require
from broadcaster.domain.watching import Rule, SourceAlert, is_for_the_public
from broadcaster.service.feed_reading import MOST_BYTES, Entry, Unreadable, read_alert, read_feed
from broadcaster.service.fetching import Fetched, Fetching
from broadcaster.service.outgoing import NotReached
from broadcaster.service.record import SYSTEM
from broadcaster.service.rules import Rules

log = structlog.get_logger()

LEAST_S, MOST_S = 30, 86_400
MOST_FEEDS, MOST_RULES, MOST_NAME_CHARS = 50, 30, 64
CLAIMED_S = 300.0  # longer than a look takes: a feed and twenty alerts, each within its time
MOST_LINKED = 20  # alerts fetched in one look; the rest is next
WIPE_EVERY_S = 3_600.0
MOST_BACK_OFF_S = 1_800
NOTED_KEPT = timedelta(days=90)
ENTRIES_KEPT = timedelta(
    days=2
)  # after they left the feed: some servers answer with yesterday's copy now and then


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look found: `warnings` of which `laid` lie before the officers. `said` is empty where all went well."""

    warnings: int = 0
    laid: int = 0
    changed: bool = False
    said: str = ""


class Feeds:
    """`current` gives the template of a name, or raises NotFound, or Stale where it is retired."""

    def __init__(
        self,
        database: Database,
        fetching: Fetching,
        rules: Rules,
        current: Callable[[str], NoticeTemplate],
    ) -> None:
        self._database = database
        self._fetching = fetching
        self._rules = rules
        self._current = current
        self._wipe_at = 0.0  # by this process's own clock

    # --- what administrators do -----------------------------------------------------------------------------

    def listed(self, actor: Person) -> list[Feed]:
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return feeds.every(tx)

    def add(
        self,
        actor: Person,
        *,
        name: str,
        url: str,
        every_s: int,
        rules: Sequence[Rule],
        silent_h: int = 0,
    ) -> str:
        """From now on it is looked at so often. Its uid. Invalid where it can never be."""
        require(actor.name, actor.roles, Action.MANAGE)
        host = self._checked(name, url, every_s, rules, silent_h)
        with self._database.write() as tx:
            self._rules.require_fresh(tx, actor)
            others = feeds.every(tx)
            if len(others) >= MOST_FEEDS:
                raise Invalid(
                    f"{MOST_FEEDS} feeds are watched already. Remove one first. Nothing was changed."
                )
            if name.strip().casefold() in {each.name.casefold() for each in others}:
                raise Invalid(f"name: there is a feed {name.strip()} already. Nothing was changed.")
            uid = feeds.insert(
                tx,
                name=name.strip(),
                url=url.strip(),
                every_s=every_s,
                silent_h=silent_h,
                rules=rules,
                by=actor.id,
            )
            payload = _payload(uid, url, every_s, silent_h, rules)
            audit_log.append(tx, actor=actor.name, act="feed_added", subject=name.strip(), payload=payload)
        log.info("feed_added", host=host)
        return uid

    def change(
        self, actor: Person, uid: str, *, url: str, every_s: int, rules: Sequence[Rule], silent_h: int = 0
    ) -> None:
        """Another address, pace or rules. It is read anew: what concerned nobody may concern us now."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            self._rules.require_fresh(tx, actor)
            found = _find(tx, uid)
            self._checked(found.name, url, every_s, rules, silent_h)
            feeds.change(tx, found.id, url=url.strip(), every_s=every_s, silent_h=silent_h, rules=rules)
            payload = _payload(found.uid, url, every_s, silent_h, rules)
            audit_log.append(tx, actor=actor.name, act="feed_changed", subject=found.name, payload=payload)

    def remove(self, actor: Person, uid: str) -> None:
        """It is not looked at any more. What it has warned of stays on record."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            found = _find(tx, uid)
            feeds.remove(tx, found.id)
            payload: dict[str, Json] = {"feed": found.uid, "heard": found.heard}
            audit_log.append(tx, actor=actor.name, act="feed_removed", subject=found.name, payload=payload)

    def check(self, actor: Person, uid: str) -> Look:
        """Look at it now, whether it is due or not."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.read() as tx:
            found = _find(tx, uid)
        return self._look_at(found)

    def find(self, actor: Person, uid: str) -> Feed:
        """By its uid or its name."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return _find(tx, uid)

    def _checked(self, name: str, url: str, every_s: int, rules: Sequence[Rule], silent_h: int) -> str:
        problems = []
        if not name.strip() or len(name.strip()) > MOST_NAME_CHARS or not name.isprintable():
            problems.append(f"name: give one of at most {MOST_NAME_CHARS} characters, such as Met Office")
        if not LEAST_S <= every_s <= MOST_S:
            problems.append(f"every: give {LEAST_S} seconds to a day; a minute is kind to the source")
        if not 0 <= silent_h <= 24 * 366:
            problems.append("silent: give hours, or 0 where it may be silent for ever")
        if not rules or len(rules) > MOST_RULES:
            problems.append(f"rules: give 1 to {MOST_RULES} of them: without one nothing concerns us")
        for rule in rules:
            problems += self._of_template(rule)
        try:
            host = self._fetching.check(url.strip())
        except Invalid:  # its own words are about webhooks
            problems.append(
                "url: give the public address of a feed, beginning with https://, without a password in it"
            )
        if problems:
            raise Invalid("This feed cannot be watched. Nothing was changed.", details=tuple(problems))
        return host

    def _of_template(self, rule: Rule) -> list[str]:
        try:
            template = self._current(rule.template)
        except (NotFound, Stale) as unusable:
            return [f"template: {unusable.text}"]
        names = {blank.name for blank in template.blanks}
        return [
            f"blanks: {rule.template} has no blank {each}.{did_you_mean(each, names)}"
            for each in rule.blanks
            if each not in names
        ]

    # --- looking --------------------------------------------------------------------------------------------

    def look(self) -> int:
        """Every feed that is due, one after the other. Safe at any number of places at once: each claims what it looks at."""
        looked = 0
        while looked < MOST_FEEDS and (row := self._due()):
            self._look_at(row)
            looked += 1
        self.lapse()
        if time.monotonic() >= self._wipe_at:
            self._wipe_at = time.monotonic() + WIPE_EVERY_S
            self.wipe_old()
        return looked

    def _due(self) -> Feed | None:
        """Asked by reading first: nothing is written while nothing is due."""
        with self._database.read() as tx:
            if not any(each.next_at <= tx.now() for each in feeds.every(tx)):
                return None
        with self._database.write() as tx:
            return feeds.claim(tx, for_s=CLAIMED_S)

    def lapse(self) -> int:
        """What ended before anybody decided about it: that is on record too."""
        with self._database.read() as tx:
            now = tx.now()
            over = [each for each in feed_warnings.waiting(tx) if each.ends_at and each.ends_at <= now]
        for each in over:
            with self._database.write() as tx:
                row = feed_warnings.by_uid(tx, each.uid, lock=True)
                if row and row.state is WarningState.WAITING:
                    feed_warnings.change(tx, row.id, {"state": WarningState.LAPSED, "decided_at": tx.now()})
                    payload: dict[str, Json] = {"warning": row.uid}
                    audit_log.append(
                        tx, actor=SYSTEM, act="warning_lapsed", subject=row.feed, payload=payload
                    )
        return len(over)

    def wipe_old(self) -> bool:
        """Warnings that concerned nobody."""
        with self._database.write() as tx:
            return feed_warnings.wipe_noted(tx, tx.now() - NOTED_KEPT) > 0

    def _look_at(self, row: Feed) -> Look:
        """It never raises what the other side has caused: that is told by `said`, and tried again later and later."""
        try:
            fetched = self._fetching.fetch(
                row.url, etag=row.etag, modified=row.modified, most_bytes=MOST_BYTES
            )
            found = self._read(row, fetched) if fetched.changed else Look()
        except (NotReached, Unreadable) as trouble:
            found = Look(said=str(trouble))
        with self._database.write() as tx:
            if found.said:
                again_s = min(MOST_BACK_OFF_S, row.every_s * 2 ** min(row.tries, 10))
                feeds.went_wrong(tx, row, said=found.said, again_s=max(again_s, min(row.every_s, MOST_S)))
            else:
                feeds.went_well(tx, row, etag=fetched.etag, modified=fetched.modified, changed=found.changed)
        if found.said:
            log.warning("feed_not_read", feed=row.uid, said=found.said)
        return found

    def _read(self, row: Feed, fetched: Fetched) -> Look:
        """What is new is heard, the oldest first, as feeds have the newest on top. A line counts as read once what it leads to
        was heard, or can never be."""
        by_mark = {sha256(entry.mark): entry for entry in read_feed(fetched.body)}
        with self._database.read() as tx:
            new = feeds.unseen(tx, row.id, list(by_mark))
        lines = [(mark, entry) for mark, entry in reversed(by_mark.items()) if mark in new]
        look, said, linked = Look(changed=bool(lines)), "", 0
        for mark, entry in lines:
            linked += bool(entry.href)
            if linked > MOST_LINKED:
                said = said or "more than can be read at once"
                break
            try:
                alert = self._alert(row, entry)
            except NotReached as trouble:
                said = said or f"linked alert: {trouble}"
                continue
            except Unreadable as trouble:
                log.warning("alert_not_read", feed=row.uid, said=str(trouble))
                alert = None
            look = self._heard(row, mark, alert, look)
        with self._database.write() as tx:
            feeds.forget(tx, row.id, still_there=list(by_mark), before=tx.now() - ENTRIES_KEPT)
        return Look(warnings=look.warnings, laid=look.laid, changed=look.changed, said=said)

    def _alert(self, row: Feed, entry: Entry) -> SourceAlert | None:
        if not entry.href:
            return entry.alert
        body = self._fetching.fetch(urljoin(row.url, entry.href), most_bytes=MOST_BYTES).body
        return read_alert(body)

    def _heard(self, row: Feed, mark: str, alert: SourceAlert | None, look: Look) -> Look:
        """A transaction each: nobody who sends waits for a whole feed."""
        with self._database.write() as tx:
            made = self._hear(tx, row, alert) if alert else None
            if feeds.unseen(tx, row.id, [mark]):  # of two who look at once, the second finds it read
                feeds.see(tx, row.id, [mark])
        laid = made is not None and made.state is WarningState.WAITING
        return Look(warnings=look.warnings + (made is not None), laid=look.laid + laid, changed=look.changed)

    def _hear(self, tx: Tx, row: Feed, alert: SourceAlert) -> FeedWarning | None:
        """None where it was heard before, from here or elsewhere."""
        tx.alone("feed_warnings")
        if feed_warnings.is_known(tx, alert.key):
            return None
        before = _chain_before(tx, alert)
        rule = next((each for each in row.rules if each.concerns(alert)), None)
        written = next((each for each in before if each.state is WarningState.WRITTEN), None)
        rule = (written.rule or rule) if written else rule
        laid = _is_laid(alert, rule, written, over=bool(alert.ends and alert.ends <= tx.now()))
        replaced = [] if not is_for_the_public(alert) else _replace(tx, before)
        made = feed_warnings.insert(
            tx,
            row.id,
            alert,
            state=WarningState.WAITING if laid else WarningState.NOTED,
            rule=rule,
            first_id=before[0].first_id if before else None,
        )
        if laid or replaced:
            payload: dict[str, Json] = {"warning": made.uid, "kind": alert.kind, "template": made.template}
            payload |= {"laid": laid, "replaces": list(replaced), "content_sha256": sha256(alert.to_json())}
            audit_log.append(tx, actor=SYSTEM, act="warning_heard", subject=row.name, payload=payload)
        return made


def _is_laid(alert: SourceAlert, rule: Rule | None, written: FeedWarning | None, *, over: bool) -> bool:
    """Before the officers goes what one of our rules concerns, and all that the source says later of what we have sent or are
    writing: also that it is over, or less grave than we ask for."""
    if not is_for_the_public(alert):
        return False
    if written:
        return True
    return alert.kind != "Cancel" and rule is not None and not over


def _chain_before(tx: Tx, alert: SourceAlert) -> list[FeedWarning]:
    """All that it refers to, and what those refer to."""
    firsts = sorted({each.first_id for each in feed_warnings.of_keys(tx, alert.references)})
    return [each for first in firsts for each in feed_warnings.chain(tx, first)]


def _replace(tx: Tx, before: Sequence[FeedWarning]) -> list[str]:
    """What nobody has decided about yet is the source's former word."""
    waiting = [each for each in before if each.state is WarningState.WAITING]
    for each in waiting:
        feed_warnings.change(tx, each.id, {"state": WarningState.REPLACED, "decided_at": tx.now()})
    return [each.uid for each in waiting]


def _find(tx: Tx, uid: str) -> Feed:
    every = feeds.every(tx)
    found = next((e for e in every if uid.strip().casefold() in {e.uid, e.name.casefold()}), None)
    if found is None:
        raise NotFound(f'There is no feed "{uid}".{did_you_mean(uid, [e.name for e in every])}')
    return found


def _payload(uid: str, url: str, every_s: int, silent_h: int, rules: Sequence[Rule]) -> dict[str, Json]:
    """Digests, for an address may hold a key."""
    told: list[Json] = [rule.template for rule in rules]
    made: dict[str, Json] = {"feed": uid, "url_sha256": sha256(url.strip()), "every_s": every_s}
    return {
        **made,
        "silent_h": silent_h,
        "templates": told,
        "rules_sha256": sha256([r.to_json() for r in rules]),
    }
