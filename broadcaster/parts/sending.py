"""The parts that the workers call: planning, sending, hearing back, sweeping."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from broadcaster.parts.lifecycle import LifecycleParts
from broadcaster.parts.planning import PlanningParts
from broadcaster.parts.shared import owner_name, part
from broadcaster.parts.weather import WeatherParts

if TYPE_CHECKING:
    from broadcaster.service.confirming import Confirming
    from broadcaster.service.deliver import Deliver
    from broadcaster.service.figures import Figures
    from broadcaster.service.hearing import Hearing
    from broadcaster.service.listening import Listening
    from broadcaster.service.plan import Plan
    from broadcaster.service.read_back import ReadBack
    from broadcaster.service.readiness import Checks
    from broadcaster.service.receipts import Receipts
    from broadcaster.service.reconcile import Reconcile
    from broadcaster.service.recording import Recording
    from broadcaster.service.redacted_pages import RedactedPages
    from broadcaster.service.refreshing import Refreshing
    from broadcaster.service.retention import Leftovers, Retention
    from broadcaster.service.sightings import Sightings
    from broadcaster.service.sweep import Sweep


class SendingParts(LifecycleParts, PlanningParts, WeatherParts):
    @part
    def checks(self) -> Checks:
        from broadcaster.service.readiness import Checks

        return Checks(self.database, self.channels)

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
            quiet=self._quiet,
        )

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
    def leftovers(self) -> Leftovers:
        from broadcaster.service.retention import Leftovers

        return Leftovers(
            [
                self._callbacks.wipe_old,
                self.hearing.wipe_old,
                self.sessions.wipe_old,
                self.worksheets.wipe_old,
                self.uploads.sweep,
                self.redacting.wipe_old_drafts,
                self.requests_once.wipe_old,
                self.webhooks.wipe_old,
            ]
        )

    @part
    def listening(self) -> Listening:
        from broadcaster.service.listening import Listening

        return Listening(self.channels, self._callbacks, self.receipts, self.hearing)

    @part
    def plan(self) -> Plan:
        from broadcaster.service.plan import Plan

        return Plan(self.database, self._bells)

    @part
    def read_back(self) -> ReadBack:
        from broadcaster.service.read_back import ReadBack

        return ReadBack(self.database, self.channels, zone=self.settings.zone)

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
    def redacted_pages(self) -> RedactedPages:
        from broadcaster.service.redacted_pages import RedactedPages

        return RedactedPages(self.database, self.channels, zone=self.settings.zone)

    @part
    def refreshing(self) -> Refreshing:
        from broadcaster.service.refreshing import Refreshing

        return Refreshing(self.database, self.channels)

    @part
    def retention(self) -> Retention:
        from broadcaster.service.retention import Retention

        return Retention(self.database, kept_days=self.settings.numbers_kept_days)

    @part
    def sweep(self) -> Sweep:
        from broadcaster.service.sweep import Sweep

        return Sweep(
            self.database,
            self._bells,
            self.reconcile,
            self.receipts,
            self.recording,
            self.alarms,
            owner=owner_name(os.getpid()),
            further=(
                self.firing.fire,
                self.storm.tidy,
                self.drills.look,
                self.retention.wipe_old_numbers,
                self.leftovers.wipe_what_was_told,
            ),
        )

    @part
    def sightings(self) -> Sightings:
        from broadcaster.service.sightings import Sightings

        return Sightings(self.database, self.channels, zone=self.settings.zone)
