"""Builds the parts, once: for the web, the command line, the workers and the tests."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broadcaster.db.engine import Database
from broadcaster.db.vault import Vault, load_or_create_key
from broadcaster.domain.message import Mode
from broadcaster.queue import Bells, CeleryBells
from broadcaster.render.posts import Renderer
from broadcaster.service.accounts import Accounts
from broadcaster.service.alarms import Alarms
from broadcaster.service.approve import Approve
from broadcaster.service.audiences import Audiences
from broadcaster.service.compose import Compose
from broadcaster.service.deliver import Deliver
from broadcaster.service.people import People
from broadcaster.service.plan import Plan
from broadcaster.service.read_back import ReadBack
from broadcaster.service.recall import Recall
from broadcaster.service.receipts import Receipts
from broadcaster.service.reconcile import Reconcile
from broadcaster.service.recording import Recording
from broadcaster.service.report import Report
from broadcaster.service.spill import Spill
from broadcaster.service.sweep import Sweep
from broadcaster.service.unknowns import Unknowns
from broadcaster.settings import Settings
from channels.accounts import load_accounts, open_channels
from channels.base import Channel

BOTH_MODES = (Mode.LIVE, Mode.EXERCISE)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that an entry point may call. `database` is for its own set-up and closing only."""

    settings: Settings
    database: Database
    channels: Mapping[str, Mapping[str, Channel]]
    accounts: Accounts
    alarms: Alarms
    approve: Approve
    audiences: Audiences
    compose: Compose
    deliver: Deliver
    people: People
    plan: Plan
    recall: Recall
    read_back: ReadBack
    receipts: Receipts
    recording: Recording
    reconcile: Reconcile
    report: Report
    sweep: Sweep
    unknowns: Unknowns


def build(
    settings: Settings,
    *,
    modes: Sequence[Mode] = BOTH_MODES,
    database: Database | None = None,
    bells: Bells | None = None,
    channels: Mapping[str, Mapping[str, Channel]] | None = None,
) -> Parts:
    """The parts for these settings. A process that sends in one mode names only that one, and so never holds the
    credentials of the other. Tests pass in what they want to be different."""
    database = database or Database(settings.database, lock_wait_s=settings.lock_wait_s)
    bells = bells or CeleryBells(settings.broker)
    if settings.credentials_dir is None:  # our own folder is made; one that was named must be there
        settings.credentials.mkdir(mode=0o700, parents=True, exist_ok=True)
    if channels is None:
        channels = {
            mode: open_channels(load_accounts(settings.credentials, mode, settings.hosts)) for mode in modes
        }
    vault = Vault(load_or_create_key(settings.root / "keys" / "data.key"))
    reconcile = Reconcile(database, channels, receipt_wait_s=settings.receipt_wait_s)
    receipts = Receipts(database, channels)
    spill = Spill(settings.root / "spill" / "outcomes.jsonl")
    alarms = Alarms(database)
    recording = Recording(database, bells, spill, lease_s=settings.lease_s)
    return Parts(
        settings=settings,
        database=database,
        channels=channels,
        accounts=Accounts(database, channels),
        alarms=alarms,
        approve=Approve(database, channels, bells),
        audiences=Audiences(database, vault),
        compose=Compose(
            database, channels, Renderer(), zone=settings.zone, submission_minutes=settings.submission_minutes
        ),
        deliver=Deliver(
            database,
            channels,
            vault,
            bells,
            recording,
            zone=settings.zone,
            owner=owner_name(os.getpid()),
            lease_s=settings.lease_s,
            max_in_flight=settings.max_in_flight,
        ),
        people=People(database),
        plan=Plan(database, bells),
        read_back=ReadBack(database, channels, zone=settings.zone),
        recall=Recall(database),
        receipts=receipts,
        recording=recording,
        reconcile=reconcile,
        report=Report(database),
        sweep=Sweep(
            database, bells, reconcile, receipts, recording, channels, alarms, owner=owner_name(os.getpid())
        ),
        unknowns=Unknowns(database),
    )


def owner_name(pid: int) -> str:
    """How leases name a process of this machine: a supervisor that sees it die can free what it held."""
    return f"{socket.gethostname()[:40]}/{pid}"
