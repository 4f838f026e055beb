"""What the acts on accounts, audiences and members of the public mean, as sentences."""

from collections.abc import Mapping

from broadcaster.domain.audit_told import Sentence, Told, many

_REPLIES = {
    "accepted": "was sent",
    "not_sent": "was not sent",
    "refused": "was refused",
    "unknown": "may or may not have been sent",
}


def _ready(t: Told) -> str:
    words = {
        "ready": "ready to send",
        "doubtful": "in need of a look",
        "not_ready": "not ready to send",
        "unknown": "not known to be ready",
    }
    to, before = t.text("to"), t.text("from")
    return f"A check found the {t['mode']} account {t['about']} {words.get(to, to)}; before, it was {words.get(before, before)}."


def _imported(t: Told) -> str:
    return (
        f"{t['who']} imported the audience {t['about']}, version {t.text('version')}: "
        f"{many(t.number('count'), 'number')}, {t.text('added')} new and {t.text('removed')} gone; "
        f"{many(t.number('problems'), 'row')} could not be read."
    )


def _looked_up(t: Told) -> str:
    return (
        f"{t['who']} looked for a member of the public by number: in {many(t.number('versions'), 'version')} of audiences, "
        f"{many(t.number('deliveries'), 'text')} sent. The number itself is not recorded."
    )


def _erased(t: Told) -> str:
    stays = ", and keeps it out of later lists" if t.get("kept_out") is True else ""
    return (
        f"{t['who']} erased a member of the public's number from {many(t.number('versions'), 'version')} of audiences{stays}"
        f"{t.why()}."
    )


def _confirmed(t: Told) -> str:
    how = _REPLIES.get(t.text("outcome"), t.text("outcome").replace("_", " "))
    return f"The answer to {many(t.number('count'), 'person', 'people')} who opted out {how}."


PUBLIC: Mapping[str, Sentence] = {
    "account_paused": "Sending through an account was paused while {about} went out: the platform refused its credentials ({code}).",
    "account_resumed": "{who} took the {mode} account {about} back into use.",
    "account_readiness_changed": _ready,
    "account_failing": "Sending {about} through the account {name} failed {failures} times in a row, so its spares send in its place.",
    "account_takes_again": "The account {name} took a text again.",
    "audience_imported": _imported,
    "audience_numbers_wiped": "The numbers of version {version} of the audience {about} ({count}) were wiped, {kept_days} days after a newer one came.",
    "person_looked_up": _looked_up,
    "person_erased": _erased,
    "opted_out": "Somebody wrote STOP and is sent nothing more.",
    "opted_in": "Somebody wrote START and is sent texts again.",
    "opt_out_confirmed": _confirmed,
    "opt_out_entered": lambda t: f"{t['who']} entered that somebody wants no more texts{t.why()}.",
    "opt_out_ended": lambda t: f"{t['who']} ended somebody's opt-out{t.why()}.",
    "answers_read": lambda t: (
        f"{t['who']} read what people wrote to us: {many(t.number('count'), 'message')}."
    ),
    "answer_number_read": "{who} looked at the number of somebody who wrote to us (message {heard}).",
    "answers_wiped": "What people wrote to us was wiped after {kept_days} days: {count} messages.",
    "callbacks_wiped": "What platforms reported, as it came in, was wiped after {kept_days} days: {count} reports.",
}
