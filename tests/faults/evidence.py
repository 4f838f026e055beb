"""Gathers what the three witnesses say: the database by SQL of its own, the stand-ins over HTTP, the website from its folder,
the audit log from the product's own export.

Nothing of our services or stores is asked about deliveries: a mistake there could hide itself.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, create_engine, select

from broadcaster.audit.verifier.reading import verify
from broadcaster.cli.ledger import taken
from broadcaster.db.tables import (
    account,
    approval,
    attempt,
    audience_version,
    batch,
    broadcast,
    delivery,
    intent_group,
    message,
    post,
    submission,
    target,
)
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import canonical
from broadcaster.domain.delivery import DeliveryState, Outcome
from broadcaster.domain.evidence_facts import (
    Acceptance,
    AttemptFacts,
    BroadcastFacts,
    DeliveryFacts,
    Evidence,
    GroupFacts,
    LogFacts,
    TargetFacts,
)
from tests.installation import Installation

EXPORT_WITHIN_S = 120
STATES = {str(state): state for state in DeliveryState}
OUTCOMES = {str(outcome): outcome for outcome in Outcome}


def gather(found: Installation, ref: str, *, in_process: bool = False) -> Evidence:
    """Of a whole installation. The log comes from the real command, or with `in_process` from what the command calls; once more
    where the broadcast ended after the log was exported and before its row was read."""
    evidence = _gathered(found, ref, in_process=in_process)
    ended = evidence.broadcast.state is BroadcastState.DONE
    if ended and not any(event.act == "broadcast_done" for event in evidence.log.events):
        evidence = _gathered(found, ref, in_process=in_process)
    return evidence


def _gathered(found: Installation, ref: str, *, in_process: bool) -> Evidence:
    if in_process:
        lines = list(found.parts.audit.export(found.parts.people.who(found.people["auditor"])))
    else:
        lines = exported(found)
    return gather_from(
        database_url=found.parts.database.url,
        ref=ref,
        export_lines=lines,
        sandbox=found.sandbox,
        site_dir=site_dirs(found),
    )


#: Far below a lease: a batch that nobody works on any more is still found.
HANDED_BACK_WITHIN_S = 3.0


def exported(found: Installation) -> list[str]:
    """What `broadcaster audit export` prints."""
    command = [sys.executable, "-m", "broadcaster.cli.main", "audit", "export", "-"]
    token = {"BROADCASTER_TOKEN": found.people["auditor"]}
    done = subprocess.run(
        command,
        env={**os.environ, **found.settings.environment(), **token},
        capture_output=True,
        text=True,
        timeout=EXPORT_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, f"audit export failed: {done.stderr}"
    return done.stdout.splitlines()


def site_dirs(found: Installation) -> list[Path]:
    """The folder of every website of an installation, by account."""
    return [found.settings.site_dir, *sorted(found.settings.root.glob("site-*"))]


def gather_from(
    *,
    database_url: str,
    ref: str,
    export_lines: Iterable[str],
    sandbox: str,
    site_dir: Path | Sequence[Path],
) -> Evidence:
    """`site_dir` is a website's folder, or several."""
    lines = list(export_lines)
    rows = Rows(database_url, ref)
    patience = time.monotonic() + HANDED_BACK_WITHIN_S
    while rows.leased and time.monotonic() < patience:
        time.sleep(
            0.1
        )  # a batch is handed back in the transaction after the one that writes its last outcome
        rows = Rows(database_url, ref)
    keys = {d.key for d in rows.deliveries}
    folders = [site_dir] if isinstance(site_dir, Path) else site_dir
    return Evidence(
        broadcast=rows.broadcast,
        targets=rows.targets,
        deliveries=rows.deliveries,
        attempts=rows.attempts,
        groups=rows.groups,
        leased=rows.leased,
        accepted=(*taken(sandbox, ref, keys), *(a for f in folders for a in _published(f, ref))),
        log=log_facts(lines),
    )


def log_facts(lines: Sequence[str]) -> LogFacts:
    """The events of an export, and what the stand-alone verifier has against it."""
    verdict = verify((f"{line}\n".encode() for line in lines), keys=[], anchors=[])
    said = [json.loads(line) for line in lines if line.startswith(('{"event":', '{"unsealed":'))]
    return LogFacts(
        events=tuple(_event(line) for line in said),
        problems=tuple(f"event {no}: {what}" for no, what in verdict.problems),
    )


def _event(line: dict[str, Any]) -> AuditEvent:
    event = line.get("event") or line["unsealed"]
    payload = canonical(event["payload"]).decode()
    return AuditEvent(**{**event, "payload": payload, "no": line.get("no"), "leaf": line.get("leaf")})


