"""What Twilio's error codes say about a text, as data (twilio.com/docs/api/errors, read 2026-11)."""

from collections.abc import Mapping
from typing import Any

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.gateways import GatewayAnswer
from channels.http import MAX_RETRY_AFTER_S, from_status, retry_after_s
from channels.http_errors import Meaning

_CREDENTIALS = Meaning(
    NotConfigured,
    "credentials_refused",
    "Twilio does not accept this account. Check account_sid, api_key and api_key_secret, and that it is active.",
)
_SUSPENDED = Meaning(
    NotConfigured, "account_suspended", "Twilio has suspended this account. Settle it in Twilio's console."
)
_SENDER = Meaning(
    NotConfigured,
    "wrong_sender",
    "Twilio does not let this account speak as this sender. Correct sender or messaging_service_sid in its file.",
)
_INVALID = Meaning(
    Refused, "number_invalid", "Twilio says that this is no phone number. Correct it in the audience's list."
)
_NO_MOBILE = Meaning(
    Refused, "number_not_mobile", "This number takes no text messages. Reach this person another way."
)
_UNREACHABLE = Meaning(
    Refused, "number_unreachable", "The networks do not reach this number. Reach this person another way."
)
_FILTERED = Meaning(
    Refused,
    "filtered",
    "The network took the text for unwanted or unregistered and did not deliver it. Change its words or the sender.",
)
_BUSY = Meaning(NotSent, "rate_limited", "Twilio is busy and took nothing. It is tried again after a while.")
_QUEUE_FULL = Meaning(
    NotSent,
    "queue_full",
    "This sender's queue at Twilio is full. It is tried again; more senders would be faster.",
)
_DAY_IS_FULL = Meaning(
    NotSent,
    "daily_limit",
    "Twilio's daily limit of this account is reached; nothing was sent. Ask Twilio to raise it.",
)

_MEANINGS: Mapping[int, Meaning] = {
    14107: _BUSY,
    20003: _CREDENTIALS,
    20005: _SUSPENDED,
    20008: Meaning(
        NotConfigured,
        "test_credentials",
        "These are Twilio's test credentials, which send nothing. Use live ones.",
    ),
    20404: Meaning(
        NotConfigured, "wrong_address", "Twilio does not know this account. Check account_sid and base_url."
    ),
    20429: _BUSY,
    21211: _INVALID,
    21212: _SENDER,
    21217: _INVALID,
    21408: Meaning(
        Refused,
        "country_not_allowed",
        "This Twilio account may not send to this country. Allow it there under Messaging, Geo permissions.",
    ),
    21603: _SENDER,
    21606: _SENDER,
    21608: Meaning(
        NotConfigured,
        "trial_mode",
        "This is a Twilio trial account, which reaches verified numbers only. Upgrade it.",
    ),
    21609: Meaning(
        NotConfigured,
        "wrong_receipt_url",
        "Twilio cannot use receipt_url. It must be reachable from the internet.",
    ),
    21610: Meaning(
        Refused,
        "opted_out",
        "This person has replied STOP and gets no more texts from this sender. Do not try again.",
    ),
    21611: _QUEUE_FULL,
    21612: _UNREACHABLE,
    21614: _NO_MOBILE,
    21617: Meaning(Refused, "too_long", "Twilio found the text too long. Shorten the message."),
    21659: _SENDER,
    21660: _SENDER,
    21701: _SENDER,
    21703: _SENDER,
    21709: _SENDER,
    30001: _QUEUE_FULL,
    30002: _SUSPENDED,
    30003: _UNREACHABLE,
    30004: Meaning(
        Refused, "blocked", "This number or its network blocks our texts. Reach this person another way."
    ),
    30005: _UNREACHABLE,
    30006: _NO_MOBILE,
    30007: _FILTERED,
    30008: _UNREACHABLE,
    30018: _SENDER,
    30024: _SENDER,
    30034: _FILTERED,
    60728: _DAY_IS_FULL,
    63038: _DAY_IS_FULL,
}


def refusal(answer: GatewayAnswer, said: Mapping[str, Any], detail: str) -> SendError:
    """What an answer other than 2xx means. `said` is its JSON object, `detail` already redacted."""
    if answer.status >= 500:  # not even 503 is documented as "not processed"
        text = "Twilio failed while it had the message; it may have taken it."
        return OutcomeUnknown("platform_error", text, detail=detail)
    meaning = _of(said.get("code"))
    if meaning is _DAY_IS_FULL:
        return NotSent(meaning.code, meaning.text, detail=detail, retry_after_s=MAX_RETRY_AFTER_S)
    if meaning and meaning.outcome is NotSent:
        wait_s = retry_after_s(answer.headers)
        return NotSent(meaning.code, meaning.text, detail=detail, retry_after_s=wait_s)
    if meaning is None and answer.status in {404, 405}:
        meaning = _MEANINGS[20404]
    if meaning:
        return meaning.outcome(meaning.code, meaning.text, detail=detail)
    return from_status(answer.status, answer.headers, detail=detail)


def failed(code: object, detail: str) -> SendError:
    """What a text came to that Twilio took and gave up at once."""
    meaning = _of(code) or Meaning(Refused, "failed", "Twilio took the text and gave it up at once.")
    return meaning.outcome(meaning.code, meaning.text, detail=detail)


def _of(code: object) -> Meaning | None:
    return _MEANINGS.get(code) if isinstance(code, int) else None
