"""Reads what the stand-in platforms say they took: the demo's witness, and that of the fault tests."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import requests

from broadcaster.domain.evidence_facts import Acceptance

PAGE = 10_000
THREADS = frozenset({"x"})  # platforms whose posts may answer each other


def taken(sandbox: str, ref: str, keys: Collection[str]) -> Iterator[Acceptance]:
    """What they took of one broadcast: what has a key of ours, or says its reference, or answers what does."""
    return of_broadcast(_ledger(sandbox), ref, keys)


def of_broadcast(rows: Iterable[Mapping[str, Any]], ref: str, keys: Collection[str]) -> Iterator[Acceptance]:
    """The same, of these rows in the order in which they were taken: a post comes before its answers."""
    ours: set[tuple[str, str]] = set()
    for row in rows:
        answers = _in_reply_to(row)
        if row["key"] in keys or f"Ref {ref}" in row["text"] or (row["platform"], answers) in ours:
            if row["platform"] in THREADS:
                ours.add((row["platform"], row["platform_id"]))
            yield Acceptance(
                platform=row["platform"],
                key=row["key"],
                text=row["text"],
                recipient=row["recipient"],
                platform_id=row["platform_id"],
                link=row["link"] if row["platform"] == "facebook" else None,
                at=datetime.fromisoformat(row["at"]),
                in_reply_to=answers,
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


def _ledger(sandbox: str) -> Iterator[dict[str, Any]]:
    """Every accepted request, page by page."""
    after = 0
    with requests.Session() as http:
        http.trust_env = False  # no proxy stands between us and this machine
        while True:
            query: dict[str, str | int] = {"accepted": 1, "after": after, "limit": PAGE}
            answer = http.get(f"{sandbox}/_sandbox/ledger", params=query, timeout=60)
            answer.raise_for_status()
            rows = answer.json()
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1]["id"]
