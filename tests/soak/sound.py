"""The checker's verdict on every message of a soak. The ledger and the log are read once: of a thousand messages, each by itself
would take hours."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select, text

from broadcaster.audit.stand_alone import NAME, stand_alone
from broadcaster.audit.verifier import verdict
from broadcaster.cli.ledger import PICTURES_OF, _ledger, of_broadcast
from broadcaster.db.tables import attempt, broadcast, delivery, heard, message, receipt, suppression
from broadcaster.domain.evidence import COUNTS, check
from broadcaster.domain.evidence_facts import Acceptance, Evidence, LogFacts
from channels.sandbox.faults import GATEWAYS
from tests.faults.evidence import Rows, _published, exported, log_facts, site_dirs
from tests.soak.place import Place

SAID = ("platform", "platform_id", "key", "recipient", "text", "link", "at")
A_SECOND = timedelta(seconds=1)
INDEX = "CREATE INDEX IF NOT EXISTS of_the_soak ON delivery (broadcast_id)"
WHOLE = {
    verdict.WHOLE,
    verdict.TAIL_OPEN,
}  # the last minutes may not have been laid down outside yet


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`broken` are sentences. `counts` are those of the checker, over all messages."""

    counts: Counter[str]
    broken: list[str]
    events: int


def verdict(place: Place, refs: Sequence[str], folder: Path) -> Verdict:
    lines = exported(place.found)
    counts, broken = Counter(dict.fromkeys(COUNTS, 0)), _verified(place, lines, folder)
    log = _by_broadcast(log_facts(lines))
    accepted, strangers, pictures = _ledger_of(place)
    with place.found.parts.database.write() as tx:
        tx.execute(text(INDEX))  # the product never asks for all of a broadcast, and has none
    for ref in refs:
        found = check(_evidence(place, ref, accepted[ref], pictures, log))
        counts.update(found.counts)
        broken += [f"{each.invariant} {each.subject}: {each.text} (Ref {ref})" for each in found.broken]
    happened = _happened(place)
    least = happened["people told that they are out"]
    most = least + happened["people perhaps told"]
    counts["unexpected"] += max(0, least - len(strangers), len(strangers) - most)
    counts.update(happened)
    return Verdict(counts=counts, broken=broken, events=sum(len(each.events) for each in log.values()))


def _evidence(
    place: Place, ref: str, rows: Sequence[dict[str, Any]], pictures: Any, log: dict[str, LogFacts]
) -> Evidence:
    ours = Rows(place.found.parts.database.url, ref)
    taken = of_broadcast(rows, ref, {d.key for d in ours.deliveries}, pictures)
    pages = (page for folder in site_dirs(place.found) for page in _pages(folder, ref))
    return Evidence(
        broadcast=ours.broadcast,
        targets=ours.targets,
        deliveries=ours.deliveries,
        attempts=ours.attempts,
        groups=ours.groups,
        leased=ours.leased,
        accepted=(*map(_through_a_gateway, taken), *pages),
        log=log[ours.broadcast.uid],
    )


def _pages(folder: Path, ref: str) -> Iterator[Acceptance]:
    """When it was published the document itself says, to the second: it is written once more when the message has ended."""
    for page in _published(folder, ref):
        document = json.loads((folder / ".alerts" / f"{ref}.json").read_bytes())
        yield replace(page, at=datetime.fromisoformat(document["updated"]) + A_SECOND)


def _through_a_gateway(acceptance: Acceptance) -> Acceptance:
    """Two gateways, and one channel."""
    return replace(acceptance, platform="sms") if acceptance.platform in GATEWAYS else acceptance


def _ledger_of(place: Place) -> tuple[dict[str, list[dict[str, Any]]], list[str], dict[tuple[str, str], str]]:
    """What was accepted of each message; the texts that are of none; and the pictures, as `cli.ledger` wants them."""
    refs = _refs(place)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    strangers: list[str] = []
    known: dict[str, str] = {}
    for row in _ledger(place.found.sandbox, accepted=1):
        ref = refs.get(row["key"]) or next(_named_in(row["text"]), "")
        said = {name: row[name] for name in SAID}
        said["text"] = known.setdefault(row["text"], row["text"])
        said["body"] = row["body"] if row["platform"] in PICTURES_OF else ""
        if ref:
            found[ref].append(said)
        else:
            strangers.append(said["text"])
    pictures = {
        (row["platform"], row["platform_id"]): urlsplit(row["link"]).path.rpartition("/")[2]
        for platform in PICTURES_OF
        for row in _ledger(place.found.sandbox, platform=platform, accepted=0)
        if row["link"].startswith("/_sandbox/media/")
    }
    return found, strangers, pictures


def _named_in(said: str) -> Iterator[str]:
    """The reference that a public post carries."""
    _, _, after = said.partition("Ref ")
    if after:
        yield after[:6]


def _refs(place: Place) -> dict[str, str]:
    """Of each delivery's key, its message."""
    query = (
        select(delivery.c.uid, message.c.ref)
        .join(broadcast, broadcast.c.id == delivery.c.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
        .where(delivery.c.recipient_id.is_not(None))
    )
    with place.found.parts.database.read() as tx:
        return dict(tx.execute(query).all())


def _happened(place: Place) -> Counter[str]:
    """What is of no message, or would tell if nothing of its kind had ever happened. Whoever is told that he is out gets a text
    that is of no message."""
    asked = {
        "people told that they are out": select(func.count()).where(heard.c.reply == "accepted"),
        "people perhaps told": select(func.count()).where(heard.c.reply == "unknown"),
        "people out": select(func.count()).select_from(suppression),
        "outcomes unknown": select(func.count()).where(attempt.c.outcome == "unknown"),
        "receipts": select(func.count()).where(receipt.c.applied_at.is_not(None)),
    }
    with place.found.parts.database.read() as tx:
        return Counter({name: tx.execute(query).scalar_one() for name, query in asked.items()})


def _by_broadcast(log: LogFacts) -> dict[str, LogFacts]:
    """The events of each, so that no message has to look through those of all others."""
    events = defaultdict(list)
    for event in log.events:
        events[str(json.loads(event.payload).get("broadcast", ""))].append(event)
    return defaultdict(
        lambda: LogFacts(events=(), problems=log.problems),
        {uid: LogFacts(events=tuple(each), problems=()) for uid, each in events.items()},
    )


def _verified(place: Place, lines: Sequence[str], folder: Path) -> list[str]:
    """What the stand-alone verifier says of the export, with the key and the checkpoints that were laid down outside."""
    file, anchors = folder / "audit.jsonl", place.found.settings.anchors
    file.write_text("".join(f"{line}\n" for line in lines))
    verifier = folder / NAME
    verifier.write_text(stand_alone())
    command = [sys.executable, "-I", str(verifier), str(file)]
    if (anchors / "keys.txt").exists():
        command += ["--key", (anchors / "keys.txt").read_text().splitlines()[0]]
    if (anchors / "checkpoints.txt").exists():
        command += ["--anchors", str(anchors / "checkpoints.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode in WHOLE:
        return []
    return [
        f"the audit log does not verify ({done.returncode}): {done.stdout.strip() or done.stderr.strip()}"
    ]
