"""Scheduled notices, as people and programs read them on the command line."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import RenderableType

from broadcaster.cli.session import Session
from broadcaster.cli.terminal import add_row, local, print_json, say, table
from broadcaster.domain.schedule import Plan
from broadcaster.service.schedules import Entry, Shown, ShownRun


def listed(found: Sequence[Entry], zone: ZoneInfo) -> RenderableType:
    if not found:
        return "There is no schedule yet. To write one: broadcaster schedule add TEMPLATE ..."
    shown = table("Reference", "Name", "Mode", "State", "Next run")
    for e in found:
        state = f"{e.state}, a change waits for approval" if e.waits and e.state != "submitted" else e.state
        state += ", cannot go out" if e.problem else ""
        add_row(
            shown,
            (
                e.schedule.ref,
                e.schedule.name,
                e.schedule.mode,
                state,
                local(e.next.at if e.next else None, zone),
            ),
        )
    return shown


def entry_data(e: Entry) -> dict[str, Any]:
    return {
        "reference": e.schedule.ref,
        "name": e.schedule.name,
        "mode": str(e.schedule.mode),
        "state": e.state,
        "next": e.next.at if e.next else None,
        "waits_for_approval": e.waits,
        "problem": e.problem,
    }


def show_schedule(session: Session, ref: str, *, as_json: bool) -> None:
    shown = session.parts.schedules.one(ref)
    version, row = shown.shown, shown.schedule
    if as_json:
        print_json(_data(shown))
        return
    say(f"{row.ref}  {row.name}  ({row.mode}, {shown.state}, version {version.no})")
    say(f"  {rule_in_words(version.plan)}")
    say(
        f"  Template {version.template['name']}, version {version.template_no}; accounts: {', '.join(version.accounts)}"
    )
    for name, text in version.blanks.items():
        say(f"  {name}: {text}")
    if version.bounds_sha256:
        say(f"  Hash: {version.bounds_sha256}")
    for problem in shown.problems:
        say(f"  TO BE MENDED: {problem}")
    say_runs(shown, word_for_word=True)
    if shown.state in {"draft", "returned"}:
        say(f"To hand it over: broadcaster schedule submit {row.ref}")


def say_runs(shown: Shown, *, word_for_word: bool = False) -> None:
    zone = shown.shown.plan.clock
    for run in shown.upcoming:
        left_out = f"  LEFT OUT by {run.skipped}" if run.skipped else ""
        say(f"{run.planned.at.astimezone(zone):%a %Y-%m-%dT%H:%M %Z}{left_out}  {run.planned.told}".rstrip())
        for problem in run.problems:
            say(f"    TO BE MENDED: {problem}")
        for post in run.proof.posts if word_for_word and run.proof and not run.skipped else ():
            say(f"    {post.title}: " + post.post.text.replace("\n", "\n    "))
    if not shown.upcoming:
        say("No run lies ahead.")
    for each in shown.past[:20]:
        about = each.message or each.reason
        say(f"{each.planned_at.astimezone(zone):%a %Y-%m-%dT%H:%M %Z}  {each.state}  {about}")


def rule_in_words(plan: Plan) -> str:
    """For a line of a terminal: the rule itself stands there, since it is what is kept."""
    often = plan.rule or "once"
    without = f", not on {', '.join(plan.without)}" if plan.without else ""
    return f"From {plan.starts:%Y-%m-%d %H:%M} {plan.zone}, {often}, until {plan.last}{without}; late by {plan.grace_minutes} minutes at most"


def _data(shown: Shown) -> dict[str, Any]:
    version = shown.shown
    return {
        "reference": shown.schedule.ref,
        "name": shown.schedule.name,
        "mode": str(shown.schedule.mode),
        "state": shown.state,
        "version": version.no,
        "plan": version.plan.to_json(),
        "template": str(version.template["name"]),
        "values": dict(version.blanks),
        "hash": version.bounds_sha256,
        "problems": list(shown.problems),
        "ahead": [run_data(run, shown) for run in shown.upcoming],
        "past": past(shown),
    }


def run_data(run: ShownRun, shown: Shown) -> dict[str, Any]:
    zone: ZoneInfo = shown.shown.plan.clock
    return {
        "at": run.planned.at.astimezone(zone),
        "clocks": run.planned.told,
        "left_out_by": run.skipped,
        "problems": list(run.problems),
        "posts": {p.account: p.post.text for p in run.proof.posts} if run.proof else {},
    }


def past(shown: Shown) -> list[dict[str, Any]]:
    keys = ("planned_at", "state", "code", "reason", "message", "person")
    return [{key: getattr(each, key) for key in keys} for each in shown.past]
