"""What the acts on the record itself mean, as sentences: holds, drills, alarms, backups, keys, and who read the log."""

from collections.abc import Callable, Mapping

from broadcaster.domain.audit_told import Ready, Sentence, Told, listed, many

_ALARMS: Mapping[str, str] = {
    "unknown_waits": "an outcome has been unknown for two minutes",
    "unknown_undecided": "a person must decide about an unknown outcome",
    "quarantined": "something was held back",
    "counts_differ": "the counts do not add up",
    "account_paused": "a platform refused an account",
    "account_failing": "what is sent through an account fails",
    "account_not_ready": "an account could not send",
    "credentials_end": "an account's credentials end soon",
    "nobody_sends": "work waits and nobody sends it",
    "nobody_seals": "the audit log is not being sealed",
    "nobody_anchors": "the audit log is not being laid down outside",
    "audit_log_altered": "the audit log is not the one that was signed",
    "restored": "a backup was restored",
    "webhook_failing": "nothing reaches a webhook",
    "break_glass_unreviewed": "nobody has reviewed a break-glass within a day",
    "storm_mode_long": "storm mode has been on for long",
    "held_undecided": "what storm mode held waits for a decision",
    "feed_failing": "a feed of warnings cannot be read, or is silent",
}


def _alarm(before: str, after: str = "") -> Callable[[Told], str]:
    def said(t: Told) -> str:
        about = f" ({t['subject']})" if t.get("subject") else ""
        what = _ALARMS.get(t.text("code"), t.text("code").replace("_", " "))
        return f"{before.format_map(Ready(t))}: {what}{about}{after}{'; why' + t.why() if t.get('reason') else ''}."

    return said


def _asked(t: Told) -> str:
    """What somebody looked for, from the filter that the event holds."""
    sought = t.get("filter")
    if not isinstance(sought, dict) or not sought:
        return "all of it"
    return listed([f"{name.replace('_', ' ')} {value}" for name, value in sought.items()])


def _read(t: Told) -> str:
    return f"{t['who']} looked at the audit log: {_asked(t)}."


def _taken(t: Told) -> str:
    form = {"csv": "a table (CSV)", "jsonl": "JSON lines"}.get(t.text("form"), t.text("form"))
    return f"{t['who']} took events out of the audit log as {form}: {_asked(t)}."


def _checked(t: Told) -> str:
    found = {
        0: "whole",
        1: f"ALTERED from event {t.text('first_bad')} on",
        3: "whole, but its end is not laid down outside",
    }
    return (
        f"{t['who']} had the whole log checked: {many(t.number('events'), 'event')}, "
        f"{found.get(t.number('code'), 'not to be read')}."
    )


def _backed_up(t: Told) -> str:
    secret = ", with the platforms' credentials" if t.get("with_credentials") is True else ""
    return f"{t['who']} took a backup ({t['about']}) up to event {t.text('last_event')}{secret}."


def _redacted(t: Told) -> str:
    what = "a picture" if t.text("kind") == "picture" else "words"
    return f"{t['who']} redacted {what} of {t['about']} ({t.text('code')}), authorised by {t['authorised_by']}{t.why()}."


RECORD: Mapping[str, Sentence] = {
    "hold_placed": lambda t: f"{t['who']} placed a legal hold on the {t['kind']} {t['about']}{t.why()}.",
    "hold_lifted": lambda t: f"{t['who']} lifted the legal hold on the {t['kind']} {t['about']}{t.why()}.",
    "message_redacted": _redacted,
    "pages_redacted": "What was redacted was taken out of {pages} of the pages of {about}.",
    "draft_wiped": "The words of {about}, which was never released, went after {kept_days} days.",
    "records_exported": "{who} took records of {messages} messages away, as a file.",
    "drill_planned": "{who} planned the drill {about}: {name}, to begin {starts}.",
    "drill_cancelled": lambda t: f"{t['who']} cancelled the drill {t['about']}{t.why()}.",
    "drill_started": lambda t: (
        f"{t['who']} began the drill {t['about']} ({t['name']}), with the incident {t['incident']}: nothing of it goes to live accounts."
    ),
    "drill_ended": lambda t: (
        f"{t['who']} ended the drill {t['about']}{t.why()}. Bars met: {t.number('met')} of {t.number('steps')}."
    ),
    "storm_mode_on": lambda t: (
        f"{t['who']} switched storm mode on{t.why()}. Held at once: {many(t.number('held'), 'broadcast')}."
    ),
    "storm_mode_off": lambda t: (
        f"{t['who']} switched storm mode off{t.why()}. Held and waiting for a decision: {t.number('waiting')}."
    ),
    "alarm_raised": _alarm("An alarm began"),
    "alarm_cleared": _alarm("An alarm is over"),
    "alarm_acknowledged": _alarm("{who} took note of an alarm"),
    "backup_taken": _backed_up,
    "restored": lambda t: (
        f"{t['who']} put the database back to a backup of {t.text('taken_at')}: what was decided since then is lost. "
        f"Not known whether sent: {t.counts('unknown', {})}."
    ),
    "cap_key_changed": "{who} had a new key made that signs the CAP alerts ({about}): its certificate is {certificate}.",
    "data_key_change_begun": "{who} began to change the key under which numbers are kept.",
    "data_key_changed": "{who} changed the key under which numbers are kept: {numbers} numbers are under the new one.",
    "seal_key_change_ordered": "{who} ordered that the audit log is signed under a new key: {to}",
    "audit_log_exported": "{who} took the whole audit log away.",
    "audit_log_read": _read,
    "audit_events_exported": _taken,
    "audit_log_checked": _checked,
    "inquiry_pack_exported": "{who} took away the inquiry pack of {about}: a PDF with the digest {sha256}.",
    "message_proved": "{who} took away the proof of {about}. With its texts: {texts}.",
    "audit_log_rebuilt_as_tree": "The older form of this log was carried over into the present one.",
}
