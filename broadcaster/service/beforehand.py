"""Says before anybody decides whether a delegation covers a message: nobody is to learn it by being refused."""

import json
from dataclasses import dataclass

from broadcaster.db import delegations, messages, submissions
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.delegation import Delegation
from broadcaster.domain.policy import Role
from broadcaster.domain.post import Post
from broadcaster.service.cost import cost_of, recipients_of
from channels.base import ChannelsOfMode


@dataclass(frozen=True, kw_only=True)
class Covered:
    """By which delegation, or why by none; both empty for an approver, who needs none, and where nothing waits."""

    under: Delegation | None = None
    lacks: tuple[str, ...] = ()


class Beforehand:
    def __init__(self, database: Database, channels: ChannelsOfMode) -> None:
        self._database = database
        self._channels = channels

    def of(self, actor: Person, ref: str) -> Covered:
        if Role.APPROVER in actor.roles or Role.DELEGATE not in actor.roles:
            return Covered()
        with self._database.read() as tx:
            row = messages.find(tx, ref)
            waiting = submissions.open_for(tx, row.id)
            if waiting is None:
                return Covered()
            version, found = messages.current_version(tx, row), submissions.posts(tx, waiting.id)
            mine = [d for d in delegations.listed(tx, person_id=actor.id) if d.in_force(tx.now())]
        posts = [Post.from_bytes(p.content) for p in found]
        cost = cost_of(posts, self._channels.get(row.mode, {}), recipients_of(json.loads(waiting.manifest)))
        about = {"template": str(version.template.get("name", "")), "severity": str(version.facts.severity)}
        wrong = {d.ref: tuple(d.covers.lacks(**about, cost=cost)) for d in mine}
        for each in mine:
            if not wrong[each.ref]:
                return Covered(under=each)
        lacks = tuple(f"{d.ref} ({d.scheme}): {', '.join(wrong[d.ref])}." for d in mine)
        return Covered(lacks=lacks or ("None of your delegations is in force now.",))
