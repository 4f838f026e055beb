"""The parts that plan ahead: scheduled notices, and what sends them when they are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadcaster.parts.desk import DeskParts
from broadcaster.parts.shared import part

if TYPE_CHECKING:
    from broadcaster.service.calendars import Calendars
    from broadcaster.service.firing import Firing
    from broadcaster.service.schedule_approval import ScheduleApproval
    from broadcaster.service.schedule_course import ScheduleCourse
    from broadcaster.service.schedule_writing import ScheduleWriting
    from broadcaster.service.schedules import Schedules
    from broadcaster.service.series import Series


class PlanningParts(DeskParts):
    @part
    def calendars(self) -> Calendars:
        from broadcaster.service.calendars import Calendars

        return Calendars(self.database, zone=self.settings.zone, organisation=self.settings.organisation)

    @part
    def firing(self) -> Firing:
        from broadcaster.service.firing import Firing

        return Firing(self.database, self.channels, self._bells, self.compose, self.approve, self._series)

    @part
    def schedules(self) -> Schedules:
        from broadcaster.service.schedules import Schedules

        return Schedules(self.database, self._series)

    @part
    def schedule_writing(self) -> ScheduleWriting:
        from broadcaster.service.schedule_writing import ScheduleWriting

        return ScheduleWriting(self.database, self.schedules, self.compose, self._series, self.rules)

    @part
    def schedule_approval(self) -> ScheduleApproval:
        from broadcaster.service.schedule_approval import ScheduleApproval

        return ScheduleApproval(self.database, self._series, self.rules)

    @part
    def schedule_course(self) -> ScheduleCourse:
        from broadcaster.service.schedule_course import ScheduleCourse

        return ScheduleCourse(self.database)

    @part
    def _series(self) -> Series:
        from broadcaster.render.posts import Renderer
        from broadcaster.service.outgoing import Outgoing
        from broadcaster.service.series import Series

        # few seconds: the sweeper has other things to do, and each address has its approved value to fall back on
        outgoing = Outgoing(may_stay_here=self.rules.is_sandbox, total_s=4.0)
        return Series(self.channels, Renderer(), outgoing, self._spoken)
