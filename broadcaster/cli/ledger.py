"""Reads what the stand-in platforms say they took: the demo's witness, and that of the fault tests."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from broadcaster.domain.evidence_facts import Acceptance
from channels.gateways import GATEWAYS

PAGE = 10_000
THREADS = frozenset({"x"})  # platforms whose posts may answer each other
PICTURES_OF = ("facebook", "x")


def taken(sandbox: str, ref: str, keys: Collection[str]) -> Iterator[Acceptance]:
    """What they took of one broadcast: what has a key of ours, or says its reference, or answers what does."""
    pictures = {
        (row["platform"], row["platform_id"]): urlsplit(row["link"]).path.rpartition("/")[2]
        for platform in PICTURES_OF
        for row in _ledger(sandbox, platform=platform, accepted=0)
        if row["link"].startswith("/_sandbox/media/")
    }
    return of_broadcast(_ledger(sandbox, accepted=1), ref, keys, pictures)


def of_broadcast(
    rows: Iterable[Mapping[str, Any]],
    ref: str,
    keys: Collection[str],
    pictures: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> Iterator[Acceptance]:
    """The same, of these rows in the order in which they were taken: a post comes before its answers.

    `pictures` are the SHA-256 of what was uploaded, by platform and the id that it gave.
    """
    ours: set[tuple[str, str]] = set()
    for row in rows:
        answers = _in_reply_to(row)
        if row["key"] in keys or f"Ref {ref}" in row["text"] or (row["platform"], answers) in ours:
            if row["platform"] in THREADS:
                ours.add((row["platform"], row["platform_id"]))
            shown = _pictures(row)
            yield Acceptance(
                platform="sms" if row["platform"] in GATEWAYS else row["platform"],
                key=row["key"],
                text=row["text"],
                recipient=row["recipient"],
                platform_id=row["platform_id"],
                # Facebook takes either pictures or a link; beside pictures it stands in the text.
                link=row["link"] if row["platform"] == "facebook" and not shown else None,
                at=datetime.fromisoformat(row["at"]),
                in_reply_to=answers,
                images=None
                if shown is None
                else tuple(pictures.get((row["platform"], n), "") for n in shown),
            )


def _in_reply_to(row: Mapping[str, Any]) -> str | None:
    """As the request itself says it: the body of a post on X (docs.x.com, POST /2/tweets)."""
    if row["platform"] not in THREADS:
        return None
    try:
        answered = json.loads(row["body"]).get("reply") or {}
        return str(answered.get("in_reply_to_tweet_id", ""))
    except (ValueError, KeyError, AttributeError):
        return None


def _pictures(row: Mapping[str, Any]) -> list[str] | None:
    """The platform's ids of the pictures that a post names, as the request itself says; None where none can be shown."""
    try:
        if row["platform"] == "facebook":
            form = parse_qsl(row["body"])
            return [
                json.loads(text)["media_fbid"] for name, text in form if name.startswith("attached_media[")
            ]
        if row["platform"] == "x":
            return list(json.loads(row["body"]).get("media", {}).get("media_ids", []))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def _ledger(sandbox: str, **wanted: str | int) -> Iterator[dict[str, Any]]:
    """Every such request, page by page."""
    after = 0
    with requests.Session() as http:
        http.trust_env = False  # no proxy stands between us and this machine
        while True:
            query = {**wanted, "after": after, "limit": PAGE}
            answer = http.get(f"{sandbox}/_sandbox/ledger", params=query, timeout=60)
            answer.raise_for_status()
            rows = answer.json()
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1]["id"]
