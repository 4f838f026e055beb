"""The parts that people call at their desks: writing, approving, watching, looking after lists and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadcaster.parts.log import LogParts
from broadcaster.parts.shared import part

if TYPE_CHECKING:
    from broadcaster.domain.languages import LanguagePolicy
    from broadcaster.render.press import Press
    from broadcaster.service.accounts import Accounts
    from broadcaster.service.approve import Approve
    from broadcaster.service.audiences import Audiences
    from broadcaster.service.board import Boards
    from broadcaster.service.by_hand import WorkByHand
    from broadcaster.service.compose import Compose
    from broadcaster.service.delegations import Delegations
    from broadcaster.service.erasing import Erasing
    from broadcaster.service.first_live import FirstLive
    from broadcaster.service.holding import Holding
    from broadcaster.service.home import Homes
    from broadcaster.service.incidents import Incidents
    from broadcaster.service.opt_outs import OptOuts
    from broadcaster.service.outcomes_file import OutcomesFile
    from broadcaster.service.pack import InquiryPacks
    from broadcaster.service.quiet import Quiet
    from broadcaster.service.recall import Recall
    from broadcaster.service.records_file import RecordsFile
    from broadcaster.service.redacting import Redacting
    from broadcaster.service.report import Report
    from broadcaster.service.requests_once import RequestsOnce
    from broadcaster.service.rota import Rota
    from broadcaster.service.telling import Telling
    from broadcaster.service.templates import Templates
    from broadcaster.service.try_again import TryAgain
    from broadcaster.service.unknowns import Unknowns
    from broadcaster.service.webhooks import Webhooks
    from broadcaster.service.worksheets import Worksheets


class DeskParts(LogParts):
    @part
    def accounts(self) -> Accounts:
        from broadcaster.service.accounts import Accounts

        return Accounts(self.database)

    @part
    def approve(self) -> Approve:
        from broadcaster.service.approve import Approve

        return Approve(self.database, self.channels, self._bells, self.rules)

    @part
    def audiences(self) -> Audiences:
        from broadcaster.service.audiences import Audiences

        return Audiences(self.database, self._vault)

    @part
    def boards(self) -> Boards:
        from broadcaster.service.board import Boards

        return Boards(self.database)

    @part
    def by_hand(self) -> WorkByHand:
        from broadcaster.service.by_hand import WorkByHand

        return WorkByHand(self.database, self.settings.zone)

    @part
    def compose(self) -> Compose:
        from broadcaster.render.posts import Renderer
        from broadcaster.service.compose import Compose

        return Compose(
            self.database,
            self.channels,
            Renderer(),
            self.rules,
            zone=self.settings.zone,
            submission_minutes=self.settings.submission_minutes,
            quiet=self._quiet,
            policy=self._spoken,
        )

    @part
    def _spoken(self) -> LanguagePolicy:
        from broadcaster.domain.languages import LanguagePolicy
        from broadcaster.render.names import bilingual_names

        return LanguagePolicy(
            order=tuple(self.settings.languages.split()),
            together=self.settings.social_languages == "together",
            names=bilingual_names(self.settings.names_file),
        )

    @part
    def _quiet(self) -> Quiet:
        from broadcaster.domain.quiet import QuietHours
        from broadcaster.service.quiet import Quiet

        return Quiet(whole=QuietHours.read(self.settings.quiet_hours), zone=self.settings.zone)

    @part
    def delegations(self) -> Delegations:
        from broadcaster.service.delegations import Delegations

        return Delegations(self.database)

    @part
    def erasing(self) -> Erasing:
        from broadcaster.service.erasing import Erasing

        return Erasing(self.database, self._vault)

    @part
    def first_live(self) -> FirstLive:
        from broadcaster.service.first_live import FirstLive

        return FirstLive(self.database, self.rules)

    @part
    def holding(self) -> Holding:
        from broadcaster.service.holding import Holding

        return Holding(self.database)

    @part
    def homes(self) -> Homes:
        from broadcaster.service.home import Homes

        return Homes(self.database, self.alarms, self.rota)

    @part
    def incidents(self) -> Incidents:
        from broadcaster.service.incidents import Incidents

        return Incidents(self.database)

    @part
    def opt_outs(self) -> OptOuts:
        from broadcaster.service.opt_outs import OptOuts

        return OptOuts(self.database, self._vault)

    @part
    def outcomes_file(self) -> OutcomesFile:
        from broadcaster.service.outcomes_file import OutcomesFile

        return OutcomesFile(self.database, self.settings.zone)

    @part
    def packs(self) -> InquiryPacks:
        from broadcaster.service.pack import InquiryPacks

        return InquiryPacks(
            self.database,
            self.boards,
            self.sealed,
            self._press,
            zone=self.settings.zone,
            organisation=self.settings.organisation,
        )

    @part
    def recall(self) -> Recall:
        from broadcaster.service.recall import Recall

        return Recall(self.database)

    @part
    def records_file(self) -> RecordsFile:
        from broadcaster.service.records_file import RecordsFile

        return RecordsFile(self.database, self.settings.zone)

    @part
    def redacting(self) -> Redacting:
        from broadcaster.service.redacting import Redacting

        return Redacting(self.database, self.rules, drafts_kept_days=self.settings.drafts_kept_days)

    @part
    def report(self) -> Report:
        from broadcaster.service.report import Report

        return Report(self.database)

    @part
    def telling(self) -> Telling:
        from broadcaster.service.telling import Telling

        return Telling(
            self.database,
            self._press,
            zone=self.settings.zone,
            organisation=self.settings.organisation,
        )

    @part
    def rota(self) -> Rota:
        from broadcaster.service.rota import Rota

        return Rota(self.database)

    @part
    def templates(self) -> Templates:
        from broadcaster.service.templates import Templates

        return Templates(self.database, self.compose, self.channels, zone=self.settings.zone)

    @part
    def requests_once(self) -> RequestsOnce:
        from broadcaster.service.requests_once import RequestsOnce

        return RequestsOnce(self.database)

    @part
    def try_again(self) -> TryAgain:
        from broadcaster.service.try_again import TryAgain

        return TryAgain(self.database, self._bells)

    @part
    def unknowns(self) -> Unknowns:
        from broadcaster.service.unknowns import Unknowns

        return Unknowns(self.database)

    @part
    def webhooks(self) -> Webhooks:
        from broadcaster.service.outgoing import Outgoing
        from broadcaster.service.webhooks import Webhooks

        outgoing = Outgoing(may_stay_here=self.rules.is_sandbox)
        return Webhooks(self.database, self._vault, outgoing, self.proposals)

    @part
    def worksheets(self) -> Worksheets:
        from broadcaster.service.worksheets import Worksheets

        return Worksheets(self.database)

    @part
    def _press(self) -> Press:
        from broadcaster.render.press import Press

        return Press()
