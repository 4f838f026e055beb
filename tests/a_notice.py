"""A notice template with few blanks, for tests of other things than wording."""

from broadcaster.domain.blanks import Blank, BlankType
from broadcaster.domain.notice import NoticeTemplate


def a_template() -> NoticeTemplate:
    def blank(name: str, kind: BlankType = BlankType.TEXT) -> Blank:
        return Blank(name=name, type=kind, label=name)

    return NoticeTemplate(
        name="severe-weather",
        title="Severe weather",
        language="en",
        event="Severe weather",
        severity="Severe",
        urgency="Expected",
        certainty="Likely",
        wording={
            "headline": "((headline))",
            "area": "((area))",
            "instruction": "((action))",
            "expires": "((expires))",
            "source": "((source))",
        },
        blanks=(
            blank("headline"),
            blank("area"),
            blank("action"),
            blank("expires", BlankType.TIME),
            blank("source"),
        ),
        channels=("website",),
    )
