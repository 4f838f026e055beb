"""The parts that write, seal and read the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadcaster.parts.identity import IdentityParts
from broadcaster.parts.shared import part

if TYPE_CHECKING:
    from broadcaster.service.alarms import Alarms
    from broadcaster.service.anchor import Anchor
    from broadcaster.service.anchor_mail import AnchorMail
    from broadcaster.service.anchor_stamp import AnchorStamp
    from broadcaster.service.audit import Audit
    from broadcaster.service.log_check import LogCheck
    from broadcaster.service.looking import Looking
    from broadcaster.service.mail_server import MailServer
    from broadcaster.service.seal import Seal
    from broadcaster.service.sealed import Sealed
    from broadcaster.service.timeline import Timelines


class LogParts(IdentityParts):
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

        server = self._mail_server
        return AnchorMail(self.database, self._anchors, server, to=self.settings.anchor_receivers)

    @part
    def anchor_stamp(self) -> AnchorStamp:
        from broadcaster.service.anchor_stamp import AnchorStamp

        return AnchorStamp(self.database, self._anchors, self.settings.tsa_url)

    @part
    def audit(self) -> Audit:
        from broadcaster.service.audit import Audit

        return Audit(self.database, self._anchors)

    @part
    def log_check(self) -> LogCheck:
        from broadcaster.service.log_check import LogCheck

        return LogCheck(self.database, self.audit)

    @part
    def looking(self) -> Looking:
        from broadcaster.service.looking import Looking

        return Looking(self.database, self._vault)

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
    def timelines(self) -> Timelines:
        from broadcaster.service.timeline import Timelines

        return Timelines(self.database, self.looking, zone=self.settings.zone)

    @property
    def _mail_server(self) -> MailServer | None:
        from broadcaster.service.mail_server import MailServer

        return MailServer(self.settings.smtp_url, self.settings.mail_from) if self.settings.smtp_url else None
