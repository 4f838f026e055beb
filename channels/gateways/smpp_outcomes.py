"""What a command_status says about a text, as data, and what the answers to its segments say together.

SMPP 3.4, table 5-2. Which of them pass: Kannel's own table (gw/smsc/smsc_smpp.c, 1.4.5) agrees with this one about
throttling, full queues and system errors. A status is the centre's own word that it did not take the segment, so what no
row is about is a refusal and never unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.base import Receipt

OK = 0
BAD_BIND_STATE = 0x04
THROTTLED, QUEUE_FULL = 0x58, 0x14
THROTTLES = frozenset({THROTTLED, QUEUE_FULL})


@dataclass(frozen=True)
class Meaning:
    outcome: type[SendError]
    code: str
    text: str
    retry_after_s: float | None = None


_CREDENTIALS = "The SMS centre does not accept this account. Check system_id, password and system_type."
_BUSY = "The SMS centre has a passing fault and did not take the text. It is tried again."
_NUMBER = "The SMS centre does not take this number."
_SENDER = "The SMS centre does not take our sender for this number. Ask the carrier whether it is registered."
_FORM = "The SMS centre does not take texts in this form. Send the detail to the carrier."

#: Of a submit_sm_resp or a generic_nack.
_SUBMITTING: Mapping[int, Meaning] = {
    THROTTLED: Meaning(NotSent, "rate_limited", "The SMS centre asks us to go slower. It is tried again.", 2),
    QUEUE_FULL: Meaning(NotSent, "busy", "The SMS centre's queue is full. It is tried again.", 5),
    0x08: Meaning(NotSent, "busy", _BUSY),
    0x64: Meaning(NotSent, "busy", _BUSY),
    BAD_BIND_STATE: Meaning(NotSent, "not_bound", "The SMS centre ended our session. It is tried again."),
    0x0D: Meaning(NotSent, "not_bound", "The SMS centre ended our session. It is tried again."),
    0x0E: Meaning(NotConfigured, "credentials_refused", _CREDENTIALS),
    0x0F: Meaning(NotConfigured, "credentials_refused", _CREDENTIALS),
    # Of one text, not of the account: some centres take a sender for their own country's numbers only, and one number
    # abroad must not pause an evacuation.
    **dict.fromkeys((0x0A, 0x48, 0x49), Meaning(Refused, "sender_refused", _SENDER)),
    **dict.fromkeys((0x0B, 0x50, 0x51), Meaning(Refused, "number_refused", _NUMBER)),
    **dict.fromkeys((0x01, 0x02, 0x03, 0x15, 0x43, 0xC0, 0xC1, 0xC2, 0xC4), Meaning(Refused, "form", _FORM)),
    0x62: Meaning(
        Refused, "validity_refused", "The SMS centre does not take our time of expiry. Set validity."
    ),
}

#: Of a bind's answer. What no row is about passes, or may: only what surely is a matter of set-up pauses the account.
_BINDING: Mapping[int, Meaning] = {
    **dict.fromkeys((0x0E, 0x0F), Meaning(NotConfigured, "credentials_refused", _CREDENTIALS)),
    0x53: Meaning(NotConfigured, "credentials_refused", "The SMS centre does not take this system_type."),
    0x05: Meaning(
        NotSent,
        "already_bound",
        "The SMS centre allows no more connections for this account. It is tried again. Ask the carrier for one "
        "for each worker process, and one for receipts.",
        5,
    ),
    # "Bind failed" says nothing more: a wrong password at some centres, one connection too many at others.
    0x0D: Meaning(
        NotSent,
        "bind_failed",
        "The SMS centre did not let us in, and does not say why. It is tried again. Check system_id and password, "
        "and how many connections the carrier allows.",
        10,
    ),
}
_BIND_OTHER = Meaning(NotSent, "bind_failed", "The SMS centre did not let us in. It is tried again.", 5)
_SUBMIT_OTHER = Meaning(
    Refused, "refused", "The SMS centre refused the text. The carrier knows what its code means."
)


def of_submit(status: int) -> SendError:
    """What an answer other than "no error" says about one segment."""
    return _build(_SUBMITTING.get(status, _SUBMIT_OTHER), status)


def of_bind(status: int) -> SendError:
    """Nothing was sent, whatever the answer."""
    return _build(_BINDING.get(status, _BIND_OTHER), status)


def _build(meaning: Meaning, status: int) -> SendError:
    detail = f"command_status 0x{status:08X}"
    if meaning.outcome is NotSent:
        return NotSent(meaning.code, meaning.text, detail=detail, retry_after_s=meaning.retry_after_s)
    return meaning.outcome(meaning.code, meaning.text, detail=detail)


def not_begun() -> NotSent:
    """Not a word of it left in the time that a text may wait here."""
    text = "The SMS centre takes texts too slowly; this one has not been sent yet. It is tried again."
    return NotSent("queued_too_long", text, retry_after_s=1)


def unanswered() -> OutcomeUnknown:
    return OutcomeUnknown("read_timeout", "The SMS centre did not answer in time; it may have the text.")


def broken_off() -> OutcomeUnknown:
    text = "The connection broke after sending began; the SMS centre may have the text."
    return OutcomeUnknown("connection_lost", text)


def unidentified() -> OutcomeUnknown:
    text = "The SMS centre said yes without an id, so no receipt can tell what became of the text."
    return OutcomeUnknown("no_id", text)


#: Of a segment that stayed here because another one of its text was not taken.
HELD = NotSent("held", "Another segment of the text was not taken.")


def of_text(segments: Sequence[str | SendError]) -> Receipt | SendError:
    """What became of a whole text: each segment's id, or why it was not taken.

    Where some segments were taken and others refused, the text is unknown. It is no refusal: the telephone has a piece
    and may show it. It is not unsent: trying again as if nothing had left would bring that piece twice. And it is surely
    not accepted. Unknown is never sent again blindly, and the approved policy decides, as for any text that may have gone.
    """
    missing = [each for each in segments if isinstance(each, SendError)]
    failures = [each for each in missing if each is not HELD] or missing
    if not failures:
        last = segments[-1]
        assert isinstance(last, str)
        return Receipt(platform_id=last) if last else unidentified()
    unknown = next((each for each in failures if isinstance(each, OutcomeUnknown)), None)
    if unknown:
        return unknown
    if len(missing) < len(segments):
        return _in_part(failures[0], len(missing), len(segments))
    return next((each for each in failures if isinstance(each, Refused)), failures[0])


def _in_part(failure: SendError, refused: int, total: int) -> OutcomeUnknown:
    text = (
        f"The SMS centre took {total - refused} of the text's {total} segments and not the others. The telephone may "
        "show a piece of it, or nothing."
    )
    detail = f"{failure.code}, {failure.detail}" if failure.detail else failure.code
    return OutcomeUnknown("taken_in_part", text, detail=detail)
