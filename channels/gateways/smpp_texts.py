"""One post as its submit_sm: made once by smpplib for nobody, then for each recipient by putting his number in.

smpplib takes 73 us for one submit_sm (measured), two thirds of all that a text costs us; recipients differ only in number,
sequence number and the reference that joins the segments.
"""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from broadcaster.domain.post import Post
from channels.base import Parcel
from channels.gateways.smpp_pdus import HEADER, SUBMIT_SM, request
from channels.gateways.smpp_segments import segments_of
from channels.gateways.smpp_settings import SmppSettings
from channels.gateways.terms import seconds_left

#: registered_delivery: success or failure, no news on the way.
FINAL_RECEIPT: Final = 1
#: A relative validity says days and no months, whose length is the centre's guess; nobody warns for longer.
MOST_DAYS: Final = 28
#: More digits than a sender may have, so that the first place where it stands is the recipient's.
NOBODY: Final = "00000000000000000000"


class Texts:
    """Raises Refused at once where the post's time of expiry cannot be read."""

    def __init__(self, settings: SmppSettings, post: Post, now: Callable[[], datetime]) -> None:
        self._settings, self._post, self._now = settings, post, now
        self._segments = segments_of(post.text, latin1=settings.latin1)
        self._forms: dict[tuple[int, str], tuple[bytes, bytes]] = {}
        self.total = len(self._segments.octets)
        self._validity()

    def submit_sm(self, parcel: Parcel, no: int, sequence: int) -> bytes:
        """Segment `no`, from 1, to this recipient."""
        which = no, self._validity()
        if which not in self._forms:
            self._forms = {each: form for each, form in self._forms.items() if each[1] == which[1]}
            self._forms[which] = self._form(*which)
        before, after = self._forms[which]
        number = parcel.address.removeprefix("+").encode("ascii")
        octets = self._segments.octets_of(no, parcel.key)
        length = HEADER + len(before) + len(number) + len(after) + len(octets)
        head = struct.pack(">4I", length, SUBMIT_SM, 0, sequence)
        return b"".join((head, before, number, after, octets))

    def _form(self, no: int, validity: str) -> tuple[bytes, bytes]:
        """What stands before the number, and between the number and the text.

        A receipt is asked for the last segment alone: one text has one id, and one receipt.
        """
        octets = self._segments.octets_of(no, "")
        pdu = request(
            "submit_sm",
            0,
            **self._shared(),
            destination_addr=NOBODY,
            validity_period=validity,
            registered_delivery=FINAL_RECEIPT if no == self.total else 0,
            short_message=octets,
        )
        before, _, after = pdu[HEADER : len(pdu) - len(octets)].partition(NOBODY.encode())
        return before, after

    def _shared(self) -> Mapping[str, Any]:
        return {
            "source_addr_ton": self._settings.source.ton,
            "source_addr_npi": self._settings.source.npi,
            "source_addr": self._settings.source.address,
            "dest_addr_ton": self._settings.dest_ton,
            "dest_addr_npi": self._settings.dest_npi,
            "esm_class": self._segments.esm_class,
            "data_coding": self._segments.data_coding,
        }

    def _validity(self) -> str:
        """Until when a telephone may still get it (7.1.1). Empty where the message does not say: the centre decides.

        Absolute times are in UTC and say so; relative ones do not care whose clock is right.
        """
        now = self._now()
        left_s = seconds_left(self._post, now)
        if left_s is None or self._settings.validity == "none":
            return ""
        left = timedelta(seconds=min(max(60.0, left_s), MOST_DAYS * 86_400.0))
        if self._settings.validity == "absolute":
            return f"{now.astimezone(UTC) + left:%y%m%d%H%M%S}000+"
        hours, rest = divmod(left.seconds, 3600)
        return f"0000{left.days:02}{hours:02}{rest // 60:02}{rest % 60:02}000R"
