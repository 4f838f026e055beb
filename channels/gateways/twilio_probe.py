"""Whether a Twilio account could send now, without sending. Knows what Twilio tells about accounts, nothing of texts.

First a list that is empty: texts of before 2000. A Standard key may not ask for /Accounts, and is refused there as if it
were wrong (twilio.com/docs/iam/api-keys, read 2026-11), so status and balance are told where they are told, and what
they do not tell is nothing wrong.
"""

from collections.abc import Callable, Mapping
from typing import Any

from broadcaster.domain.readiness import Readiness
from channels.probing import Facts, doubtful, not_ready, ready, unanswered

#: (status, what the body says); status 0 where nothing came back, and then the code of what happened.
Answered = tuple[int, Mapping[str, Any]]
Get = Callable[[str], Answered]

EMPTY_LIST = "Messages.json?PageSize=1&DateSent%3C=2000-01-01"
_CREDENTIALS = "Twilio does not accept this account. Check account_sid, api_key and api_key_secret."
_SUSPENDED = "Twilio has suspended or closed this account, as it does when its balance is used up. Settle it in Twilio's console."
#: twilio.com/docs/api/errors, read 2026-11: 10001 and 20005 "account not active", 20003 "authenticate". 70051 also
#: stands for a key that may send and not read, so it proves nothing.
_CERTAIN: Mapping[int, tuple[str, str]] = {
    10001: ("account_suspended", _SUSPENDED),
    20003: ("credentials_refused", _CREDENTIALS),
    20005: ("account_suspended", _SUSPENDED),
    20008: (
        "test_credentials",
        "These are Twilio's test credentials, which send nothing. Use live ones.",
    ),
}


def probe(get: Get) -> Readiness:
    """`get` asks for what stands under the account's own address."""
    status, said = get(EMPTY_LIST)
    if status == 200 and isinstance(said.get("messages"), list):
        return _of_account(get)
    code = said.get("code")
    if 400 <= status < 500 and isinstance(code, int) and code in _CERTAIN:
        return not_ready(*_CERTAIN[code])
    if status == 404 and code == 20404:
        text = "Twilio does not know this account. Check account_sid in the account's file."
        return not_ready("wrong_account", text)
    if status in {401, 403}:
        text = (
            "Twilio did not let this key ask anything. It may lack a permission for reading and still send; to know, use "
            "a Standard key."
        )
        return doubtful("not_allowed_to_ask", text)
    return unanswered("Twilio", str(code) if status == 0 else f"HTTP {status}")


def _of_account(get: Get) -> Readiness:
    about = _told(get(".json"))
    balance = _told(get("Balance.json"))
    state, amount = about.get("status"), _number(balance.get("balance"))
    money = f"{balance.get('balance')} {balance.get('currency') or ''}".strip()
    facts: Facts = (
        ("account", state if isinstance(state, str) else "not told to this key"),
        ("balance", money if amount is not None else "not told to this key"),
    )
    if state in {"suspended", "closed"}:
        return not_ready("account_suspended", _SUSPENDED, facts=facts)
    if about.get("type") == "Trial":
        text = "This is a Twilio trial account, which reaches verified numbers only. Upgrade it."
        return doubtful("trial_mode", text, facts=facts)
    if amount is not None and amount <= 0:  # accounts that are billed afterwards have that too
        text = (
            f"The balance of the Twilio account is {money}. Unless it is billed afterwards, put money on it."
        )
        return doubtful("no_balance", text, facts=facts)
    return ready("Twilio accepts the account's key.", facts=facts)


def _told(answered: Answered) -> Mapping[str, Any]:
    status, said = answered
    return said if status == 200 else {}


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None
