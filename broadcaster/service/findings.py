"""What is wrong, in sentences: what happened, what it means, what to do. A person reads them at 3 a.m."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broadcaster.db.accounts import AccountRow
from broadcaster.db.alarms import COUNTED, Places
from broadcaster.db.authorities import Broken
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.feeds import Feed
from broadcaster.db.readiness import Probed
from broadcaster.db.reminders import Reminder
from broadcaster.db.storm import Storm
from broadcaster.db.webhooks import Webhook
from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from channels import channel_class
from channels.base import AfterUnknown

#: What is being done about an unknown outcome meanwhile.
DOING: Mapping[AfterUnknown, str] = {
    AfterUnknown.IDEMPOTENT: "it is written again",
    AfterUnknown.READABLE: "our own posts there are read back",
    AfterUnknown.DEDUPLICATING: "it is sent again under the same key",
    AfterUnknown.QUERYABLE: "the platform is asked",
    AfterUnknown.BLIND: "the delivery receipt is waited for",
}
SHOWN = 5
WORK = {Lane.PUBLIC: "public posts", Lane.BULK: "texts"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong now."""

    code: AlarmCode
    subject: str
    text: str
    size: int = 1

    @property
    def key(self) -> tuple[AlarmCode, str]:
        return self.code, self.subject


def unknown_waits(places: Places) -> Finding:
    doing = "; ".join(f"{c}: {DOING[channel_class(c).after_unknown]}" for c in sorted(places.by_channel))
    return _of_message(
        places,
        AlarmCode.UNKNOWN_WAITS,
        f"{_deliveries(places)} may or may not have been sent, for more than 2 minutes now. It is being looked into "
        f"({doing}): wait. What nothing proves is then left to you.",
    )


def unknown_undecided(places: Places) -> Finding:
    return _of_message(
        places,
        AlarmCode.UNKNOWN_UNDECIDED,
        f"{_deliveries(places)} may or may not have been sent, and nothing will prove it. Look at the platform, then "
        "decide.",
    )


def post_not_seen(places: Places) -> Finding:
    where = ", ".join(sorted(places.by_channel))
    return _of_message(
        places,
        AlarmCode.POST_NOT_SEEN,
        f"{places.ref} was accepted, and a minute later it was not there or did not say what was approved ({where}). Look "
        "yourself, as a reader would; then post it by hand, or say what you found.",
    )


def next_update_due(due: Reminder, *, overdue: bool) -> Finding:
    when = "is overdue" if overdue else "is due in less than ten minutes"
    text = (
        f"The next update of {due.ref} ({due.headline}) {when}: people were promised word, even if nothing has changed. "
        "Write it from the message's page."
    )
    return Finding(code=AlarmCode.NEXT_UPDATE_DUE, subject=due.ref, text=text)


def quarantined(places: Places) -> Finding:
    return _of_message(
        places,
        AlarmCode.QUARANTINED,
        f"Not sent, nor will be: {_deliveries(places)}. What is stored is not what was approved. Tell an "
        "administrator, and write a new message for whoever was not reached.",
    )


def counts_differ(row: Broadcast, *, planned: int, totals: Mapping[str, int]) -> Finding:
    """An ended broadcast whose states do not add up to what was planned."""
    states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in totals.items()) or "nothing"
    text = (
        f"{row.ref} has ended with {planned:,} deliveries planned and {sum(totals.values()):,} counted ({states}). "
        "Some were lost or doubled. Tell an administrator, and keep the database as it is."
    )
    return Finding(code=AlarmCode.COUNTS_DIFFER, subject=row.ref, text=text)


def schedule_not_sent(ref: str, name: str, when: str, why: str) -> Finding:
    """A run of a schedule that did not go out, as the system itself decided or found."""
    text = (
        f'The scheduled notice "{name}" ({ref}) that was due at {when} did not go out: {why} It is not sent later. If '
        "people need it, write it by hand now; then mend the cause, so that the next run goes out."
    )
    return Finding(code=AlarmCode.SCHEDULE_NOT_SENT, subject=ref, text=text)


def account_paused(row: AccountRow) -> Finding:
    text = (
        f"The {row.mode} account {row.name} is paused, and nothing is sent with it. {row.pause_reason} Mend the "
        "account, then resume it."
    )
    return Finding(code=AlarmCode.ACCOUNT_PAUSED, subject=f"{row.mode}/{row.name}", text=text)


def account_failing(row: AccountRow) -> Finding:
    text = (
        f"The {row.mode} account {row.name} has failed since {row.failing_since:%H:%M} UTC: its gateway refuses, or does "
        "not answer. Its texts go through its spares. It is tried every 5 seconds and used again by itself once it takes "
        "one. A check of the account says why."
    )
    return Finding(code=AlarmCode.ACCOUNT_FAILING, subject=f"{row.mode}/{row.name}", text=text)


def account_not_ready(probed: Probed) -> Finding:
    text = (
        f"The {probed.mode} account {probed.name} could not send now. {probed.readiness.operator_text} Messages that need "
        "it cannot be approved. Mend its file, restart, then check it."
    )
    return Finding(code=AlarmCode.ACCOUNT_NOT_READY, subject=f"{probed.mode}/{probed.name}", text=text)


