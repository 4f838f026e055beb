"""Processes that die or stop at one moment of their work: the product's own parts over collaborators that kill or stop
their own process. `python -m tests.faults.crashing` forks one for each order that it reads, so none waits for imports.
"""

import ctypes
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy

from broadcaster.bootstrap import Parts, build
from broadcaster.db.engine import Database
from broadcaster.db.tables import batch, target
from broadcaster.domain.broadcast import BatchState, Lane
from broadcaster.domain.message import Mode
from broadcaster.logs import configure
from broadcaster.parts.shared import owner_name
from broadcaster.processes import PR_SET_PDEATHSIG
from broadcaster.queue import NoBells
from broadcaster.settings import Settings
from channels import channel_class
from channels.accounts import load_accounts
from channels.base import Sending, SendsMany
from tests.faults.beside import carry_on, plan_at, seal_on, stand_in, sweep_on, web
from tests.faults.fate import Fate

Order = Mapping[str, Any]
BESIDE = (carry_on, plan_at, seal_on, stand_in, sweep_on, web)


class FatefulDatabase(Database):
    """Knows by its statements what a transaction was for, and tells fate before and after its commit."""

    def __init__(self, settings: Settings, fate: Fate) -> None:
        super().__init__(settings.database, lock_wait_s=settings.lock_wait_s)
        self._fate = fate
        self._did: set[str] = set()
        sqlalchemy.event.listen(self.engine, "before_cursor_execute", self._look)

    def _look(self, _connection, _cursor, statement, *_rest) -> None:
        words = " ".join(statement.split())
        if words.startswith("INSERT INTO intent_group"):
            self._did.add("intent")
        elif words.startswith("INSERT INTO attempt"):
            self._did.add("outcomes")
        elif words.startswith("UPDATE batch SET") and "fence=" in words.partition(" WHERE ")[0]:
            self._did.add("claim")

    @contextmanager
    def write(self):
        did = self._did = set()
        with super().write() as tx:
            yield tx
            if "outcomes" in did:
                self._fate.at("before_commit")
        if "claim" in did:
            self._fate.claimed(self._claimed_channel())
        if "outcomes" in did:
            self._fate.at("after_commit")
        if "intent" in did:  # what is recorded and what is opened next is one transaction
            self._fate.at("after_intent")

    def _claimed_channel(self) -> str:
        mine = (batch.c.owner == owner_name(os.getpid())) & (batch.c.state == BatchState.LEASED)
        query = sqlalchemy.select(target.c.channel).join(batch, batch.c.target_id == target.c.id).where(mine)
        with self.read() as tx:
            return tx.execute(query).scalar_one()


class FatefulBells(NoBells):
    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    def ring(self, mode, lane, wanted=1) -> None:
        self._fate.rung("ring")

    def plan(self, broadcast_id, mode) -> None:
        self._fate.rung("plan")


class FatefulSending:
    """Of what is put at once, the last answer is the one that counts."""

    def __init__(self, own: Sending, fate: Fate) -> None:
        self._own, self._fate = own, fate
        self._waiting: list[set[str]] = []

    def put(self, parcels) -> None:
        self._fate.begins(len(parcels))
        self._waiting.append({parcel.key for parcel in parcels})
        self._own.put(parcels)

    def take(self, within_s):
        answers = self._own.take(within_s)
        for keys in self._waiting:
            keys -= {key for key, _ in answers}
        answered = sum(not keys for keys in self._waiting)
        self._waiting = [keys for keys in self._waiting if keys]
        for _ in range(answered):
            self._fate.at("after_answer")
        return answers


def fateful(channel: Any, fate: Fate) -> Any:
    """The channel itself with all of its protocols; each call of its platform passes by fate."""
    kind = type(channel)

    def send(self, post, key):
        with fate.calling():
            return kind.send(self, post, key)

    @contextmanager
    def sending(self, post):
        with kind.sending(self, post) as own:
            yield FatefulSending(own, fate)

    calls = {"send": send} | ({"sending": sending} if issubclass(kind, SendsMany) else {})
    channel.__class__ = type(f"Fateful{kind.__name__}", (kind,), calls)
    return channel


def fateful_parts(settings: Settings, fate: Fate) -> Parts:
    accounts = load_accounts(settings.credentials, Mode.LIVE, settings.hosts)
    channels = {
        name: fateful(channel_class(account.channel).from_account(account), fate)
        for name, account in accounts.items()
    }
    return build(
        settings,
        mode=Mode.LIVE,
        database=FatefulDatabase(settings, fate),
        bells=FatefulBells(fate),
        channels={Mode.LIVE: channels},
    )


# --- what a forked process may be told to do ----------------------------------------------------------------


def work(order: Order) -> None:
    """A worker answering one bell; with `groups`, it is asked to end after so many."""
    fate, groups = Fate(**order["fate"]), order.get("groups")
    parts = fateful_parts(Settings.load(order["settings"]), fate)
    running = (lambda: fate.groups < groups) if groups else (lambda: True)
    parts.deliver.work(Mode.LIVE, Lane(order["lane"]), for_s=order["for_s"], running=running)


def approve(order: Order) -> None:
    parts = _parts(order)
    approver = parts.people.who(order["token"])
    parts.approve.approve(approver, order["ref"], order["sha256"])


def plan(order: Order) -> None:
    _parts(order).plan.plan(order["broadcast_id"])


TASKS: Mapping[str, Callable[[Order], None]] = {
    task.__name__: task for task in (work, approve, plan, *BESIDE)
}


def _parts(order: Order) -> Parts:
    return fateful_parts(Settings.load(order["settings"]), Fate(**order["fate"]))


# --- the process that forks ---------------------------------------------------------------------------------


def main() -> None:
    """Orders come in as lines of JSON; what becomes of each process goes out the same way. Ends with its input."""
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    numbers: dict[int, int] = {}
    kept = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_changes(numbers)
        if 0 in ready:
            read = os.read(0, 1 << 16)
            if not read:
                break
            *lines, kept = (kept + read).split(b"\n")
            for line in lines:
                _fork(json.loads(line), numbers)
    for pid in numbers:  # also those that stand still
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _fork(order: Order, numbers: dict[int, int]) -> None:
    pid = os.fork()
    if pid == 0:
        _live(order)
    numbers[pid] = order["number"]
    _tell(number=order["number"], event="started", value=pid)


def _tell_changes(numbers: dict[int, int]) -> None:
    """Each process that died, ended or was stopped since the last time, in the kernel's own words."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                _tell(number=numbers[pid], event="stopped", value=0)
            else:
                _tell(number=numbers.pop(pid), event="ended", value=os.waitstatus_to_exitcode(status))


def _tell(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _live(order: Order) -> None:
    """The whole life of a forked process: it never comes back to the loop of the one that forked it."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(Path(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for given, place in ((null, 0), (log, 1), (log, 2)):
            os.dup2(given, place)
        configure()
        TASKS[order["task"]](order)
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - whatever it is, it is told in the log and ends this process only
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
