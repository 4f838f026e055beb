"""The accounts that the stand-ins accept: made once with random credentials, kept in `accounts.json`."""

import hashlib
import json
import os
import secrets
import uuid
from pathlib import Path

from channels.sandbox import STAND_INS, stand_in_class

Accounts = dict[str, dict[str, str]]


def sandbox_accounts(data_dir: str | Path) -> Accounts:
    """The accounts of the sandbox with this data directory, made now where they do not exist.

    Two processes that call this at once get the same accounts: the first link to the file's name wins.
    """
    path = Path(data_dir) / "accounts.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"accounts.{os.getpid()}.{secrets.token_hex(4)}.json")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(_new_accounts(), indent=2) + "\n", encoding="utf-8")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its accounts count
        finally:
            draft.unlink()
    accounts: Accounts = json.loads(path.read_text(encoding="utf-8"))
    # Of a sandbox made before these: derived and not written, so that any two processes agree on them.
    seed = accounts["sms"]["password"]
    accounts["facebook"].setdefault("app_id", _app_id(seed))
    return {**_gateway_accounts(seed), **_stand_in_accounts(seed), **accounts}


def _new_accounts() -> Accounts:
    user_id, password = _digits(19), secrets.token_urlsafe(18)
    return {
        "facebook": {
            "page_id": _digits(15),
            "page_name": "Wyre Council (sandbox)",
            "access_token": "EAAsandbox" + secrets.token_hex(60),
            "app_secret": secrets.token_hex(16),
            "app_id": _app_id(password),
        },
        "x": {
            "user_id": user_id,
            "username": "wyre_sandbox",
            "consumer_key": secrets.token_hex(13)[:25],
            "consumer_secret": secrets.token_hex(25),
            "access_token": f"{user_id}-{secrets.token_hex(20)}",
            "access_token_secret": secrets.token_hex(23)[:45],
        },
        "sms": {"username": "wyre", "password": password},
        **_gateway_accounts(password),
        **_stand_in_accounts(password),
    }


def _gateway_accounts(seed: str) -> Accounts:
    """The accounts at GOV.UK Notify, Twilio and Sinch, and at the SMPP centre, that follow from this secret."""

    def hexadecimal(name: str) -> str:
        return hashlib.sha256(f"{name} {seed}".encode()).hexdigest()

    def id_(name: str) -> str:
        return str(uuid.UUID(hexadecimal(name)[:32]))

    service = id_("service")
    return {
        "notify": {
            "service_id": service,
            "api_key": f"sandbox-{service}-{id_('secret')}",
            "template_id": id_("template"),
            "sms_sender_id": id_("sender"),
            "callback_token": hexadecimal("callback"),
        },
        "twilio": {
            "account_sid": f"AC{hexadecimal('account')[:32]}",
            "auth_token": hexadecimal("token")[:32],
            "api_key": f"SK{hexadecimal('key')[:32]}",
            "api_key_secret": hexadecimal("key secret")[:32],
            "messaging_service_sid": f"MG{hexadecimal('messaging')[:32]}",
        },
        "sinch": {
            "service_plan_id": hexadecimal("service plan")[:32],
            "api_token": hexadecimal("api token")[:32],
            "callback_secret": hexadecimal("callback secret"),
            "receipt_key": hexadecimal("receipt key"),
        },
        "smpp": {"system_id": "wyre", "password": hexadecimal("smpp")[:8]},
    }


def _stand_in_accounts(seed: str) -> Accounts:
    def account(name: str) -> dict[str, str]:
        made: dict[str, str] = stand_in_class(name).new_account(
            lambda what: hashlib.sha256(f"{name} {what} {seed}".encode()).hexdigest()
        )
        return made

    return {name: account(name) for name in STAND_INS}


def _app_id(seed: str) -> str:
    return str(int(hashlib.sha256(f"app {seed}".encode()).hexdigest(), 16))[:15]


def _digits(length: int) -> str:
    """A decimal id of this length; it starts with 1, so that 19 digits stay within 64 bits."""
    return "1" + "".join(secrets.choice("0123456789") for _ in range(length - 1))
