"""The parts for what happens to a message after it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadcaster.parts.desk import DeskParts
from broadcaster.parts.shared import part

if TYPE_CHECKING:
    from broadcaster.service.follow_up import FollowUps
    from broadcaster.service.reminders import Reminders
    from broadcaster.service.sequels import Sequels


class LifecycleParts(DeskParts):
    @part
    def follow_ups(self) -> FollowUps:
        from broadcaster.service.follow_up import FollowUps

        return FollowUps(self.database, self.compose, self.templates, self.channels, zone=self.settings.zone)

    @part
    def reminders(self) -> Reminders:
        from broadcaster.service.reminders import Reminders

        return Reminders(self.database)

    @part
    def sequels(self) -> Sequels:
        from broadcaster.service.sequels import Sequels

        return Sequels(self.database, self.channels, self.approve, self._bells)
