"""The accounts that the stand-ins accept: made once with random credentials, kept in `accounts.json`."""

import json
import os
import secrets
from pathlib import Path

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
    return accounts


def _new_accounts() -> Accounts:
    user_id = _digits(19)
    return {
        "facebook": {
            "page_id": _digits(15),
            "page_name": "Wyre Council (sandbox)",
            "access_token": "EAAsandbox" + secrets.token_hex(60),
            "app_secret": secrets.token_hex(16),
        },
        "x": {
            "user_id": user_id,
            "username": "wyre_sandbox",
            "consumer_key": secrets.token_hex(13)[:25],
            "consumer_secret": secrets.token_hex(25),
            "access_token": f"{user_id}-{secrets.token_hex(20)}",
            "access_token_secret": secrets.token_hex(23)[:45],
        },
        "sms": {"username": "wyre", "password": secrets.token_urlsafe(18)},
    }


def _digits(length: int) -> str:
    """A decimal id of this length; it starts with 1, so that 19 digits stay within 64 bits."""
    return "1" + "".join(secrets.choice("0123456789") for _ in range(length - 1))
