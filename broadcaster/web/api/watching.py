"""What is there and how it is: accounts and alarms."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.requests import Request

from broadcaster.domain.message import Mode
from broadcaster.service.readiness import AccountNow
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import NO_NUL, Given, Name, Reason, Told

router = APIRouter(tags=["channels, alarms"])


class Account(BaseModel):
    """One account of a channel, as it was checked last. `state` is ready, doubtful or not_ready; null where it was not checked
    yet, or cannot be."""

    mode: str
    name: str
    channel: str
    speaks_as: str
    state: str | None
    code: str
    text: str
    can_be_checked: bool
    checked_at: datetime | None
    since: datetime | None
    last_ready_at: datetime | None
    valid_until: datetime | None
    paused_at: datetime | None
    pause_reason: str
    failing_since: datetime | None
    spares: list[str]


class Resumed(BaseModel):
    mode: str
    name: str
    paused: bool


@router.get("/channels", dependencies=[reading])
def list_channels(request: Request, pages: Pages) -> Listed[Account]:
    """Every account that is set up, and whether it could send now."""
    return pages.cut(parts_of(request).checks.accounts_now(), lambda each: [each.mode, each.name], _account)


@router.post("/channels/check", dependencies=[reading])
def check_accounts(
    request: Request,
    name: Annotated[str, Query(max_length=100, pattern=NO_NUL, description="One account; empty: all.")] = "",
) -> list[Account]:
    """Ask the platforms now, without posting anything. It answers within fifteen seconds."""
    return [_account(each) for each in parts_of(request).checks.check(name=name)]


@router.post("/channels/{mode}/{name}/resume")
def resume_account(
    request: Request,
    actor: Asking,
    mode: Mode,
    name: Annotated[str, Path(max_length=100, pattern=NO_NUL)],
) -> Resumed:
    """Let a paused account send again, once its cause is mended."""
    parts_of(request).accounts.resume(actor, name, mode)
    return Resumed(mode=mode, name=name, paused=False)


def _account(each: AccountNow) -> Account:
    probed = each.probed
    return Account(
        mode=each.mode,
        name=each.name,
        channel=each.channel,
        speaks_as=each.speaks_as,
        can_be_checked=each.can_be_checked,
        paused_at=each.paused_at,
        pause_reason=each.pause_reason,
        failing_since=each.failing_since,
        spares=list(each.spares),
        state=probed.readiness.state if probed else None,
        code=probed.readiness.code if probed else "",
        text=probed.readiness.operator_text if probed else "",
        valid_until=probed.readiness.valid_until if probed else None,
        checked_at=probed.at if probed else None,
        since=probed.since if probed else None,
        last_ready_at=probed.last_ready_at if probed else None,
    )


class Alarm(Told):
    """`text` says what is wrong and what to do."""

    code: str
    subject: str
    text: str
    raised_at: datetime
    acknowledged_at: datetime | None
    cleared_at: datetime | None


class Alarms(Listed[Alarm]):
    """Where nobody is `watching` there may be others."""

    open: int
    watching: bool
    watched_until: datetime | None


class Seen(Given):
    code: Name
    subject: Name
    reason: Reason


@router.get("/alarms", dependencies=[reading])
def list_alarms(request: Request, pages: Pages, *, past: bool = False) -> Alarms:
    """What is wrong now, the newest first; with `past` also what is over or acknowledged."""
    service = parts_of(request).alarms
    found = service.watch(past=past)
    cut = pages.cut(found.alarms, lambda each: -each.id, Alarm.model_validate)
    return Alarms(
        items=cut.items,
        next=cut.next,
        open=service.number_open(),
        watching=found.watching,
        watched_until=found.until,
    )


@router.post("/alarms/acknowledge")
def acknowledge_alarm(request: Request, actor: Asking, body: Seen) -> Alarm:
    """A person has seen what may never be over by itself."""
    seen = parts_of(request).alarms.acknowledge(actor, body.code, body.subject, reason=body.reason)
    return Alarm.model_validate(seen)
