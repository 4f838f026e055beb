"""Whether a Sinch service plan could send now, without sending: the batches of a reference that we never use.

`GET /batches?client_reference=` (developers.sinch.com/docs/sms/api-reference/sms/batches, read 2026-11). The list comes
back empty, so that no number and no text comes into a check.
"""

from broadcaster.domain.readiness import Readiness
from channels.gateways import GatewayAnswer
from channels.gateways.sinch_errors import code_in, known_cause
from channels.http import object_in
from channels.probing import not_ready, ready, unanswered

NO_BATCHES = "?page_size=1&client_reference=broadcaster-check"
_UNKNOWN = "whether the sender is registered, how many texts the plan may send a second, and the balance"


def of_answer(answer: GatewayAnswer) -> Readiness:
    """`not_ready` for Sinch's own words only: 401 is its word for a token that is not this plan's; a 403 or 404 without
    a code may come from some proxy in between."""
    said = object_in(answer.body)
    if answer.status == 200 and type(said.get("count")) is int:
        return ready("Sinch accepts the service plan's token.", facts=(("cannot be checked", _UNKNOWN),))
    code = code_in(said)
    meaning = (
        known_cause(answer.status, code) if answer.status == 401 or (answer.status == 403 and code) else None
    )
    if meaning:
        return not_ready(meaning.code, meaning.text)
    return unanswered("Sinch", f"HTTP {answer.status}")