def credentials_end(probed: Probed, ends: datetime) -> Finding:
    text = (
        f"The credentials of the {probed.mode} account {probed.name} end on {ends.day} {ends:%B %Y} at {ends:%H:%M} UTC, "
        "and nothing is sent with it afterwards. Renew them in its file, restart, then check it."
    )
    return Finding(code=AlarmCode.CREDENTIALS_END, subject=f"{probed.mode}/{probed.name}", text=text)


def nobody_sends(mode: Mode, lane: Lane, ref: str) -> Finding:
    text = (
        f"{mode.capitalize()} {WORK[lane]} have been waiting for more than 30 seconds and no worker takes them, first "
        f"those of {ref}. They go out once one does. See that the broadcaster runs, and why its workers do not."
    )
    subject = f"{mode}/{lane}"
    return Finding(code=AlarmCode.NOBODY_SENDS, subject=subject, text=text)


def _of_message(places: Places, code: AlarmCode, text: str) -> Finding:
    return Finding(code=code, subject=places.ref, text=text, size=places.size)


def _deliveries(places: Places) -> str:
    """`3 deliveries of 7F3K2M (1 to facebook, 2 to sms)`."""
    where = ", ".join(f"{_at_least(n)} to {channel}" for channel, n in sorted(places.by_channel.items()))
    noun = "delivery" if places.size == 1 else "deliveries"
    at_least = "At least " if max(places.by_channel.values()) >= COUNTED else ""
    return f"{at_least}{places.size:,} {noun} of {places.ref} ({where})"


def _at_least(number: int) -> str:
    return f"at least {number:,}" if number >= COUNTED else f"{number:,}"


def webhook_failing(hook: Webhook) -> Finding:
    host = hook.url.partition("://")[2].partition("/")[0]
    since = f"{hook.failing_since or hook.disabled_at:%H:%M} UTC"
    text = (
        f"The webhook to {host} was disabled: for three days nothing reached it, or it said that it is gone. What happened since is "
        f"not told to it. Mend its receiver and test it, or remove it."
        if hook.disabled_at
        else f"Nothing has reached the webhook to {host} since {since}. It is tried again for three days, and sending messages does not "
        f"wait for it. Testing it says why."
    )
    return Finding(code=AlarmCode.WEBHOOK_FAILING, subject=host[:128], text=text)


def break_glass_unreviewed(used: Broken) -> Finding:
    text = (
        f"{used.person} sent {used.ref} by break-glass on {used.at:%d %b %H:%M} UTC, and nobody has reviewed it within a day. An "
        "approver or auditor who had no part in it looks at it and writes down what was found."
    )
    return Finding(code=AlarmCode.BREAK_GLASS_UNREVIEWED, subject=used.ref, text=text)


def storm_mode_long(on: Storm) -> Finding:
    text = (
        f"Storm mode has been on since {on.on_at:%H:%M} UTC on {on.on_at.day} {on.on_at:%B} ({on.on_by}: {on.reason}). Everything "
        "routine waits. If the storm is over, switch it off, then decide about what was held."
    )
    return Finding(code=AlarmCode.STORM_MODE_LONG, subject="storm mode", text=text)


def held_undecided(refs: Sequence[str]) -> Finding:
    text = (
        f"Storm mode is over, and what it held waits for a decision: {', '.join(refs[:SHOWN])}"
        f"{f' and {len(refs) - SHOWN} more' if len(refs) > SHOWN else ''}. None goes out by itself."
    )
    return Finding(code=AlarmCode.HELD_UNDECIDED, subject="storm mode", text=text, size=len(refs))


def feed_failing(row: Feed) -> Finding:
    if row.failing_since:
        since = f"{row.failing_since:%H:%M} UTC ({row.said})"
        text = (
            f"{row.name} cannot be read since {since}. What it warns of meanwhile is laid before nobody: look at its own pages. "
            "It is tried again by itself; looking at it now says why."
        )
    else:
        text = (
            f"{row.name} has had nothing new since {row.changed_at:%H:%M UTC on %d %B}, longer than you expect. Its feed answers, but "
            "nobody may be filling it any more: look at its own pages."
        )
    return Finding(code=AlarmCode.FEED_FAILING, subject=row.name, text=text)


def nobody_seals() -> Finding:
    return Finding(
        code=AlarmCode.NOBODY_SEALS,
        subject="audit log",
        text="What was done in the last minute is written down and not sealed yet: until it is, somebody could alter it unseen. "
        "Look whether the sealer runs and can read its key: see its log.",
    )


def nobody_anchors(where: str, since: str) -> Finding:
    text = (
        f"The audit log was not laid down outside by {where} {since}. Sending and sealing go on; until it is, whoever runs the "
        "database could replace what was written since. The log of the sealer says why: docs/alarms.md says what to do."
    )
    return Finding(code=AlarmCode.NOBODY_ANCHORS, subject=where, text=text)
