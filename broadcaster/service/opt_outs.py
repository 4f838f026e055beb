"""Opt-outs that somebody on the staff enters, counts or takes back, because a person asked for it."""

from dataclasses import dataclass

from broadcaster.db import audit_log, heard, opt_outs
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.canonical import Json
from broadcaster.domain.erasure import check_reason, ending
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.opt_out import OptOutCount, Reason
from broadcaster.domain.policy import Action, require
from broadcaster.service.audience_file import e164


@dataclass(frozen=True, kw_only=True)
class Changed:
    """`count` opt-outs of the number are new, or were taken back. `purpose` is empty for all purposes."""

    ending: str
    purpose: str
    count: int


class OptOuts:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def add(self, actor: Person, number: str, *, purpose: str, reason: str, region: str = "GB") -> Changed:
        """Leave this number out of a purpose from now on, also of what is being sent; an empty one is every purpose.
        `count` is 0 where it was out of it already. Invalid where it is no number, or the reason names it."""
        require(actor.name, actor.roles, Action.ERASE)
        known, index = self._read(number, region, reason)
        with self._database.write() as tx:
            opt_outs.alone(tx)
            count = opt_outs.add(tx, index, [purpose], Reason.ASKED)
            payload: dict[str, Json] = {"count": count, "purpose": purpose, "reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="opt_out_entered", payload=payload)
        return Changed(ending=ending(known), purpose=purpose, count=count)

    def end(
        self, actor: Person, number: str, *, purpose: str | None, reason: str, region: str = "GB"
    ) -> Changed:
        """Take the opt-outs of this number back: of one purpose, or all with None. NotFound where it has none; one that
        stayed from an erasure is no opt-out of this kind."""
        require(actor.name, actor.roles, Action.ERASE)
        known, index = self._read(number, region, reason)
        with self._database.write() as tx:
            opt_outs.alone(tx)
            of = None if purpose is None else [purpose]
            count = opt_outs.end(tx, index, of=of, reasons=list(Reason))
            if not count:
                raise NotFound(
                    "This number has no such opt-out. Nothing was changed. One that was kept when a person was erased is "
                    "ended by erasing the number once more without keeping it out.",
                    command="Which it has: broadcaster audience find -. To erase without keeping it out, leave out --keep-out.",
                )
            heard.call_off(tx, index)
            payload: dict[str, Json] = {"count": count, "reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="opt_out_ended", payload=payload)
        return Changed(ending=ending(known), purpose=purpose or "", count=count)

    def counts(self) -> list[OptOutCount]:
        with self._database.read() as tx:
            return opt_outs.counts(tx)

    def confirmations(self) -> dict[str, int]:
        """Confirmations of opt-outs, by what became of them."""
        with self._database.read() as tx:
            return heard.replies(tx)

    def _read(self, number: str, region: str, reason: str) -> tuple[str, bytes]:
        try:
            known = e164(number, region)
        except ValueError as error:
            raise Invalid(
                f"This is not entered: {error}. Give it with its country code, such as +447700900123."
            ) from error
        try:
            check_reason(reason, known)
        except Invalid as error:
            raise Invalid(error.text.replace("Nothing was erased", "Nothing was changed")) from error
        return known, self._vault.index(known)
