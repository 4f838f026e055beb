"""Alarms that cannot wait until the morning page somebody: once for each alarm, until it is over or somebody is on it."""

from broadcaster.db import messages
from broadcaster.db.engine import Tx
from broadcaster.domain.alarm import OF_AN_ACCOUNT, WAKES, AlarmCode
from broadcaster.domain.message import Mode
from broadcaster.service.pager import no_longer, tell


def page_about(tx: Tx, code: AlarmCode, subject: str) -> None:
    """In the transaction that raises it. Nothing happens where it can wait, or where it is about an exercise: nobody is
    woken for those."""
    if code in WAKES and not _of_an_exercise(tx, subject):
        role, words = WAKES[code]
        tell(tx, role, f"ALARM about {subject}: {words}", subject=subject, link=_link(tx, code, subject))


def page_no_longer(tx: Tx, code: AlarmCode, subject: str, why: str) -> None:
    """It is over, or acknowledged: nobody is paged about it any more."""
    if code in WAKES:
        no_longer(tx, subject[:64], why, link=_link(tx, code, subject))


def _of_an_exercise(tx: Tx, subject: str) -> bool:
    """By the account's or the lane's mode, or by the message's."""
    row = messages.by_ref(tx, subject)
    return row.mode == Mode.EXERCISE if row else subject.startswith(f"{Mode.EXERCISE}/")


def _link(tx: Tx, code: AlarmCode, subject: str) -> str:
    """Where to look, and what tells this alarm from another one about the same thing."""
    if messages.by_ref(tx, subject):
        return f"/messages/{subject}/board#{code}"
    return f"/manage/accounts#{code}" if code in OF_AN_ACCOUNT else f"/#{code}"
