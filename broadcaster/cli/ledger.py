"""Reads what the stand-in platforms say they took: the demo's witness, and that of the fault tests."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import requests

from broadcaster.domain.evidence_facts import Acceptance

PAGE = 10_000


def taken(sandbox: str, ref: str, keys: Collection[str]) -> Iterator[Acceptance]:
    """What they took of one broadcast: what has a key of ours, or says its reference."""
    for row in _ledger(sandbox):
        if row["key"] in keys or f"Ref {ref}" in row["text"]:
            yield Acceptance(
                platform=row["platform"],
                key=row["key"],
                text=row["text"],
                recipient=row["recipient"],
                platform_id=row["platform_id"],
                link=row["link"] if row["platform"] == "facebook" else None,
                at=datetime.fromisoformat(row["at"]),
            )


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
