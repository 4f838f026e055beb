"""Who is paged about what: by the rota of this moment, by roles, and never whoever wrote the message itself."""

from collections.abc import Mapping
from functools import cached_property

from broadcaster.db import delegations, messages, people, rota, submissions
from broadcaster.db.engine import Tx
from broadcaster.db.people import Person
from broadcaster.domain.paging import ROLE_OF, Request, RequestKind, turns
from broadcaster.domain.policy import Action, Role
from broadcaster.domain.rota import Duty, DutyRole, on_call

ANSWERS: Mapping[str, Action] = {
    DutyRole.OFFICER: Action.WRITE,
    DutyRole.APPROVER: Action.APPROVE,
    DutyRole.TECHNICAL: Action.MANAGE,
}


class Staff:
    """Who there is, read once within a transaction, however many requests are looked at."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    @cached_property
    def _on_call(self) -> list[Duty]:
        return on_call(rota.from_now(self._tx), self._tx.now())

    @cached_property
    def _known(self) -> list[Person]:
        return [k.person for k in people.everybody(self._tx) if k.disabled_at is None]

    def turns(self, request: Request) -> list[tuple[str, ...]]:
        """By the rota of this moment: who came on call meanwhile is the one who is paged."""
        if request.kind in {RequestKind.BREAK_GLASS, RequestKind.REVIEW}:
            without = _touched(self._tx, request)
            return turns((), self._in_roles({Role.APPROVER, Role.AUDITOR}, without=without))
        now_on_call = [d.person for d in self._on_call if d.role == request.role]
        role = ROLE_OF.get(request.role, Role.ADMINISTRATOR)
        if request.kind is not RequestKind.APPROVAL:  # whoever wrote a message is the one to look after it
            return turns(now_on_call, self._in_roles({role}, without=frozenset()))
        without = _touched(self._tx, request)
        return turns(now_on_call, self._in_roles({role}, without=without) + self._delegates(without))

    def _in_roles(self, roles: set[Role], *, without: frozenset[int]) -> list[str]:
        return [p.name for p in self._known if roles & set(p.roles) and p.id not in without]

    def _delegates(self, without: frozenset[int]) -> list[str]:
        """Who may approve something: whether this, the page of the message says."""
        mine = [p for p in self._known if Role.DELEGATE in p.roles and Role.APPROVER not in p.roles]
        return [p.name for p in mine if p.id not in without and self._has_delegation(p)]

    def _has_delegation(self, person: Person) -> bool:
        found = delegations.listed(self._tx, person_id=person.id)
        return any(d.in_force(self._tx.now()) for d in found)


def _touched(tx: Tx, request: Request) -> frozenset[int]:
    """Whoever wrote, changed or handed over a message decides nothing about it, so nobody is woken for that."""
    row = messages.by_ref(tx, request.subject)
    if row is None:
        return frozenset()
    return messages.authors(tx, row.id) | submissions.submitters(tx, row.id) | {row.author_id}


def action_of(request: Request) -> Action:
    """What somebody who answers must be allowed to do. With a token that only reads nobody is on anything."""
    if request.kind in {RequestKind.BREAK_GLASS, RequestKind.REVIEW}:
        return Action.REVIEW
    return ANSWERS.get(DutyRole(request.role), Action.MANAGE)
