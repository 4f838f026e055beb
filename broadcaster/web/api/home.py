"""What the console's first page shows: what needs somebody now, what is in force, and what has begun."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from broadcaster.web.api.feeds import Warned
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.rota import OnCall
from broadcaster.web.api.shapes import Told
from broadcaster.web.api.unknowns import Unknown
from broadcaster.web.api.watching import Alarm

router = APIRouter(tags=["messages"])


class Waiting(Told):
    """It waits for a second person."""

    ref: str
    mode: str
    headline: str
    area: str
    submitted_by: str
    submitted_at: datetime
    expires_at: datetime
    recipients: int
    channels: list[str]


class InForce(Told):
    """It is being sent, or its end has not come."""

    ref: str
    mode: str
    headline: str
    area: str
    state: str
    released_at: datetime
    expires_at: datetime
    sequence: int
    planned: int


class Begun(Told):
    """A draft."""

    ref: str
    mode: str
    headline: str
    author: str
    changed_at: datetime


class Reminder(Told):
    """A message of which a word is due `at`; `languages` that have to follow."""

    ref: str
    mode: str
    headline: str
    area: str
    at: datetime
    languages: list[str]


class Home(BaseModel):
    """As of `at`, of each the most urgent: lists of their own have the rest. Where nobody is `watching` there may be other alarms.
    `asked_of_you` are pages about alarms that the user could see to."""

    at: datetime
    waiting: list[Waiting]
    if_nobody_answers: str
    unknowns: list[Unknown]
    alarms: list[Alarm]
    watching: bool
    warnings: list[Warned]
    updates_due: list[Reminder]
    endings: list[Reminder]
    languages_due: list[Reminder]
    in_force: list[InForce]
    drafts: list[Begun]
    on_call: list[OnCall]
    asked_of_you: list[str]
    storm: bool


@router.get("/home")
def show_home(request: Request, actor: Asking) -> Home:
    """What needs somebody now, and what is in force."""
    parts = parts_of(request)
    found = parts.homes.of(actor)
    return Home(
        at=found.at,
        waiting=[Waiting.model_validate(each) for each in found.waiting],
        if_nobody_answers=parts.paging.if_nobody_answers(),
        unknowns=[Unknown.model_validate(each) for each in found.unknowns],
        alarms=[Alarm.model_validate(each) for each in found.watch.alarms],
        watching=found.watch.watching,
        warnings=[Warned.of(each) for each in found.warnings],
        updates_due=[Reminder.model_validate(each) for each in found.updates_due],
        endings=[Reminder.model_validate(each) for each in found.endings],
        languages_due=[Reminder.model_validate(each) for each in found.languages_due],
        in_force=[InForce.model_validate(each) for each in found.in_force],
        drafts=[Begun.model_validate(each) for each in found.drafts],
        on_call=[OnCall.model_validate(each) for each in found.rota.now],
        asked_of_you=[each.request.uid for each in parts.paging.asked_of(actor)],
        storm=parts.storm.weather(actor).on is not None,
    )
