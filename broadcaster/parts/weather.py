"""The parts of storm mode and of drills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadcaster.parts.desk import DeskParts
from broadcaster.parts.shared import part

if TYPE_CHECKING:
    from broadcaster.service.drills import Drills
    from broadcaster.service.storm import StormMode


class WeatherParts(DeskParts):
    @part
    def drills(self) -> Drills:
        from broadcaster.service.drills import Drills

        return Drills(self.database, zone=self.settings.zone)

    @part
    def storm(self) -> StormMode:
        from broadcaster.service.storm import StormMode

        return StormMode(self.database, self._bells)
