"""What is said of a message besides its posts, from the very facts that were approved: at telephones, to the press, on the
radio, on a poster. Never from a draft, and never of something that no longer holds: a line that is read out an hour
late sends people the wrong way.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import segno

from broadcaster.db import audit_log, broadcasts, messages, submissions
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message
from broadcaster.db.people import Person
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import Json, sha256
from broadcaster.domain.errors import NotAllowed, Stale
from broadcaster.domain.manifest import manifest_hash
from broadcaster.domain.message import Facts, Mode, Visibility
from broadcaster.domain.policy import Action, require
from broadcaster.domain.post import Post
from broadcaster.domain.times import time_in_words
from broadcaster.render.lines import line_of
from broadcaster.render.press import Press

ALTERED = "What is stored is not what was approved. Do not tell it; tell an administrator."
WORDS_A_MINUTE = 150  # a calm reading on the radio


@dataclass(frozen=True, kw_only=True)
class Line:
    """`name` is contact-centre, press or radio; `seconds` how long it takes to read aloud, about."""

    name: str
    text: str

    @property
    def seconds(self) -> int:
        return round(len(self.text.split()) * 60 / WORDS_A_MINUTE)


@dataclass(frozen=True, kw_only=True)
class Lines:
    """`why_not` says why nothing may be said of it now; then there are no lines. What is not public has a script for our
    own telephones and nothing else."""

    ref: str
    headline: str
    mode: str
    lines: tuple[Line, ...] = ()
    poster: bool = False
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class _Approved:
    message: Message
    facts: Facts
    link: str
    now: datetime


class Telling:
    def __init__(self, database: Database, press: Press, *, zone: ZoneInfo, organisation: str) -> None:
        self._database = database
        self._press = press
        self._zone = zone
        self._organisation = organisation

    def lines(self, actor: Person, ref: str) -> Lines:
        """NotFound where there is no such message."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            message = messages.find(tx, ref)
            headline = messages.current_version(tx, message).facts.headline
            nothing = Lines(ref=message.ref, headline=headline, mode=str(message.mode))
            try:
                approved = self._approved(tx, message)
            except Stale as why:
                return replace(nothing, why_not=why.text)
        public = message.visibility is Visibility.PUBLIC
        names = ("contact-centre", "press", "radio") if public else ("contact-centre",)
        lines = tuple(Line(name=name, text=self._line(name, approved)) for name in names)
        return replace(nothing, lines=lines, poster=public)

    def poster(self, actor: Person, ref: str) -> bytes:
        """A PDF of one A4 page; that somebody took it is in the log. Stale where nothing may be said of it now, NotAllowed
        where it is not for everybody."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            approved = self._approved(tx, messages.find(tx, ref))
        if approved.message.visibility is not Visibility.PUBLIC:
            raise NotAllowed(f"{approved.message.ref} is not for the public, so there is no poster of it.")
        paper = self._press.printed("poster", self._on_the_poster(approved), at=approved.now)
        payload: Json = {"sha256": hashlib.sha256(paper).hexdigest()}
        with self._database.write() as tx:
            audit_log.append(
                tx, actor=actor.name, act="poster_taken", subject=approved.message.ref, payload=payload
            )
        return paper

    def _line(self, name: str, approved: _Approved) -> str:
        mode = Mode(approved.message.mode)
        ref, link = approved.message.ref, approved.link
        return line_of(name, approved.facts, reference=ref, link=link, mode=mode, zone=self._zone)

    def _approved(self, tx: Tx, message: Message) -> _Approved:
        """Stale, saying why, where nothing may be said of it now."""
        row = broadcasts.by_message(tx, message.id)
        if row is None:
            raise Stale(
                f"{message.ref} is not approved, so there is nothing to say yet. What is in a draft may still be wrong."
            )
        self._refuse_what_is_over(tx, row)
        facts, link = _approved_facts(tx, message)
        return _Approved(message=message, facts=facts, link=link, now=tx.now())

    def _refuse_what_is_over(self, tx: Tx, row: Broadcast) -> None:
        if row.state in {BroadcastState.STOPPED, BroadcastState.SUPERSEDED}:
            raise Stale(f"{row.ref} was stopped, so nothing of it is told any more. Take posters of it down.")
        if row.expires_at <= tx.now():
            ended = time_in_words(row.expires_at.astimezone(self._zone))
            raise Stale(
                f"{row.ref} ended {ended}, so nothing of it is told any more. Take posters of it down."
            )

    def _on_the_poster(self, approved: _Approved) -> dict[str, Any]:
        facts, link = approved.facts, approved.link
        code = segno.make(link, error="m", micro=False).svg_inline(border=0) if link else ""
        return {
            "organisation": self._organisation,
            "mode": str(approved.message.mode),
            "reference": approved.message.ref,
            "headline": facts.headline,
            "instruction": facts.instruction,
            "area": facts.area,
            "from": self._words(facts.starts),
            "until": self._words(facts.expires),
            "details": facts.details,
            "contact": facts.contact,
            "source": facts.source,
            "link": link,
            "code": code,
            "printed": time_in_words(approved.now.astimezone(self._zone)),
        }

    def _words(self, moment: str) -> str:
        return time_in_words(datetime.fromisoformat(moment).astimezone(self._zone))


def _approved_facts(tx: Tx, message: Message) -> tuple[Facts, str]:
    """The facts whose digest is in the manifest that was approved, and the page that its posts lead to. Stale where what is
    stored is something else."""
    submitted = submissions.latest_for(tx, message.id)
    version = messages.current_version(tx, message)
    if submitted is None:
        raise Stale(ALTERED)
    manifest = json.loads(submitted.manifest)
    digest, approved = manifest_hash(submitted.manifest), submissions.history(tx, message.id)
    if digest not in {each.manifest_sha256 for each in approved if each.approved_by}:
        raise Stale(ALTERED)
    if sha256(version.facts.to_json()) != manifest["facts_sha256"]:
        raise Stale(ALTERED)
    wanted = {target["post_sha256"] for target in manifest["targets"]}
    stored = [Post.from_bytes(p.content) for p in submissions.posts(tx, submitted.id)]
    links = [post.link for post in stored if post.link and post.digest in wanted]
    return version.facts, links[0] if links else ""
