"""A run of a schedule as it reads, and the bounds within which runs were approved: for planning, for approving and at fire time, so
that all three see the same.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.db import audiences, schedule_runs, schedule_versions, templates
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message, Version
from broadcaster.db.schedule_versions import ScheduleVersion
from broadcaster.db.schedules import Schedule
from broadcaster.domain.broadcast import on_unknown
from broadcaster.domain.canonical import canonical
from broadcaster.domain.computed import (
    Formula,
    Kind,
    NotComputed,
    Sources,
    compute,
    formula_problems,
    formulas,
    is_formula,
)
from broadcaster.domain.errors import Invalid, Problem, Stale
from broadcaster.domain.languages import Filled, LanguagePolicy, fill_all
from broadcaster.domain.message import Kind as MessageKind
from broadcaster.domain.message import MessageState, Severity, Urgency
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.post import SENT_AT, SEQUENCE, SEQUENCES, LateSlot
from broadcaster.domain.schedule import AUDIENCE_MOVES_AT_MOST, AUDIENCE_MOVES_PERCENT, Planned, RunState
from broadcaster.domain.tongues import base, tongue_of
from broadcaster.render.notices import shipped_notices
from broadcaster.render.posts import Renderer
from broadcaster.service.beginning import NO_REFERENCE
from broadcaster.service.outgoing import NotReached, Outgoing
from broadcaster.service.proof import Proof, Proofs
from broadcaster.service.recurrence import expand
from broadcaster.service.ways import to_approve
from channels.base import Channel, ChannelsOfMode

FETCHED_BYTES = 64 * 1024
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Answers by their address, those without one left out."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def digests(self) -> dict[str, str]:
        return {url: hashlib.sha256(text.encode()).hexdigest() for url, text in self.texts.items()}


class Series:
    """`outgoing` fetches what blanks are filled from: nothing inside of a private network, and all of it is over in time."""

    def __init__(
        self,
        channels: ChannelsOfMode,
        renderer: Renderer,
        outgoing: Outgoing,
        policy: LanguagePolicy | None = None,
    ) -> None:
        self._channels = channels
        self._renderer = renderer
        self._outgoing = outgoing
        #: A series is in the languages that were approved for it, whatever is spoken here since.
        self._policy = replace(policy or LanguagePolicy(), order=())

    def check_addresses(self, values: Mapping[str, str]) -> None:
        """Invalid where nothing could ever be fetched from one of them."""
        for name, text in values.items():
            try:
                found = formulas({name: text})
            except NotComputed:
                continue  # told beside the runs, with everything else that is to be mended
            for formula in found.values():
                if formula.kind is Kind.FETCHED:
                    self._outgoing.check(formula.url)

    def fetch(self, versions: Sequence[ScheduleVersion]) -> Fetched:
        """What these versions fetch, all at once and with no transaction open. What does not answer is left out."""
        urls = sorted({f.url for v in versions for f in _formulas(v).values() if f.kind is Kind.FETCHED})
        if not urls:
            return Fetched()
        with ThreadPoolExecutor(max_workers=min(8, len(urls))) as pool:
            found = list(pool.map(self._fetch_one, urls))
        return Fetched(texts={url: text for url, text in zip(urls, found, strict=True) if text is not None})

    def _fetch_one(self, url: str) -> str | None:
        try:
            return self._outgoing.get(url, most_bytes=FETCHED_BYTES).decode()
        except (NotReached, UnicodeDecodeError):
            return None

    # --- one run ------------------------------------------------------------------------------------------

    def facts(
        self, tx: Tx, row: Schedule, version: ScheduleVersion, run: Planned, fetched: Fetched
    ) -> tuple[Filled, dict[str, str]]:
        """What one run says, and the values that made it. Invalid, with everything, where it cannot be made."""
        template, zone = NoticeTemplate.from_json(version.template), version.plan.clock
        table = schedule_versions.table(tx, version.table_id)["rows"] if version.table_id else {}
        following = self.following(tx, row, version, run)
        sources = Sources(run=run, following=following, zone=zone, table=table, fetched=fetched.texts)
        values, problems = _values(template, version, sources)
        if problems:
            raise Invalid("Not everything can be filled in for this run.", details=tuple(problems))
        order = version.languages.split()
        return fill_all(template, values, order, zone=zone, names=self._policy.names, now=run.at), values

    def following(self, tx: Tx, row: Schedule, version: ScheduleVersion, run: Planned) -> Planned | None:
        """The next run after this one that nobody has left out."""
        for each in version.plan.runs(expand, after=run.at):
            found = schedule_runs.run(tx, row.id, each.at)
            if found is None or found.state is not RunState.SKIPPED:
                return each
        return None

    def proof(
        self, tx: Tx, row: Schedule, version: ScheduleVersion, run: Planned, fetched: Fetched
    ) -> tuple[Proof, dict[str, str]]:
        """How one run would read, and its values. Invalid where it cannot be filled in."""
        said, values = self.facts(tx, row, version, run, fetched)
        shown = Version(
            id=0,
            no=1,
            facts=said.facts,
            spoken=said.spoken,
            accounts=version.accounts,
            audience_version_id=self._audience_version(tx, version),
            author_id=version.author_id,
            blanks=values,
            template=version.template,
            template_id=version.template_id,
            template_no=version.template_no,
        )
        return self.proofs(version.plan.clock).of_version(tx, _unwritten(row, version, run), shown), values

    def proofs(self, zone: ZoneInfo) -> Proofs:
        """Times in posts stand by the clock of the schedule's own place."""
        return Proofs(self._channels, self._renderer, zone=zone, policy=self._policy)

    def _audience_version(self, tx: Tx, version: ScheduleVersion) -> int | None:
        found = audiences.latest_version(tx, version.audience) if version.audience else None
        return found.id if found else None

    # --- what is approved ---------------------------------------------------------------------------------

    def bounds(
        self, tx: Tx, row: Schedule, version: ScheduleVersion, *, count: int | None = None
    ) -> dict[str, Any]:
        """All that a standing approval of this version covers. With `count` as if the audience had that many. Stale where an
        account is not set up any more."""
        configured = self._channels.get(row.mode, {})
        missing = [name for name in version.accounts if name not in configured]
        if missing:
            raise Stale(f"These accounts are not set up any more: {', '.join(missing)}.")
        typed = {name: text for name, text in version.blanks.items() if not is_formula(text)}
        severity = Severity(typed.get("severity") or version.template["severity"])
        urgency = Urgency(typed.get("urgency") or version.template["urgency"])
        return {
            "format": FORMAT,
            "kind": "series",
            "schedule": row.uid,
            "reference": row.ref,
            "version": version.no,
            "name": row.name,
            "mode": str(row.mode),
            "message_kind": str(MessageKind.ALERT),
            "plan": version.plan.to_json(),
            "template": {
                "name": str(version.template["name"]),
                "version": version.template_no,
                "sha256": version.template_sha256,
            },
            "blanks": dict(version.blanks),
            "table_sha256": version.table_sha256,
            "visibility": str(version.visibility),
            "on_unknown": str(on_unknown(severity, urgency)),
            "late_slots": {slot.name: slot.widest for slot in _late_slots(version)},
            "targets": [_target(name, configured) for name in version.accounts],
            "audience": self._audience_rule(tx, version, count),
            **({"languages": version.languages.split()} if version.languages else {}),
        }

    def _audience_rule(self, tx: Tx, version: ScheduleVersion, count: int | None) -> dict[str, Any] | None:
        if not version.audience:
            return None
        if count is None:
            found = audiences.latest_version(tx, version.audience)
            count = audiences.digest(tx, found.id)[1] if found else 0
        return {
            "name": version.audience,
            "count": count,
            "may_move_percent": AUDIENCE_MOVES_PERCENT,
            "may_move": AUDIENCE_MOVES_AT_MOST,
        }


