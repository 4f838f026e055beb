"""Builds a CAP 1.2 alert (OASIS, 1 July 2010) from what was approved. No input or output; signing is `cap_signing`'s.

The schema wants its elements in one order, and refuses a time that ends in Z or has fractions: both are done here, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree

from broadcaster.domain.message import Certainty, Kind, Severity, Urgency

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"
CATEGORIES = (
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
)  # fmt: skip
RESPONSES = (
    "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
)  # fmt: skip
DRILL = "EXERCISE - this is a drill, no action needed"
#: What the standard keeps out of identifiers and senders (3.2.1): they are joined by commas and blanks in `references`.
_SEPARATORS = str.maketrans(dict.fromkeys(" ,<&\t\n/", "-"))


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """One message that is referred to. `sent` is as it was written in that one, to the letter."""

    sender: str
    identifier: str
    sent: str

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent}"


@dataclass(frozen=True, kw_only=True)
class Info:
    """What is said in one language. `facts` are those of the approved post, by their names there."""

    language: str
    headline: str
    facts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """`sent` is aware; it is written in the offset of the message's own end, as the page tells it."""

    identifier: str
    sender: str
    sender_name: str
    sent: datetime
    kind: Kind
    web: str
    reference: str
    infos: Sequence[Info]
    incident: str = ""
    exercise: bool = False
    references: Sequence[Earlier] = field(default=())

    @property
    def sent_as_written(self) -> str:
        return as_written(self.sent, like=self.infos[0].facts.get("expires", ""))


def build(alert: Alert) -> Any:
    """The element `alert`, unsigned. Valid by the schema whatever facts there are: what is not known is called so."""
    root = etree.Element(f"{{{CAP}}}alert", nsmap={None: CAP})  # type: ignore[dict-item]  # None is the stubs' gap
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", alert.sent_as_written)
    _add(root, "status", "Exercise" if alert.exercise else "Actual")
    _add(root, "msgType", str(alert.kind))
    _add(root, "scope", "Public")
    _add(root, "note", DRILL if alert.exercise else "")
    _add(root, "references", " ".join(str(each) for each in alert.references))
    _add(root, "incidents", alert.incident)
    for info in alert.infos:
        _add_info(root, alert, info)
    etree.indent(root)
    return root


def as_bytes(root: Any) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def token(text: str) -> str:
    """The text as an identifier or a sender may be written."""
    return text.translate(_SEPARATORS)


def as_written(moment: datetime, *, like: str = "") -> str:
    """2026-11-21T18:00:00-00:00: to the second, and UTC as the standard wants it (3.3.2). In the offset of `like`."""
    try:
        zone = datetime.fromisoformat(like).tzinfo or UTC
    except ValueError:
        zone = UTC
    local = moment.astimezone(zone).replace(microsecond=0)
    offset = local.utcoffset() or timedelta(0)
    minutes = round(offset.total_seconds() / 60)
    sign = "+" if minutes > 0 else "-"
    return f"{local:%Y-%m-%dT%H:%M:%S}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _add_info(root: Any, alert: Alert, info: Info) -> None:
    facts = info.facts
    element = _add(root, "info", empty=True)
    _add(element, "language", info.language)
    _add(element, "category", facts.get("category", "") if facts.get("category") in CATEGORIES else "Other")
    _add(element, "event", facts.get("event", "") or info.headline or "Alert")
    _add(element, "responseType", facts.get("response", "") if facts.get("response") in RESPONSES else "")
    for name, kind in (("urgency", Urgency), ("severity", Severity), ("certainty", Certainty)):
        known = {str(each) for each in kind}
        _add(element, name, facts[name] if facts.get(name) in known else "Unknown")
    _add(element, "onset", _moment(facts.get("starts", "")))
    _add(element, "expires", _moment(facts.get("expires", "")))
    _add(element, "senderName", alert.sender_name)
    _add(element, "headline", info.headline)
    _add(element, "description", facts.get("details", ""))
    _add(element, "instruction", facts.get("instruction", ""))
    _add(element, "web", alert.web)
    _add(element, "contact", facts.get("contact", ""))
    for name, value in (("Reference", alert.reference), ("Issued by", facts.get("source", ""))):
        if value:
            _add_parameter(element, name, value)
    _add(_add(element, "area", empty=True), "areaDesc", facts.get("area", "") or "See the description")


def _add_parameter(parent: Any, name: str, value: str) -> None:
    element = _add(parent, "parameter", empty=True)
    _add(element, "valueName", name)
    _add(element, "value", value)


def _moment(text: str) -> str:
    """Empty for what is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return as_written(moment if moment.tzinfo else moment.replace(tzinfo=UTC), like=text)


def _add(parent: Any, name: str, text: str = "", *, empty: bool = False) -> Any:
    """Nothing where there is nothing to say: an empty element would be a statement."""
    if not text and not empty:
        return None
    element = etree.SubElement(parent, f"{{{CAP}}}{name}")
    element.text = text or None
    return element