class Rows:
    """One broadcast, of one moment."""

    def __init__(self, database_url: str, ref: str) -> None:
        engine = create_engine(database_url, hide_parameters=True)
        postgres = engine.dialect.name == "postgresql"
        try:
            with engine.connect().execution_options(
                **({"isolation_level": "REPEATABLE READ"} if postgres else {})
            ) as connection:
                self._read(connection, ref)
        finally:
            engine.dispose()

    def _read(self, connection: Connection, ref: str) -> None:
        found = connection.execute(_broadcast_of(ref)).one()
        self.broadcast = _broadcast(found)
        self.targets = tuple(_target(r) for r in connection.execute(_targets_of(found.id)))
        d, i, a = delivery.c, intent_group.c, attempt.c
        of_it = d.broadcast_id == found.id
        rows = connection.execute(_columns(delivery).where(of_it).order_by(d.id)).all()
        keys = {r.id: r.uid for r in rows}
        self.deliveries = tuple(_delivery(r) for r in rows)
        answers = (
            select(a.intent_group_id, a.delivery_id, a.outcome, a.code, a.platform_id, a.link)
            .add_columns(a.started_at, a.ended_at)
            .join(delivery, d.id == a.delivery_id)
            .where(of_it)
            .order_by(a.intent_group_id, a.id)
        )
        self.attempts = tuple(_attempt(r, keys) for r in connection.execute(answers))
        groups = (
            select(i.id, i.batch_id, i.delivery_ids, i.opened_at, i.closed_at)
            .join(batch, batch.c.id == i.batch_id)
            .where(batch.c.broadcast_id == found.id)
            .order_by(i.id)
        )
        self.groups = tuple(_group(r, keys) for r in connection.execute(groups))
        leased = select(batch.c.id).where(batch.c.broadcast_id == found.id, batch.c.state == "leased")
        self.leased = tuple(connection.execute(leased).scalars())


def _columns(table: Table) -> Any:
    d = table.c
    return select(d.id, d.uid, d.target_id, d.batch_id, d.ordinal, d.recipient_id, d.state, d.code, d.resends)


def _broadcast_of(ref: str) -> Any:
    b = broadcast.c
    return (
        select(b.id, b.uid, b.state, b.released_at, b.expires_at, b.ended_at, message.c.ref)
        .add_columns(approval.c.manifest_sha256, submission.c.manifest)
        .join(message, message.c.id == b.message_id)
        .outerjoin(approval, approval.c.id == b.approval_id)
        .outerjoin(submission, submission.c.id == approval.c.submission_id)
        .where(message.c.ref == ref)
    )


def _targets_of(broadcast_id: int) -> Any:
    t = target.c
    return (
        select(t.id, t.channel, t.language, t.audience_version_id, t.planned_total, t.planned)
        .add_columns(account.c.name, audience_version.c.size, post.c.content, post.c.sha256)
        .join(account, account.c.id == t.account_id)
        .join(post, post.c.id == t.post_id)
        .outerjoin(audience_version, audience_version.c.id == t.audience_version_id)
        .where(t.broadcast_id == broadcast_id)
        .order_by(t.id)
    )


def _broadcast(row: Row[Any]) -> BroadcastFacts:
    stopped = row.state in ("stopped", "superseded")
    return BroadcastFacts(
        uid=row.uid,
        ref=row.ref,
        state=BroadcastState(row.state),
        released_at=row.released_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        stopped_at=row.ended_at if stopped else None,
        approved_sha256=row.manifest_sha256 or "",
        manifest=(row.manifest or "").encode(),
    )


def _target(row: Row[Any]) -> TargetFacts:
    return TargetFacts(
        id=row.id,
        channel=row.channel,
        account=row.name,
        language=row.language,
        to_audience=row.audience_version_id is not None,
        audience_size=1 if row.audience_version_id is None else row.size,
        planned_total=row.planned_total,
        planned=row.planned,
        post=bytes(row.content),
        post_sha256=row.sha256,
    )


def _delivery(row: Row[Any]) -> DeliveryFacts:
    return DeliveryFacts(
        key=row.uid,
        target=row.target_id,
        batch=row.batch_id,
        ordinal=row.ordinal,
        recipient=row.recipient_id,
        state=STATES[row.state],
        code=row.code,
        resends=row.resends,
    )


def _attempt(row: Row[Any], keys: dict[int, str]) -> AttemptFacts:
    return AttemptFacts(
        group=row.intent_group_id,
        key=keys[row.delivery_id],
        outcome=OUTCOMES[row.outcome],
        code=row.code,
        platform_id=row.platform_id,
        link=row.link,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _group(row: Row[Any], keys: dict[int, str]) -> GroupFacts:
    return GroupFacts(
        id=row.id,
        batch=row.batch_id,
        keys=tuple(keys.get(i, f"no delivery {i}") for i in json.loads(row.delivery_ids)),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def _published(site_dir: Path, ref: str) -> Iterator[Acceptance]:
    """What stands in a website's folder. The file system's clock says when: the document's own is the worker's."""
    for path in sorted((site_dir / ".alerts").glob("*.json")):
        document = json.loads(path.read_bytes())
        if document["reference"] != ref:
            continue
        for published in document["posts"].values():
            yield Acceptance(
                platform="website",
                key=published["key"],
                text=published["text"],
                title=published["title"],
                link=published["link"],
                facts=published["facts"],
                platform_id=document["reference"],
                at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
            )
