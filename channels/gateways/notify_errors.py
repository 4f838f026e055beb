"""What GOV.UK Notify's refusals say about a text, as data (rest-api.html, "Error codes" and "General errors", read 2026-11).

Notify's `error` names a class only (BadRequestError, ValidationError, AuthError); the cause stands in `message`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.gateways import GatewayAnswer
from channels.http import MAX_RETRY_AFTER_S, from_status


@dataclass(frozen=True, kw_only=True)
class _Cause:
    """`words` stand in the message of a refusal with this status."""

    status: int
    words: str
    outcome: type[Refused]
    code: str
    text: str


_CAUSES = (
    _Cause(
        status=400,
        words="trial mode",
        outcome=NotConfigured,
        code="trial_mode",
        text="This service is in GOV.UK Notify's trial mode and reaches its own team only. Ask Notify to make it live.",
    ),
    _Cause(
        status=400,
        words="team-only API key",
        outcome=NotConfigured,
        code="team_key",
        text="This API key of GOV.UK Notify reaches the service's own team only. Put a live key into the account's file.",
    ),
    _Cause(
        status=400,
        words="sms_sender_id",
        outcome=NotConfigured,
        code="wrong_sender",
        text="GOV.UK Notify does not know this text message sender. Correct sms_sender_id in the account's file.",
    ),
    _Cause(
        status=400,
        words="template",
        outcome=NotConfigured,
        code="wrong_template",
        text="GOV.UK Notify cannot use this template. Check template_id; it must be a text message template.",
    ),
    _Cause(
        status=400,
        words="missing personalisation",
        outcome=NotConfigured,
        code="wrong_template",
        text="The template at GOV.UK Notify asks for more than ((message)). Make that its whole content.",
    ),
    _Cause(
        status=400,
        words="not allowed to send text messages",
        outcome=NotConfigured,
        code="sms_not_allowed",
        text="This service of GOV.UK Notify may not send text messages. Turn them on in its settings.",
    ),
    _Cause(
        status=400,
        words="international",
        outcome=Refused,
        code="number_abroad",
        text="This service of GOV.UK Notify may not send abroad. Turn that on in its settings if it should.",
    ),
    _Cause(
        status=400,
        words="phone_number",
        outcome=Refused,
        code="number_invalid",
        text="GOV.UK Notify does not take this as a mobile number. Correct it in the audience's list.",
    ),
    _Cause(
        status=400,
        words="character",
        outcome=Refused,
        code="too_long",
        text="GOV.UK Notify found the text longer than 918 characters, its template included. Shorten the message.",
    ),
    _Cause(
        status=403,
        words="clock",
        outcome=NotConfigured,
        code="clock_wrong",
        text="This machine's clock is wrong by more than 30 seconds, so GOV.UK Notify refuses us. Set it, by NTP.",
    ),
    _Cause(
        status=403,
        words="",
        outcome=NotConfigured,
        code="credentials_refused",
        text="GOV.UK Notify does not accept this API key. Check api_key in the account's file, and that it is not revoked.",
    ),
)
_WRONG_ADDRESS = "There is no GOV.UK Notify at this address. Check base_url in the account's file."
_DAY_IS_FULL = "GOV.UK Notify's daily limit of this service is reached; nothing was sent. Ask Notify to raise it, or send by another gateway."


def refusal(answer: GatewayAnswer, said: Any, detail: str) -> SendError:
    """What an answer other than 2xx means. `said` is its JSON or None, `detail` already redacted."""
    messages = " ".join(_messages(said)).lower()
    if answer.status >= 500:  # not even 503 is documented as "not processed"
        text = "GOV.UK Notify failed while it had the message; it may have taken it."
        return OutcomeUnknown("platform_error", text, detail=detail)
    if answer.status == 429 and "for today" in messages:
        return NotSent("daily_limit", _DAY_IS_FULL, detail=detail, retry_after_s=MAX_RETRY_AFTER_S)
    if answer.status in {404, 405}:
        return NotConfigured("wrong_address", _WRONG_ADDRESS, detail=detail)
    for cause in _CAUSES:
        if cause.status == answer.status and cause.words.lower() in messages:
            return cause.outcome(cause.code, cause.text, detail=detail)
    return from_status(answer.status, answer.headers, detail=detail)


def _messages(said: Any) -> Iterator[str]:
    errors = said.get("errors") if isinstance(said, dict) else said
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            yield str(error.get("message", ""))
