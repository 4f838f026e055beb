"""The parts that watch what weather services and others warn of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadcaster.domain.message import Mode
from broadcaster.parts.desk import DeskParts
from broadcaster.parts.shared import cap_key, part

if TYPE_CHECKING:
    from broadcaster.service.cap_keys import CapKeys
    from broadcaster.service.feed_warnings import FeedWarnings
    from broadcaster.service.feeds import Feeds


class FeedParts(DeskParts):
    @part
    def cap_keys(self) -> CapKeys:
        from broadcaster.service.cap_keys import CapKeys

        return CapKeys(
            self.database,
            self.channels,
            self.compose,
            self.rules,
            keys={mode: cap_key(self.settings, mode) for mode in Mode},
            name=self.settings.organisation,
        )

    @part
    def feeds(self) -> Feeds:
        from broadcaster.service.feeds import Feeds
        from broadcaster.service.fetching import Fetching

        fetching = Fetching(may_stay_here=self.rules.is_sandbox)
        return Feeds(self.database, fetching, self.rules, self.templates.current)

    @part
    def feed_warnings(self) -> FeedWarnings:
        from broadcaster.service.feed_warnings import FeedWarnings

        return FeedWarnings(self.database, self.templates, self.compose, zone=self.settings.zone)
