"""Finding a person by the number in every audience, and erasing that number for good. There is no undo.

What was sent stays provable by count: ordinals, deliveries, attempts, digests and the audit log stay as they are.
"""

from collections.abc import Mapping
from datetime import timedelta
from itertools import groupby

from broadcaster.db import audit_log, erasures, heard, holds
from broadcaster.db.engine import Database, Tx
from broadcaster.db.erasures import Holding
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.canonical import Json
from broadcaster.domain.erasure import Erased, Found, Membership, check_reason, ending
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.policy import Action, require
from broadcaster.service.audience_file import e164


class Erasing:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def find(self, actor: Person, number: str, *, region: str = "GB", days: int = 30) -> Found:
        """Where the number stands, and what was sent to it in the last `days` days. That somebody looked is recorded,
        the number is not. Invalid where it is no phone number; numbers without a country code are read as `region`'s."""
        require(actor.name, actor.roles, Action.ERASE)
        e164_number = _read(number, region)
        index = self._vault.index(e164_number)
        with self._database.write() as tx:
            held = erasures.holdings(tx, index)
            since = tx.now() - timedelta(days=days)
            found = Found(
                ending=ending(e164_number),
                audiences=_memberships(held),
                opt_outs=tuple(erasures.opt_outs(tx, index)),
                written=heard.kept(tx, index),
                deliveries=erasures.deliveries_to(tx, [h.id for h in held], released_after=since),
                days=days,
                held=_said(held, holds.of_versions(tx, [h.version_id for h in held])),
            )
            told = {"versions": found.versions, "opt_outs": len(found.opt_outs), "days": days}
            payload = {**told, "written": found.written, "deliveries": sum(found.deliveries.values())}
            audit_log.append(tx, actor=actor.name, act="person_looked_up", payload=payload)
        return found

    def erase(
        self, actor: Person, number: str, *, reason: str, keep_out: bool = False, region: str = "GB"
    ) -> Erased:
        """Takes the number out of every audience version, every opt-out and all that was written from it, in one transaction.

        `keep_out` keeps its keyed index alone, so that later imports leave the person out; without it a later list
        that has the number brings it back, also where the person had opted out. Where a legal hold covers a list, the number
        stays in it and is kept out of everything that is sent; the result says so. What is pending to it is suppressed when
        it is claimed; what is being sent at this very moment still goes out. NotFound where it stands nowhere, Invalid for
        a reason that gives the number away, Stale where a decision has to be waited for; nothing is changed then.
        """
        require(actor.name, actor.roles, Action.ERASE)
        e164_number = _read(number, region)
        check_reason(reason, e164_number)
        index = self._vault.index(e164_number)
        with self._database.write() as tx:
            erasures.leave_no_traces(tx)
            everywhere = erasures.holdings(tx, index)
            kept = holds.of_versions(tx, [each.version_id for each in everywhere])
            held = [each for each in everywhere if each.version_id not in kept]
            # or a list that is held would bring texts to somebody who asked to be forgotten
            keep_out = keep_out or bool(kept)
            _require_no_open_submission(tx, held)
            versions = sum(erasures.erase(tx, each, index) for each in held)
            opt_outs = erasures.delete_opt_outs(tx, index)
            written = heard.erase(tx, index)
            if not (versions or opt_outs or written or keep_out):
                raise NotFound(
                    "No audience, no opt-out and nothing that was written to us holds this number. Nothing was changed."
                )
            if keep_out:
                erasures.keep_out(tx, index)
            counts = {"versions": versions, "opt_outs": opt_outs, "written": written}
            payload: dict[str, Json] = {**counts, "kept_out": keep_out}
            payload |= {"held": [*sorted({ref for refs in kept.values() for ref in refs})]} if kept else {}
            payload |= {"reason": reason.strip(), "digests": _new_digests(tx, held)}
            audit_log.append(tx, actor=actor.name, act="person_erased", payload=payload)
        erasures.clear_journal(self._database)
        return Erased(ending=ending(e164_number), kept_out=keep_out, held=_said(everywhere, kept), **counts)


def _read(number: str, region: str) -> str:
    try:
        return e164(number, region)
    except ValueError as error:
        raise Invalid(
            f"This cannot be looked up: {error}. Give it with its country code, such as +447700900123."
        ) from error


def _memberships(held: list[Holding]) -> tuple[Membership, ...]:
    return tuple(
        Membership(audience=name, versions=tuple(each.no for each in same))
        for name, same in groupby(held, key=lambda each: each.audience)
    )


def _said(everywhere: list[Holding], kept: Mapping[int, list[str]]) -> tuple[str, ...]:
    """Where a number stays, and by which hold."""
    return tuple(
        f"{each.audience}, version {each.no} (legal hold {', '.join(kept[each.version_id])})"
        for each in everywhere
        if each.version_id in kept
    )


def _require_no_open_submission(tx: Tx, held: list[Holding]) -> None:
    """A version from before there were marks gets another digest: what waits for approval would be refused as altered.
    A warning cannot wait for that, an erasure can."""
    changed = [each.version_id for each in held if each.salt is None]
    waiting = erasures.waiting_for_approval(tx, changed) if changed else []
    if waiting:
        raise Stale(
            f"{', '.join(waiting)} waits for approval and goes to an old version of an audience with this number. "
            "Nothing was erased. Try again once it is decided upon, which takes no longer than a submission lives."
        )


def _new_digests(tx: Tx, held: list[Holding]) -> list[dict[str, str | int]]:
    """Of versions from before there were marks: so that an auditor can tell an erasure from tampering."""
    return [
        {"audience": each.audience, "version": each.no, "sha256": erasures.sha256_of(tx, each.version_id)}
        for each in held
        if each.salt is None
    ]
