"""What Sinch's refusals of a batch say about each of its recipients (developers.sinch.com/docs/sms/api-reference/status-codes
and github.com/sinch/docs, docs/sms/sms-guide.md, read 2026-11).

A batch is one resource: 201 made it, and any refusal means that there is none, so that nobody in it was sent anything.
400 and 403 bring `code` and a `text` for people.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.base import Parcel
from channels.gateways import GatewayAnswer
from channels.http import from_status
from channels.http_errors import Meaning

#: Of these codes a single number may be the cause.
_OF_A_NUMBER = frozenset({"syntax_invalid_parameter_format", "illegal_number_type"})
#: As Sinch's own table once spelt it.
_SPELT = {"llegal_number_type": "illegal_number_type"}
_DIGITS = re.compile(r"\d{7,15}")

_CREDENTIALS = Meaning(
    NotConfigured,
    "credentials_refused",
    "Sinch does not accept this account. Check service_plan_id, api_token and the region in base_url.",
)
_ADDRESS = Meaning(
    NotConfigured,
    "wrong_address",
    "Sinch does not know this service plan here. Check service_plan_id and the region in base_url.",
)
_MEANINGS: Mapping[str, Meaning] = {
    "blocked_account": Meaning(
        NotConfigured,
        "account_suspended",
        "Sinch has blocked this account. Settle it with your account manager there.",
    ),
    "missing_callback_url": Meaning(
        NotConfigured,
        "wrong_receipt_url",
        "Sinch has no address for delivery receipts. Correct receipt_url in the account's file.",
    ),
}
_BAD_NUMBER = "Sinch does not take this as a mobile number. Correct it in the audience's list."
_IN_BAD_COMPANY = "Sinch refused the whole batch because of another number in it; nothing was sent. It is tried again without that number."
_ONE_OF_MANY = (
    "Sinch refused the whole batch, as it does for one bad number, and did not say which; nothing was sent. It is tried "
    "again. If it goes on, check the sender in the account's file and the audience's list."
)


def refusals(
    answer: GatewayAnswer, said: Mapping[str, Any], parcels: Sequence[Parcel], detail: str
) -> list[SendError]:
    """What an answer other than 2xx means for each parcel. `said` is its JSON object, `detail` already redacted."""
    code = code_in(said)
    if answer.status in {400, 403} and code in _OF_A_NUMBER:
        return _of_a_number(str(said.get("text", "")), parcels, detail)
    return [_of_all(answer, code, detail)] * len(parcels)


def numbers_in(text: str) -> set[str]:
    """The digits of every telephone number in a text; Sinch writes them with +, with 00, or bare."""
    return {found.removeprefix("00") for found in _DIGITS.findall(text)}


def digits_of(address: str) -> str:
    """A number as Sinch gives it back: "+447700900123" is "447700900123" there."""
    return address.removeprefix("+").removeprefix("00")


def _of_a_number(text: str, parcels: Sequence[Parcel], detail: str) -> list[SendError]:
    """Whom the text names is refused, and the others were surely not sent.

    Where it names nobody, a single recipient can only be meant itself. Of many, none may be given up for another one's
    bad number: they are tried again, and each own back-off tears the batch apart.
    """
    numbers = numbers_in(text)
    named = {parcel.key for parcel in parcels if digits_of(parcel.address) in numbers}
    if not named and len(parcels) > 1:
        return [NotSent("one_of_many_refused", _ONE_OF_MANY, detail=detail)] * len(parcels)
    bad = Refused("number_invalid", _BAD_NUMBER, detail=detail)
    good = NotSent("batch_refused", _IN_BAD_COMPANY, detail=detail)
    return [bad if not named or parcel.key in named else good for parcel in parcels]


def _of_all(answer: GatewayAnswer, code: str, detail: str) -> SendError:
    if answer.status >= 500 and answer.status != 503:  # 503 is documented as "unable to perform the request"
        text = "Sinch failed while it had the batch; it may have taken it."
        return OutcomeUnknown("platform_error", text, detail=detail)
    meaning = known_cause(answer.status, code)
    if meaning:
        return meaning.outcome(meaning.code, meaning.text, detail=detail)
    return from_status(answer.status, answer.headers, detail=detail)


def known_cause(status: int, code: str) -> Meaning | None:
    """What is wrong with the account, where this answer says so."""
    if status == 403 and code in _MEANINGS:
        return _MEANINGS[code]
    if status in {404, 405}:
        return _ADDRESS
    return _CREDENTIALS if status in {401, 403} else None


def code_in(said: Mapping[str, Any]) -> str:
    code = said.get("code")
    return _SPELT.get(code, code) if isinstance(code, str) else ""
