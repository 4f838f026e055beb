"""What the acts on messages mean, as sentences: written, approved, sent, and what became of each delivery."""

from collections.abc import Callable, Mapping

from broadcaster.domain.audit_clock import released_alone
from broadcaster.domain.audit_told import FACTORS, STATES, Sentence, Told, in_text, listed, many
from broadcaster.domain.tongues import named


def _drafted(t: Told) -> str:
    after = f", which follows {t['follows']} ({t['as']})" if t.get("follows") else ""
    why = f". What was published comes down: {t['reason']}" if t.get("reason") else ""
    return f"{t['who']} began the message {t['about']}{after}, from the template {t['template']}, for {t['mode']} use{_languages(t)}{why}."


def _languages(t: Told) -> str:
    """Nothing of one language alone."""
    several, later = t.get("languages"), t.get("languages_later")
    said = f", in {' and '.join(named(str(code)) for code in several)}" if isinstance(several, list) else ""
    if not isinstance(later, dict):
        return said
    return f"{said}, without {' and '.join(named(str(code)) for code in later)}, which is to follow"


def _settled(t: Told) -> str:
    return (
        f"{t['about']} goes to those who got the first text: {many(t.number('count'), 'person', 'people')}, of at most "
        f"{t.number('approved'):,} who were approved."
    )


def _released(t: Told) -> str:
    if t.get("authority"):
        return released_alone(t)
    people = (
        f" and texts to {many(t.number('recipients'), 'person', 'people')}" if t.number("recipients") else ""
    )
    if t.get("schedule"):
        return (
            f"{t['about']} was due by the schedule {t['schedule']} and was released as approved beforehand: "
            f"{many(t.number('public_posts'), 'public post')}{people}."
        )
    how = FACTORS.get(t.text("factor"), t.text("factor"))
    under = f" under the delegation {t['delegation']} ({t['scheme']})" if t.get("delegation") else ""
    return (
        f"{t['who']} approved {t['about']}{under}, as a second person and with {how}, and it was released: "
        f"{many(t.number('public_posts'), 'public post')}{people}."
    )


def _outcomes(t: Told) -> str:
    through = f" through the account {t['account']}" if t.get("account") else ""
    return f"Platforms answered about {t['about']}{through}: {t.counts('counts')}."


def _receipts(t: Told) -> str:
    found = t.get("counts")
    moves = found.items() if isinstance(found, dict) else ()
    told = [f"{in_text(n)} {STATES.get(move.partition('->')[2], move)}" for move, n in moves]
    return f"Delivery receipts came for {t['about']}: {listed(told)}."


def _not_sent(why: str) -> Callable[[Told], str]:
    def said(t: Told) -> str:
        unknown = (
            f" {many(t.number('unknown'), 'more')} may have been sent before." if t.number("unknown") else ""
        )
        return f"{many(t.number('count'), 'post or text', 'posts or texts')} of {t['about']} {why}.{unknown}"

    return said


def _held_back(t: Told) -> str:
    why = {
        "not_what_was_approved": "what is stored is not what was approved",
        "poison": "sending it stopped workers",
    }.get(t.text("reason"), t.text("reason"))
    return f"{many(t.number('count'), 'post or text', 'posts or texts')} of {t['about']} held back: {why}."


def _sent_again(t: Told) -> str:
    return (
        f"{many(t.number('count'), 'post or text', 'posts or texts')} of {t['about']} with no known outcome sent once more, "
        "as was approved."
    )


def _decided(t: Told) -> str:
    what = {"send_again": "it shall be sent again", "sent": "it was sent"}
    said = what.get(t.text("decision"), t.text("decision").replace("_", " "))
    of = many(t.number("count") or 1, "post or text", "posts or texts")
    return f"{t['who']} decided about {of} of {t['about']} with no known outcome: {said}{t.why()}."


