"""Builds the parts, once: for the web, the command line, the workers and the tests.

Each is built when it is first asked for, and what it needs is imported with it: the sealer never loads a channel, and
`broadcaster status` no picture library. A process of ours that died is back in half the time.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from threading import RLock
from typing import TYPE_CHECKING

from broadcaster.db.engine import Database
from broadcaster.db.key_files import load_or_create_key
from broadcaster.domain.message import Mode
from broadcaster.identity_parts import IdentityParts, data_key, part
from broadcaster.settings import Settings
from channels.accounts import load_accounts, open_channels
from channels.base import ChannelsOfMode

if TYPE_CHECKING:  # what the parts are; each is imported where it is built
    from broadcaster.audit.anchors import AnchorFolder
    from broadcaster.queue import Bells
    from broadcaster.service.accounts import Accounts
    from broadcaster.service.alarms import Alarms
    from broadcaster.service.anchor import Anchor
    from broadcaster.service.anchor_mail import AnchorMail
    from broadcaster.service.anchor_stamp import AnchorStamp
    from broadcaster.service.approve import Approve
    from broadcaster.service.audiences import Audiences
    from broadcaster.service.audit import Audit
    from broadcaster.service.board import Boards
    from broadcaster.service.by_hand import WorkByHand
    from broadcaster.service.callbacks import Callbacks
    from broadcaster.service.compose import Compose
    from broadcaster.service.confirming import Confirming
    from broadcaster.service.deliver import Deliver
    from broadcaster.service.erasing import Erasing
    from broadcaster.service.figures import Figures
    from broadcaster.service.hashing import Hashing
    from broadcaster.service.hearing import Hearing
    from broadcaster.service.home import Homes
    from broadcaster.service.listening import Listening
    from broadcaster.service.log_check import LogCheck
    from broadcaster.service.looking import Looking
    from broadcaster.service.mail_server import MailServer
    from broadcaster.service.opt_outs import OptOuts
    from broadcaster.service.outcomes_file import OutcomesFile
    from broadcaster.service.plan import Plan
    from broadcaster.service.read_back import ReadBack
    from broadcaster.service.readiness import Checks
    from broadcaster.service.recall import Recall
    from broadcaster.service.receipts import Receipts
    from broadcaster.service.reconcile import Reconcile
    from broadcaster.service.recording import Recording
    from broadcaster.service.report import Report
    from broadcaster.service.retention import Leftovers, Retention
    from broadcaster.service.seal import Seal
    from broadcaster.service.sealed import Sealed
    from broadcaster.service.sightings import Sightings
    from broadcaster.service.sweep import Sweep
    from broadcaster.service.timeline import Timelines
    from broadcaster.service.try_again import TryAgain
    from broadcaster.service.unknowns import Unknowns
    from broadcaster.service.worksheets import Worksheets

BOTH_MODES = (Mode.LIVE, Mode.EXERCISE)


class Parts(IdentityParts):
    """Everything that an entry point may call. `database` is for its own set-up and closing only."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        channels: ChannelsOfMode,
        bells: Bells | None,
        hashing: Hashing | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.channels = channels
        self.building = RLock()
        self._given_bells = bells
        self._given_hashing = hashing

    @part
    def accounts(self) -> Accounts:
        from broadcaster.service.accounts import Accounts

        return Accounts(self.database)

    @part
    def alarms(self) -> Alarms:
        from broadcaster.service.alarms import Alarms

        return Alarms(self.database)

    @part
    def anchor(self) -> Anchor:
        from broadcaster.service.anchor import Anchor

        return Anchor(self.database, self._anchors)

    @part
    def anchor_mail(self) -> AnchorMail:
        from broadcaster.service.anchor_mail import AnchorMail

        server = mail_server(self.settings)
        return AnchorMail(self.database, self._anchors, server, to=self.settings.anchor_receivers)

    @part
    def anchor_stamp(self) -> AnchorStamp:
        from broadcaster.service.anchor_stamp import AnchorStamp

        return AnchorStamp(self.database, self._anchors, self.settings.tsa_url)

    @part
    def approve(self) -> Approve:
        from broadcaster.service.approve import Approve

        return Approve(self.database, self.channels, self._bells, self.rules)

    @part
    def audiences(self) -> Audiences:
        from broadcaster.service.audiences import Audiences

        return Audiences(self.database, self._vault)

    @part
    def audit(self) -> Audit:
        from broadcaster.service.audit import Audit

        return Audit(self.database, self._anchors)

    @part
    def checks(self) -> Checks:
        from broadcaster.service.readiness import Checks

        return Checks(self.database, self.channels)

    @part
    def compose(self) -> Compose:
        from broadcaster.render.posts import Renderer
        from broadcaster.service.compose import Compose

        return Compose(
            self.database,
            self.channels,
            Renderer(),
            zone=self.settings.zone,
            submission_minutes=self.settings.submission_minutes,
        )

    @part
    def confirming(self) -> Confirming:
        from broadcaster.service.confirming import Confirming

        return Confirming(self.database, self.channels, self._vault, text=self.settings.stop_reply)

    @part
    def deliver(self) -> Deliver:
        from broadcaster.service.deliver import Deliver

        return Deliver(
            self.database,
            self.channels,
            self._vault,
            self._bells,
            self.recording,
            zone=self.settings.zone,
            owner=owner_name(os.getpid()),
            lease_s=self.settings.lease_s,
            max_in_flight=self.settings.max_in_flight,
        )

    @part
    def erasing(self) -> Erasing:
        from broadcaster.service.erasing import Erasing

        return Erasing(self.database, self._vault)

    @part
    def figures(self) -> Figures:
        from broadcaster.queue import CeleryBells
        from broadcaster.service.figures import Figures

        bells = self._bells if isinstance(self._bells, CeleryBells) else CeleryBells(self.settings.broker)
        return Figures(
            self.database,
            self.channels,
            self._anchors,
            root=self.settings.root,
            broker_answers=bells.answer,
        )

    @part
    def hearing(self) -> Hearing:
        from broadcaster.domain.opt_out import words_of
        from broadcaster.service.hearing import Hearing

        return Hearing(
            self.database,
            self._callbacks,
            self._vault,
            stop_words=words_of(self.settings.stop_words),
            kept_days=self.settings.answers_kept_days,
        )

    @part
    def homes(self) -> Homes:
        from broadcaster.service.home import Homes

        return Homes(self.database, self.alarms)

    @part
    def leftovers(self) -> Leftovers:
        from broadcaster.service.retention import Leftovers

        return Leftovers(
            [
                self._callbacks.wipe_old,
                self.hearing.wipe_old,
                self.sessions.wipe_old,
                self.worksheets.wipe_old,
            ]
        )

    @part
    def listening(self) -> Listening:
        from broadcaster.service.listening import Listening

        return Listening(self.channels, self._callbacks, self.receipts, self.hearing)

    @part
    def log_check(self) -> LogCheck:
        from broadcaster.service.log_check import LogCheck

        return LogCheck(self.database, self.audit)

    @part
    def looking(self) -> Looking:
        from broadcaster.service.looking import Looking

        return Looking(self.database, self._vault)

    @part
    def opt_outs(self) -> OptOuts:
        from broadcaster.service.opt_outs import OptOuts

        return OptOuts(self.database, self._vault)

    @part
    def plan(self) -> Plan:
        from broadcaster.service.plan import Plan

        return Plan(self.database, self._bells)

    @part
    def read_back(self) -> ReadBack:
        from broadcaster.service.read_back import ReadBack

        return ReadBack(self.database, self.channels, zone=self.settings.zone)

    @part
    def recall(self) -> Recall:
        from broadcaster.service.recall import Recall

        return Recall(self.database)

    @part
    def receipts(self) -> Receipts:
        from broadcaster.service.receipts import Receipts

        return Receipts(self.database, self._callbacks)

    @part
    def reconcile(self) -> Reconcile:
        from broadcaster.service.reconcile import Reconcile

        return Reconcile(self.database, self.channels, receipt_wait_s=self.settings.receipt_wait_s)

    @part
    def recording(self) -> Recording:
        from broadcaster.service.breaker import learn
        from broadcaster.service.recording import Recording
        from broadcaster.service.spill import Spill

        spill = Spill(self.settings.root / "spill" / "outcomes.jsonl")
        return Recording(self.database, self._bells, spill, lease_s=self.settings.lease_s, learn=learn)

    @part
    def report(self) -> Report:
        from broadcaster.service.report import Report

        return Report(self.database)

    @part
    def retention(self) -> Retention:
        from broadcaster.service.retention import Retention

        return Retention(self.database, kept_days=self.settings.numbers_kept_days)

    @part
    def seal(self) -> Seal:
        from broadcaster.audit.notes import SealKey
        from broadcaster.service.seal import Seal

        key = SealKey(self.settings.seal_key, name=self.settings.log_name)
        return Seal(self.database, key, self._anchors)

    @part
    def sealed(self) -> Sealed:
        from broadcaster.service.sealed import Sealed

        return Sealed(
            self.database,
            self._anchors,
            mailed=bool(self.settings.anchor_receivers and self.settings.smtp_url),
            stamping=bool(self.settings.tsa_url),
        )

    @part
    def sweep(self) -> Sweep:
        from broadcaster.service.sweep import Sweep

        return Sweep(
            self.database,
            self._bells,
            self.reconcile,
            self.receipts,
            self.recording,
            self.channels,
            self.alarms,
            owner=owner_name(os.getpid()),
            further=(self.retention.wipe_old_numbers, self.leftovers.wipe_what_was_told),
        )

    @part
    def timelines(self) -> Timelines:
        from broadcaster.service.timeline import Timelines

        return Timelines(self.database, self.looking, zone=self.settings.zone)

    @part
    def unknowns(self) -> Unknowns:
        from broadcaster.service.unknowns import Unknowns

        return Unknowns(self.database)

    @part
    def worksheets(self) -> Worksheets:
        from broadcaster.service.worksheets import Worksheets

        return Worksheets(self.database)

    @part
    def by_hand(self) -> WorkByHand:
        from broadcaster.service.by_hand import WorkByHand

        return WorkByHand(self.database, self.settings.zone)

    @part
    def boards(self) -> Boards:
        from broadcaster.service.board import Boards

        return Boards(self.database)

    @part
    def outcomes_file(self) -> OutcomesFile:
        from broadcaster.service.outcomes_file import OutcomesFile

        return OutcomesFile(self.database, self.settings.zone)

    @part
    def sightings(self) -> Sightings:
        from broadcaster.service.sightings import Sightings

        return Sightings(self.database, self.channels, zone=self.settings.zone)

    @part
    def try_again(self) -> TryAgain:
        from broadcaster.service.try_again import TryAgain

        return TryAgain(self.database, self._bells)

    @part
    def _anchors(self) -> AnchorFolder:
        from broadcaster.audit.anchors import AnchorFolder

        return AnchorFolder(self.settings.anchors)

    @part
    def _bells(self) -> Bells:
        from broadcaster.queue import CeleryBells

        return self._given_bells or CeleryBells(self.settings.broker)

    @part
    def _callbacks(self) -> Callbacks:
        from broadcaster.service.callbacks import Callbacks

        return Callbacks(
            self.database, self.channels, self._vault, kept_days=self.settings.callbacks_kept_days
        )


