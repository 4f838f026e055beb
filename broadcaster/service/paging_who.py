"""Who is paged about what: by the rota of this moment, by roles, and never whoever wrote the message itself."""

from collections.abc import Mapping

from broadcaster.db import delegations, messages, people, rota, submissions
from broadcaster.db.engine import Tx
from broadcaster.domain.paging import ROLE_OF, Request, RequestKind, turns
from broadcaster.domain.policy import Action, Role
from broadcaster.domain.rota import DutyRole, on_call

ANSWERS: Mapping[str, Action] = {
    DutyRole.OFFICER: Action.WRITE,
    DutyRole.APPROVER: Action.APPROVE,
    DutyRole.TECHNICAL: Action.MANAGE,
}


def turns_of(tx: Tx, request: Request) -> list[tuple[str, ...]]:
    """By the rota of this moment: who came on call meanwhile is the one who is paged."""
    if request.kind in {RequestKind.BREAK_GLASS, RequestKind.REVIEW}:
        return turns((), _in_roles(tx, {Role.APPROVER, Role.AUDITOR}, without=_touched(tx, request)))
    now_on_call = [d.person for d in on_call(rota.from_now(tx), tx.now()) if d.role == request.role]
    role = ROLE_OF.get(request.role, Role.ADMINISTRATOR)
    if request.kind is not RequestKind.APPROVAL:  # whoever wrote a message is the one to look after it
        return turns(now_on_call, _in_roles(tx, {role}, without=frozenset()))
    everybody = _in_roles(tx, {role}, without=_touched(tx, request)) + _delegates(tx, _touched(tx, request))
    return turns(now_on_call, everybody)


def _in_roles(tx: Tx, roles: set[Role], *, without: frozenset[int]) -> list[str]:
    known = [k.person for k in people.everybody(tx) if k.disabled_at is None]
    return [p.name for p in known if roles & set(p.roles) and p.id not in without]


def _delegates(tx: Tx, without: frozenset[int]) -> list[str]:
    """Who may approve something: whether this, the page of the message says."""
    known = [k.person for k in people.everybody(tx) if k.disabled_at is None]
    mine = [p for p in known if Role.DELEGATE in p.roles and Role.APPROVER not in p.roles]
    return [
        p.name
        for p in mine
        if p.id not in without and any(d.in_force(tx.now()) for d in delegations.listed(tx, person_id=p.id))
    ]


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