def _done(t: Told) -> str:
    return f"Sending {t['about']} is over. Of {t.number('planned'):,} planned: {t.counts('totals')}."


_SEEN = {
    "there": "it is there",
    "gone": "it is gone",
    "differs": "it is there and DIFFERS",
    "absent": "it is NOT there",
}


def _looked_at(t: Told) -> str:
    found = _SEEN.get(t.text("found"), "that could not be told")
    return f"A post of {t['about']} was looked for where people read it: {found}."


def _held_decided(t: Told) -> str:
    what = {
        "go-on": "it goes on, as it was approved",
        "change": "it was stopped, to be written anew",
        "drop": "it is not sent",
    }
    said = what.get(t.text("decision"), t.text("decision"))
    return f"{t['who']} decided about {t['about']}, which storm mode had held: {said}{t.why()}."


MESSAGES: Mapping[str, Sentence] = {
    "message_drafted": _drafted,
    "sent_in_error_sent": '{who} sent {about}, the "sent in error" that was approved together with {follows}: {reason}.',
    "message_let_end": "{who} decided that {about} may end without another word: {reason}.",
    "message_edited": "{who} changed {about}: it is version {version} now. What had been handed over no longer counts.",
    "message_submitted": "{who} handed over version {version} of {about} for approval. Its texts and its audience were frozen.",
    "message_approved_and_released": _released,
    "message_returned": lambda t: f"{t['who']} gave {t['about']} back to its officer{t.why()}.",
    "message_rejected": lambda t: f"{t['who']} rejected {t['about']} for good{t.why()}.",
    "submission_expired": "Nobody approved {about} in time, so nothing was sent.",
    "broadcast_stopped": lambda t: f"{t['who']} stopped {t['about']}{t.why()}.",
    "broadcast_done": _done,
    "outcomes_recorded": _outcomes,
    "receipts_applied": _receipts,
    "deliveries_failed": _not_sent("not sent, since an earlier part of the thread is missing"),
    "deliveries_expired": _not_sent("not sent, since the message had run out"),
    "deliveries_cancelled": _not_sent(
        "not sent, since the message was stopped or a newer one took its place"
    ),
    "follow_up_audience_settled": _settled,
    "deliveries_suppressed": _not_sent("not sent, to people who had opted out or were erased"),
    "deliveries_not_resent": lambda t: (
        f"{many(t.number('unknown'), 'post or text', 'posts or texts')} of {t['about']} with no known outcome not sent again: "
        "the time for that was over."
    ),
    "deliveries_quarantined": _held_back,
    "deliveries_restored": lambda t: (
        f"After a backup was restored it is not known whether these of {t['about']} were sent: "
        f"{t.counts('unknown', {})}."
    ),
    "batch_taken_over": lambda t: (
        f"A worker ended in the middle of sending {t['about']}. "
        f"{many(t.number('unknown'), 'post or text', 'posts or texts')} may or may not have been sent."
    ),
    "unknown_found_by_reading_back": "A post of {about} with no known outcome was found on the platform: {link}",
    "unknown_sent_again": _sent_again,
    "unknown_left_to_a_person": lambda t: (
        f"{many(t.number('count'), 'post or text', 'posts or texts')} of {t['about']} with no known outcome left to a person to decide."
    ),
    "unknown_decided": _decided,
    "failed_tried_again": lambda t: (
        f"{t['who']} had {many(t.number('failed_again'), 'refused post or text', 'refused posts or texts')} of {t['about']} tried again"
        f"{t.why()}."
    ),
    "post_looked_at": _looked_at,
    "posted_by_hand": "{who} posted {about} by hand on {channel}: {link}",
    "told_by_hand": "{who} noted that people were told of {about} in another way: {way}.",
    "held_decided": _held_decided,
    "poster_taken": "{who} took away a poster of {about}: a PDF with the digest {sha256}.",
    "outcomes_exported": "{who} took away what became of each delivery of {about}, without numbers.",
}
