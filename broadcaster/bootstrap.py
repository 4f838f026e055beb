"""Builds the parts, once: for the web, the command line, the workers and the tests."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import SealKey
from broadcaster.db.engine import Database
from broadcaster.db.vault import Vault
from broadcaster.domain.message import Mode
from broadcaster.queue import Bells, CeleryBells
from broadcaster.render.posts import Renderer
from broadcaster.service.accounts import Accounts
from broadcaster.service.alarms import Alarms
from broadcaster.service.anchor import Anchor
from broadcaster.service.anchor_mail import AnchorMail
from broadcaster.service.anchor_stamp import AnchorStamp
from broadcaster.service.approve import Approve
from broadcaster.service.audiences import Audiences
from broadcaster.service.audit import Audit
from broadcaster.service.compose import Compose
from broadcaster.service.deliver import Deliver
from broadcaster.service.erasing import Erasing
from broadcaster.service.mail_server import MailServer
from broadcaster.service.people import People
from broadcaster.service.plan import Plan
from broadcaster.service.read_back import ReadBack
from broadcaster.service.readiness import Checks
from broadcaster.service.recall import Recall
from broadcaster.service.receipts import Receipts
from broadcaster.service.reconcile import Reconcile
from broadcaster.service.recording import Recording
from broadcaster.service.report import Report
from broadcaster.service.retention import Retention
from broadcaster.service.seal import Seal
from broadcaster.service.spill import Spill
from broadcaster.service.sweep import Sweep
from broadcaster.service.unknowns import Unknowns
from broadcaster.settings import Settings
from channels.accounts import load_accounts, open_channels
from channels.base import ChannelsOfMode

BOTH_MODES = (Mode.LIVE, Mode.EXERCISE)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that an entry point may call. `database` is for its own set-up and closing only."""

    settings: Settings
    database: Database
    channels: ChannelsOfMode
    accounts: Accounts
    alarms: Alarms
    anchor: Anchor
    anchor_mail: AnchorMail
    anchor_stamp: AnchorStamp
    approve: Approve
    audiences: Audiences
    audit: Audit
    checks: Checks
    compose: Compose
    deliver: Deliver
    erasing: Erasing
    people: People
    plan: Plan
    recall: Recall
    read_back: ReadBack
    receipts: Receipts
    recording: Recording
    reconcile: Reconcile
    report: Report
    retention: Retention
    seal: Seal
    sweep: Sweep
    unknowns: Unknowns


def build(
    settings: Settings,
    *,
    modes: Sequence[Mode] = BOTH_MODES,
    database: Database | None = None,
    bells: Bells | None = None,
    channels: ChannelsOfMode | None = None,
) -> Parts:
    """The parts for these settings. A process that sends in one mode names only that one, and so never holds the
    credentials of the other. Tests pass in what they want to be different."""
    database = database or Database(settings.database, lock_wait_s=settings.lock_wait_s)
    bells = bells or CeleryBells(settings.broker)
    _make_own_credentials_folder(settings)
    channels = channels if channels is not None else _opened(settings, modes)
    vault = Vault.at(settings.root / "keys" / "data.key")
    reconcile = Reconcile(database, channels, receipt_wait_s=settings.receipt_wait_s)
    receipts = Receipts(database, channels)
    spill = Spill(settings.root / "spill" / "outcomes.jsonl")
    alarms = Alarms(database)
    anchors = AnchorFolder(settings.anchors)
    seal_key = SealKey(settings.seal_key, name=settings.log_name)
    retention = Retention(database, kept_days=settings.numbers_kept_days)
    recording = Recording(database, bells, spill, lease_s=settings.lease_s)
    return Parts(
        settings=settings,
        database=database,
        channels=channels,
        accounts=Accounts(database),
        alarms=alarms,
        anchor=Anchor(database, anchors),
        anchor_mail=AnchorMail(database, anchors, mail_server(settings), to=settings.anchor_receivers),
        anchor_stamp=AnchorStamp(database, anchors, settings.tsa_url),
        approve=Approve(database, channels, bells),
        audiences=Audiences(database, vault),
        audit=Audit(database, anchors),
        checks=Checks(database, channels),
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
        erasing=Erasing(database, vault),
        people=People(database),
        plan=Plan(database, bells),
        read_back=ReadBack(database, channels, zone=settings.zone),
        recall=Recall(database),
        receipts=receipts,
        recording=recording,
        reconcile=reconcile,
        report=Report(database),
        retention=retention,
        seal=Seal(database, seal_key, anchors),
        sweep=Sweep(
            database,
            bells,
            reconcile,
            receipts,
            recording,
            channels,
            alarms,
            owner=owner_name(os.getpid()),
            further=(retention.wipe_old_numbers,),
        ),
        unknowns=Unknowns(database),
    )


def _make_own_credentials_folder(settings: Settings) -> None:
    if settings.credentials_dir is None:  # one that was named must be there
        settings.credentials.mkdir(mode=0o700, parents=True, exist_ok=True)


def _opened(settings: Settings, modes: Sequence[Mode]) -> ChannelsOfMode:
    return {mode: open_channels(load_accounts(settings.credentials, mode, settings.hosts)) for mode in modes}


def mail_server(settings: Settings) -> MailServer | None:
    return MailServer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None


def owner_name(pid: int) -> str:
    """How leases name a process of this machine: a supervisor that sees it die can free what it held."""
    return f"{socket.gethostname()[:40]}/{pid}"
