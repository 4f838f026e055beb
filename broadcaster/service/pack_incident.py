"""The chapters of an inquiry pack about an incident as a whole: decisions, also not to warn, who agreed, actions, hand-overs."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.domain.paper import NOT_RECORDED, Block, Lines, Section, table
from broadcaster.service.incidents import KINDS, Whole
from broadcaster.service.pack_frame import in_full


def incident_chapter(whole: Whole, zone: ZoneInfo) -> Section:
    return Section(title=f"The incident: {whole.incident.name}", blocks=tuple(_blocks(whole, zone)))


def _blocks(whole: Whole, zone: ZoneInfo) -> Iterator[Block]:
    yield _in_short(whole, zone)
    yield _messages(whole, zone)
    yield _decisions(whole, zone)
    yield _agreements(whole, zone)
    yield _actions(whole, zone)
    yield _hand_overs(whole, zone)


def _in_short(whole: Whole, zone: ZoneInfo) -> Block:
    found = whole.incident
    nobody = f"{NOT_RECORDED}: it came with a message, and nobody took it"
    return Lines(
        rows=(
            ("Reference", found.ref),
            ("Lead agency", found.lead_agency or NOT_RECORDED),
            ("Opened", in_full(found.opened_at, zone)),
            ("Closed", in_full(found.closed_at, zone) if found.closed_at else "it is open"),
            ("In the hands of", found.in_hands_of or nobody),
        )
    )


def _messages(whole: Whole, zone: ZoneInfo) -> Block:
    return table(
        "Its messages",
        ("Reference", "Begun", "Headline", "State"),
        [
            (m.ref, in_full(m.created_at, zone), m.headline, ", ".join(filter(None, (m.state, m.sent))))
            for m in whole.messages
        ],
        parts=(2, 4, 7, 4),
        nothing="No message belongs to it.",
    )


def _decisions(whole: Whole, zone: ZoneInfo) -> Block:
    return table(
        "Decisions, also those not to warn",
        ("When", "By", "Kind", "What", "Why"),
        [(in_full(d.at, zone), d.by, KINDS.get(d.kind, d.kind), d.what, d.reason) for d in whole.decisions],
        parts=(4, 2, 3, 6, 6),
        nothing="No decision was noted for it, beside those about its messages.",
    )


def _agreements(whole: Whole, zone: ZoneInfo) -> Block:
    return table(
        "Agreed with partners",
        ("When", "Agency", "Who, and how", "To what", "Noted by"),
        [
            (
                in_full(a.at, zone),
                a.agency,
                f"{a.who}, {a.way}",
                a.about,
                f"{a.by}, {in_full(a.noted_at, zone)}",
            )
            for a in whole.agreements
        ],
        parts=(4, 3, 4, 6, 4),
        nothing="Nobody noted that a partner agreed.",
    )


def _actions(whole: Whole, zone: ZoneInfo) -> Block:
    return table(
        "Actions",
        ("What", "Who", "Until", "Done"),
        [
            (
                a.what,
                a.who,
                in_full(a.until, zone) if a.until else "no time",
                f"{a.done_by}, {in_full(a.done_at, zone)}" if a.done_at else "OPEN",
            )
            for a in whole.to_do
        ],
        parts=(7, 3, 4, 5),
        nothing="No action was noted.",
    )


def _hand_overs(whole: Whole, zone: ZoneInfo) -> Block:
    return table(
        "Hand-overs",
        ("Offered", "From", "To", "What became of it", "What was said"),
        [
            (
                in_full(h.offered_at, zone),
                h.offered_by,
                h.to,
                _became(h.accepted_at, h.withdrawn_at, zone),
                h.words,
            )
            for h in whole.hand_overs
        ],
        parts=(4, 2, 2, 5, 6),
        nothing="It was never handed over.",
    )


def _became(accepted: datetime | None, withdrawn: datetime | None, zone: ZoneInfo) -> str:
    if accepted:
        return f"accepted {in_full(accepted, zone)}"
    return f"taken back or declined {in_full(withdrawn, zone)}" if withdrawn else "waits to be accepted"
