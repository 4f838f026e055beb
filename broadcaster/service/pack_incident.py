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
    def at(moment: datetime | None) -> str:
        return in_full(moment, zone)

    found = whole.incident
    yield Lines(
        rows=(
            ("Reference", found.ref),
            ("Lead agency", found.lead_agency or NOT_RECORDED),
            ("Opened", at(found.opened_at)),
            ("Closed", at(found.closed_at) if found.closed_at else "it is open"),
            (
                "In the hands of",
                found.in_hands_of or f"{NOT_RECORDED}: it came with a message, and nobody took it",
            ),
        )
    )
    yield table(
        "Its messages",
        ("Reference", "Begun", "Headline", "State"),
        [
            (m.ref, at(m.created_at), m.headline, ", ".join(filter(None, (m.state, m.sent))))
            for m in whole.messages
        ],
        parts=(2, 4, 7, 4),
        nothing="No message belongs to it.",
    )
    yield table(
        "Decisions, also those not to warn",
        ("When", "By", "Kind", "What", "Why"),
        [(at(d.at), d.by, KINDS.get(d.kind, d.kind), d.what, d.reason) for d in whole.decisions],
        parts=(4, 2, 3, 6, 6),
        nothing="No decision was noted for it, beside those about its messages.",
    )
    yield table(
        "Agreed with partners",
        ("When", "Agency", "Who, and how", "To what", "Noted by"),
        [
            (at(a.at), a.agency, f"{a.who}, {a.way}", a.about, f"{a.by}, {at(a.noted_at)}")
            for a in whole.agreements
        ],
        parts=(4, 3, 4, 6, 4),
        nothing="Nobody noted that a partner agreed.",
    )
    yield table(
        "Actions",
        ("What", "Who", "Until", "Done"),
        [
            (
                a.what,
                a.who,
                at(a.until) if a.until else "no time",
                f"{a.done_by}, {at(a.done_at)}" if a.done_at else "OPEN",
            )
            for a in whole.to_do
        ],
        parts=(7, 3, 4, 5),
        nothing="No action was noted.",
    )
    yield table(
        "Hand-overs",
        ("Offered", "From", "To", "What became of it", "What was said"),
        [
            (at(h.offered_at), h.offered_by, h.to, _became(h.accepted_at, h.withdrawn_at, zone), h.words)
            for h in whole.hand_overs
        ],
        parts=(4, 2, 2, 5, 6),
        nothing="It was never handed over.",
    )


def _became(accepted: datetime | None, withdrawn: datetime | None, zone: ZoneInfo) -> str:
    if accepted:
        return f"accepted {in_full(accepted, zone)}"
    return f"taken back or declined {in_full(withdrawn, zone)}" if withdrawn else "waits to be accepted"
