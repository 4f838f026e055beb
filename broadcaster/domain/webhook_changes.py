"""Changes of where something is told to, which two administrators decide: each in words, and as the log may hold it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from broadcaster.domain.canonical import Json, sha256


@dataclass(frozen=True, kw_only=True)
class AddWebhook:
    """`types` empty: all. Whoever does it is shown its secret, once."""

    kind: ClassVar[str] = "add_webhook"
    url: str
    types: tuple[str, ...]

    @property
    def in_words(self) -> str:
        return f"Tell {self.url} what happens here: {_told(self.types)}. Its secret is shown once."

    @property
    def in_the_log(self) -> Mapping[str, Json]:
        return _addresses(url=self.url)


@dataclass(frozen=True, kw_only=True)
class ChangeWebhook:
    """Its secret stays."""

    kind: ClassVar[str] = "change_webhook"
    uid: str
    before: str
    url: str
    types: tuple[str, ...]

    @property
    def in_words(self) -> str:
        where = "" if self.url == self.before else f" {self.url} instead of"
        return f"Tell{where} {self.before} from now on: {_told(self.types)}."

    @property
    def in_the_log(self) -> Mapping[str, Json]:
        return _addresses(before=self.before, url=self.url)


@dataclass(frozen=True, kw_only=True)
class RotateWebhook:
    kind: ClassVar[str] = "rotate_webhook"
    uid: str
    url: str

    @property
    def in_words(self) -> str:
        return f"Make a new secret for the webhook to {self.url}. The old one ends at once, and the new one is shown once."

    @property
    def in_the_log(self) -> Mapping[str, Json]:
        return _addresses(url=self.url)


def host_of(url: str) -> str:
    """Addresses of webhooks often hold a secret of their receiver: the log keeps the host alone."""
    return (urlsplit(url).netloc or url)[:64]


def _addresses(**given: str) -> Mapping[str, Json]:
    """By their hosts, and digests that say whether two are the same."""
    return {name: f"{host_of(url)} (sha256 {sha256(url)})" for name, url in given.items()}


def _told(types: tuple[str, ...]) -> str:
    return ", ".join(types) or "everything"
