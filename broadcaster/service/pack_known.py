"""What the database knows of one message, read for its inquiry pack. Nothing of any single recipient is among it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.db import audiences, audit_log, audit_pages, broadcasts, messages, redactions, submissions
from broadcaster.db.audit_pages import Leg, Search
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message
from broadcaster.db.redactions import Redaction
from broadcaster.db.submissions import HandedOver
from broadcaster.domain.audience import AudienceSummary
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.message import Facts
from broadcaster.domain.post import Post, digest_of
from broadcaster.service.approved import Tampered, verified
from broadcaster.service.timeline import Timeline, story

MOST_ROWS = 200  # of a table whose rows nothing else bounds
FAULTS = (
    *("alarm_raised", "alarm_cleared", "alarm_acknowledged", "account_paused", "account_resumed"),
    *("account_failing", "account_takes_again", "account_readiness_changed", "restored", "backup_taken"),
)
READ = ("audit_log_read", "audit_events_exported")
TAKEN = ("outcomes_exported", "poster_taken", "message_proved", "inquiry_pack_exported")
BEFORE = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class SentPost:
    """What one place was sent, late slots filled where it was released. `post` is None where what is stored is not what
    was approved."""

    account: str
    channel: str
    sha256: str
    post: Post | None
    redacted: str = ""  #: under which code and by whose authority; the text is then what is left of it


@dataclass(frozen=True, kw_only=True)
class Known:
    """`faults` are events of the whole installation while it was on its way, `access` who read or took what is recorded
    of it. Of both the first MOST_ROWS."""

    message: Message
    facts: Facts
    incident: str
    events: tuple[AuditEvent, ...]
    story: Timeline
    handed_over: tuple[HandedOver, ...]
    manifest: Mapping[str, Any]
    broadcast: Broadcast | None
    posts: tuple[SentPost, ...]
    audience: AudienceSummary | None
    faults: tuple[AuditEvent, ...]
    access: tuple[AuditEvent, ...]
    now: datetime

    @property
    def approval(self) -> HandedOver | None:
        return next((each for each in reversed(self.handed_over) if each.approved_by), None)


def known_of(tx: Tx, ref: str, zone: ZoneInfo) -> Known:
    found = messages.find(tx, ref)
    events = tuple(audit_log.events(tx, subject=found.ref))
    row = broadcasts.by_message(tx, found.id)
    submitted = submissions.latest_for(tx, found.id)
    version = messages.current_version(tx, found)
    return Known(
        message=found,
        facts=version.facts,
        incident=messages.incident_ref(tx, found.incident_id),
        events=events,
        story=story(tx, found, events, zone),
        handed_over=tuple(submissions.history(tx, found.id)),
        manifest=json.loads(submitted.manifest) if submitted else {},
        broadcast=row,
        posts=tuple(_released(tx, row, zone) if row else _handed_over(tx, submitted)),
        audience=audiences.summary_of(tx, version.audience_version_id)
        if version.audience_version_id
        else None,
        faults=_faults(tx, events, row),
        access=_access(tx, found.ref, events),
        now=tx.now(),
    )


def _released(tx: Tx, row: Broadcast, zone: ZoneInfo) -> list[SentPost]:
    found = []
    for target in broadcasts.targets(tx, row.id):
        approved = broadcasts.approved_post(tx, target.id)
        try:
            post = verified(approved, row.mode, zone, through=target.account)
        except (Tampered, ValueError, KeyError, TypeError):
            post = None
        sha256 = digest_of(approved.content)
        redacted = _redacted(tx, row, target.account, approved.manifest) if post is None else None
        if redacted:
            found.append(_what_is_left(target, approved.content, redacted))
            continue
        found.append(SentPost(account=target.account, channel=target.channel, sha256=sha256, post=post))
    return found


def _redacted(tx: Tx, row: Broadcast, account: str, manifest: bytes) -> tuple[str, Redaction] | None:
    """The digest as approved and the redaction that names it: then it is what is left, and no tampering."""
    try:
        targets = json.loads(manifest)["targets"]
    except (ValueError, KeyError, TypeError):
        return None
    digests = {t.get("post_sha256") for t in targets if t.get("account") == account}
    for each in reversed(redactions.of_message(tx, row.message_id)):
        for digest in digests & set(each.digests):
            return str(digest), each
    return None


def _what_is_left(target: Target, content: bytes, redacted: tuple[str, Redaction]) -> SentPost:
    digest, by = redacted
    try:
        post = Post.from_bytes(content)
    except (ValueError, KeyError, TypeError):
        post = None
    said = f"redacted under {by.code}, authorised by {by.authorised_by}"
    return SentPost(account=target.account, channel=target.channel, sha256=digest, post=post, redacted=said)


def _handed_over(tx: Tx, submitted: submissions.Submission | None) -> list[SentPost]:
    stored = submissions.posts(tx, submitted.id) if submitted else []
    return [
        SentPost(
            account=p.account,
            channel=p.channel,
            sha256=digest_of(p.content),
            post=Post.from_bytes(p.content),
        )
        for p in stored
    ]


def _faults(tx: Tx, events: Sequence[AuditEvent], row: Broadcast | None) -> tuple[AuditEvent, ...]:
    """While it was on its way: from shortly before it was handed over until the last that is recorded of it."""
    handed = [e for e in events if e.act == "message_submitted"]
    if not handed or not row:
        return ()
    since = datetime.fromisoformat(handed[-1].at) - BEFORE
    until = max(datetime.fromisoformat(events[-1].at), row.released_at) + BEFORE
    search = Search(since=since, until=until, legs=tuple(Leg(act=act) for act in FAULTS))
    return tuple(reversed(audit_pages.page(tx, search, after=None, size=MOST_ROWS).events))


def _access(tx: Tx, ref: str, events: Sequence[AuditEvent]) -> tuple[AuditEvent, ...]:
    """Who looked for it in the log or took something of it away, or the log as a whole."""
    named = (f'"about":"{ref}"', f'"about":"{ref.lower()}"')
    since = datetime.fromisoformat(events[0].at)
    legs = (*(Leg(act=act, holds=named) for act in READ), Leg(act="audit_log_exported"))
    looked = audit_pages.page(tx, Search(since=since, legs=legs), after=None, size=MOST_ROWS).events
    taken = [e for e in events if e.act in TAKEN]
    return tuple(sorted((*looked, *taken), key=lambda e: (e.at, e.id)))[:MOST_ROWS]
