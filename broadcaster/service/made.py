"""What came of a change that was carried out: the event that tells of it, and what is shown once."""

from dataclasses import dataclass, field

from broadcaster.domain.canonical import Json


@dataclass(frozen=True, kw_only=True)
class Made:
    """`uid` is of what was made or changed, where it has one."""

    act: str
    subject: str
    payload: dict[str, Json] = field(default_factory=dict)
    invitation: str = ""
    token: str = ""
    secret: str = ""
    uid: str = ""
