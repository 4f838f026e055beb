"""The parts of the approval clock: paging staff, what may be sent without a second person, and when texts wait."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from broadcaster.parts.desk import DeskParts
from broadcaster.parts.shared import part

if TYPE_CHECKING:
    from broadcaster.service.beforehand import Beforehand
    from broadcaster.service.elections import PreElection
    from broadcaster.service.paging import Paging
    from broadcaster.service.paging_ways import PagingWay
    from broadcaster.service.pre_authorise import PreAuthorise
    from broadcaster.service.reviews import Reviews
    from broadcaster.service.send_alone import SendAlone


class ClockParts(DeskParts):
    @part
    def beforehand(self) -> Beforehand:
        from broadcaster.service.beforehand import Beforehand

        return Beforehand(self.database, self.channels)

    @part
    def paging(self) -> Paging:
        from broadcaster.service.paging import Paging

        return Paging(
            self.database,
            self._paging_ways,
            organisation=self.settings.organisation,
            console_url=self.settings.console_url,
            escalates=timedelta(minutes=self.settings.approval_escalates_minutes),
            by_the_clock=self.send_alone.by_the_clock,
        )

    @part
    def pre_authorise(self) -> PreAuthorise:
        from broadcaster.service.pre_authorise import PreAuthorise

        return PreAuthorise(self.database, self.rules, self.templates, self.channels, zone=self.settings.zone)

    @part
    def pre_election(self) -> PreElection:
        from broadcaster.service.elections import PreElection

        return PreElection(self.database)

    @part
    def reviews(self) -> Reviews:
        from broadcaster.service.reviews import Reviews

        return Reviews(self.database)

    @part
    def send_alone(self) -> SendAlone:
        from broadcaster.service.send_alone import SendAlone

        return SendAlone(
            self.database, self.channels, self._bells, self.rules, self.compose, self.pre_authorise
        )

    @part
    def _paging_ways(self) -> tuple[PagingWay, ...]:
        from broadcaster.service.mail_server import MailServer
        from broadcaster.service.paging_ways import ByMail, ByRoom, text_way

        url = self.settings.smtp_url
        mail = (ByMail(MailServer(url, self.settings.mail_from, wait_s=5, total_s=15)),) if url else ()
        texts = text_way(self.channels, wanted=self.settings.paging_sms_account)
        rooms = (ByRoom(no, each) for no, each in enumerate(self.settings.paging_urls.split(), start=1))
        return (*mail, *texts, *rooms)