def _late_slots(version: ScheduleVersion) -> list[LateSlot]:
    """Those that posts in its languages can have. What was approved before there were several stays what it was."""
    main = base(str(version.template["language"]))
    others = [code for code in version.languages.split() if code != main]
    own = [SEQUENCES[main]] if main in SEQUENCES and main != "en" else []
    return [SENT_AT, SEQUENCE, *own, *(SEQUENCES[code] for code in sorted(others) if code != "en")]


def as_text(bounds: Mapping[str, Any]) -> str:
    return canonical(dict(bounds)).decode()


def template_in_force(tx: Tx, name: str) -> str:
    """The digest of the wording that is in force under this name; empty where there is none any more."""
    edited = templates.in_force(tx, name)
    if edited:
        return edited.sha256
    shipped = shipped_notices().get(name)
    return shipped.sha256 if shipped else ""


def problems_of(error: Problem) -> tuple[str, ...]:
    return error.details or (error.text,)


def lasting_problems(version: ScheduleVersion, columns: Sequence[str]) -> Iterator[str]:
    """What stands against this version whatever the run."""
    template = NoticeTemplate.from_json(version.template)
    try:
        found = formulas(version.blanks)
    except NotComputed:
        found = {}
        for name, text in version.blanks.items():
            yield from _unreadable(name, text)
    yield from formula_problems(template.blanks, found, columns)


def _unreadable(name: str, text: str) -> Iterator[str]:
    try:
        formulas({name: text})
    except NotComputed as problem:
        yield f"{name}: {problem}"


def _formulas(version: ScheduleVersion) -> dict[str, Formula]:
    try:
        return formulas(version.blanks)
    except NotComputed:
        return {}


def _values(
    template: NoticeTemplate, version: ScheduleVersion, sources: Sources
) -> tuple[dict[str, str], list[str]]:
    blanks = {blank.name: blank for blank in template.blanks}
    values, problems = dict(version.blanks), []
    for name, text in version.blanks.items():
        own, _, code = name.partition(".")
        if not is_formula(text) or own not in blanks:
            continue
        there = replace(sources, tongue=tongue_of(code or template.language))
        try:
            values[name] = compute(formulas({name: text})[name], blanks[own], there)
        except NotComputed as problem:
            problems.append(f"{name}: {problem}")
    return values, problems


def _target(name: str, configured: Mapping[str, Channel]) -> dict[str, Any]:
    channel = configured[name]
    ways = [way.to_json() for way in to_approve(name, configured)]
    return {"account": name, "channel": channel.name, "speaks_as": channel.target, "ways": ways}


def _unwritten(row: Schedule, version: ScheduleVersion, run: Planned) -> Message:
    """A message that is not there yet; its reference is as long as any."""
    return Message(
        id=0,
        uid="",
        ref=NO_REFERENCE,
        incident_id=0,
        mode=row.mode,
        kind=MessageKind.ALERT,
        purpose="",
        visibility=version.visibility,
        state=MessageState.DRAFT,
        version=1,
        author_id=version.author_id,
        created_at=run.at,
    )
