"""The CAP alerts of messages as they are published, and the keys that sign them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from lxml import etree

from broadcaster.db import audit_log, messages
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import NotFound, Unavailable
from broadcaster.domain.policy import Action, require
from broadcaster.domain.post import Post
from broadcaster.service.compose import Compose
from broadcaster.service.rules import Rules
from channels import cap_signing
from channels.base import ChannelsOfMode


@runtime_checkable
class PublishesAlerts(Protocol):
    def alert(self, reference: str) -> bytes: ...

    def alert_of(self, post: Post) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class ShownAlert:
    """`published` is false for what it would be. `signed` says whether this installation's key signed it, all of it."""

    account: str
    content: bytes
    published: bool
    signed: bool

    @property
    def identifier(self) -> str:
        root = etree.fromstring(self.content)
        return str(root.findtext("{*}identifier") or "")


class CapKeys:
    """`keys` are the files by mode."""

    def __init__(
        self,
        database: Database,
        channels: ChannelsOfMode,
        compose: Compose,
        rules: Rules,
        *,
        keys: Mapping[str, Path],
        name: str,
    ) -> None:
        self._database = database
        self._channels = channels
        self._compose = compose
        self._rules = rules
        self._keys = keys
        self._name = name

    def shown(self, actor: Person, ref: str) -> list[ShownAlert]:
        """One for each website it is published on, or would be. NotFound where it goes to none."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            row = messages.find(tx, ref)
        places = {n: c for n, c in self._channels.get(row.mode, {}).items() if isinstance(c, PublishesAlerts)}
        proof = self._compose.preview(ref)
        posts = {each.account: each.post for each in proof.posts if each.account in places}
        if not posts:
            raise NotFound(f"{row.ref} goes to no website, so it has no CAP alert.")
        return [self._one(row.mode, name, places[name], post) for name, post in posts.items()]

    def _one(self, mode: str, account: str, place: PublishesAlerts, post: Post) -> ShownAlert:
        content = place.alert(post.facts.get("reference", ""))
        found = content or place.alert_of(post)
        signed = bool(content) and cap_signing.verify(found, self._certificates(mode))
        return ShownAlert(account=account, content=found, published=bool(content), signed=signed)

    def _certificates(self, mode: str) -> tuple[str, ...]:
        path = self._keys[mode]
        try:
            return cap_signing.load_or_create(path, name=self._name).certificates if path.exists() else ()
        except cap_signing.BadKey:
            return ()

    def rotate(self, actor: Person, mode: str) -> cap_signing.SigningKey:
        """A new key from the next alert on. What the earlier ones signed can be verified as before."""
        require(actor.name, actor.roles, Action.MANAGE)
        try:
            with self._database.write() as tx:
                self._rules.require_fresh(tx, actor)
                made = cap_signing.rotate(self._keys[mode], name=self._name)
                payload: dict[str, Json] = {"mode": mode, "certificate": made.fingerprint}
                audit_log.append(tx, actor=actor.name, act="cap_key_changed", subject=mode, payload=payload)
        except cap_signing.BadKey as bad:
            raise Unavailable(f"{bad} Mend the file, or move it away: a new key is made.") from bad
        return made