def build(
    settings: Settings,
    *,
    modes: Sequence[Mode] = BOTH_MODES,
    database: Database | None = None,
    bells: Bells | None = None,
    channels: ChannelsOfMode | None = None,
    hashing: Hashing | None = None,
) -> Parts:
    """The parts for these settings. A process that sends in one mode names only that one, and so never holds the
    credentials of the other. Tests pass in what they want to be different.

    What a person must mend, such as an account that cannot be read, is told here and not at the first use.
    """
    _make_own_credentials_folder(settings)
    load_or_create_key(data_key(settings))
    return Parts(
        settings,
        database or Database(settings.database, lock_wait_s=settings.lock_wait_s),
        channels if channels is not None else _opened(settings, modes),
        bells,
        hashing,
    )


def _make_own_credentials_folder(settings: Settings) -> None:
    if settings.credentials_dir is None:  # one that was named must be there
        settings.credentials.mkdir(mode=0o700, parents=True, exist_ok=True)


def _opened(settings: Settings, modes: Sequence[Mode]) -> ChannelsOfMode:
    return {mode: open_channels(load_accounts(settings.credentials, mode, settings.hosts)) for mode in modes}


def mail_server(settings: Settings) -> MailServer | None:
    from broadcaster.service.mail_server import MailServer

    return MailServer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None


def owner_name(pid: int) -> str:
    """How leases name a process of this machine: a supervisor that sees it die can free what it held."""
    return f"{socket.gethostname()[:40]}/{pid}"
