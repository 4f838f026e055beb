"""When a message says that people will hear more: what its officer filled in, as a time that can be waited for."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.domain.blanks import BlankType, read_answer
from broadcaster.domain.notice import NoticeTemplate

BLANK = "next_update"  # of every shipped template that promises one


def next_update_of(
    template: NoticeTemplate, values: Mapping[str, str], *, zone: ZoneInfo, now: datetime
) -> datetime | None:
    """None where the template promises nothing, or nothing was filled in."""
    blank = next(
        (each for each in template.blanks if each.name == BLANK and each.type is BlankType.TIME), None
    )
    if blank is None:
        return None
    moment, _ = read_answer(blank, values.get(BLANK, "") or blank.default, zone, now)
    return moment if isinstance(moment, datetime) else None
