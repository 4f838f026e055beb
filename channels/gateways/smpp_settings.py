"""What an account's file says about an SMPP centre. No input or output."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from broadcaster.domain.errors import Invalid
from channels.base import Account, Option, Secret
from channels.gateways.terms import SENDER_HELP, checked_sender
from channels.options import option, require_secrets, secret

#: Octets that SMPP 3.4 has room for, without the NUL at the end (4.1.1). smpplib cuts what is longer without a word,
#: and the centre would then say "invalid password" to a right one.
_ROOM = {"system_id": 15, "password": 8, "system_type": 12}

SMPP_OPTIONS = (
    Option(name="host", help="name or address of the SMS centre", required=True),
    Option(name="port", help="its port", default="2775"),
    Option(name="system_id", help="the bind's name, of at most 15 characters", required=True),
    Option(name="password", help="the bind's password, of at most 8 characters", required=True, secret=True),
    Option(name="system_type", help="the bind's system_type, where the carrier names one"),
    Option(name="sender", help=SENDER_HELP, required=True),
    Option(name="tls", help='"yes" where the centre is reached over TLS', default="no"),
    Option(
        name="tls_authority", help="file with the authority of the centre's certificate, where it has its own"
    ),
    Option(name="window", help="texts that may wait for their answer on one connection", default="10"),
    Option(
        name="alphabet",
        help='the centre\'s default alphabet (data_coding 0): "gsm" or "latin1"',
        default="gsm",
    ),
    Option(
        name="message_ids",
        help='how ids come back in receipts: "same", or "hex-decimal" (hexadecimal first, decimal in the receipt), or '
        '"decimal-hex"',
        default="same",
    ),
    Option(
        name="validity",
        help='how a text\'s end is told: "absolute" (UTC), "relative", or "none" where the centre takes neither',
        default="absolute",
    ),
    Option(name="source_ton", help="type of number of the sender; else by its form"),
    Option(name="source_npi", help="numbering plan of the sender; else by its form"),
    Option(name="dest_ton", help="type of number of recipients", default="1"),
    Option(name="dest_npi", help="numbering plan of recipients", default="1"),
)
_CHOICES = {
    "tls": ("no", "yes"),
    "alphabet": ("gsm", "latin1"),
    "message_ids": ("same", "hex-decimal", "decimal-hex"),
    "validity": ("absolute", "relative", "none"),
}
_NUMBERS = {
    "port": (1, 65535),
    "window": (1, 1000),
    "source_ton": (0, 6),
    "source_npi": (0, 18),
    "dest_ton": (0, 6),
    "dest_npi": (0, 18),
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """The sender with its type of number and numbering plan."""

    address: str
    ton: int
    npi: int


@dataclass(frozen=True, kw_only=True)
class SmppSettings:
    """An account's options, read."""

    account: Account = field(repr=False)
    host: str
    port: int
    system_id: str
    password: Secret
    system_type: str
    sender: str
    source: Source
    tls: bool
    tls_authority: str
    window: int
    latin1: bool
    message_ids: str
    validity: str
    dest_ton: int
    dest_npi: int

    @classmethod
    def of(cls, account: Account) -> Self:
        """Invalid where something cannot be."""
        require_secrets(account, SMPP_OPTIONS)
        text = {
            each.name: option(account, SMPP_OPTIONS, each.name) for each in SMPP_OPTIONS if not each.secret
        }
        text["password"] = secret(account, "password")
        _check(account.name, text)
        sender = checked_sender(text["sender"])
        return cls(
            account=account,
            host=text["host"],
            port=int(text["port"]),
            system_id=text["system_id"],
            password=Secret(text["password"]),
            system_type=text["system_type"],
            sender=sender,
            source=_source(sender, text["source_ton"], text["source_npi"]),
            tls=text["tls"] == "yes",
            tls_authority=text["tls_authority"],
            window=int(text["window"]),
            latin1=text["alphabet"] == "latin1",
            message_ids=text["message_ids"],
            validity=text["validity"],
            dest_ton=int(text["dest_ton"]),
            dest_npi=int(text["dest_npi"]),
        )

    @property
    def place(self) -> str:
        """As the fence reads it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"smpp://{host}:{self.port}"


def _check(account: str, text: dict[str, str]) -> None:
    for problem in _problems(text):
        raise Invalid(f'The account "{account}": {problem}')


def _problems(text: dict[str, str]) -> Iterable[str]:
    for name, most in _ROOM.items():
        if len(text[name]) > most or not text[name].isascii():
            yield f"{name} has at most {most} characters in SMPP 3.4, all of them ASCII."
    for name, known in _CHOICES.items():
        if text[name] not in known:
            yield f"{name} is one of {', '.join(known)}."
    for name, (least, greatest) in _NUMBERS.items():
        if text[name] and not (text[name].isdecimal() and least <= int(text[name]) <= greatest):
            yield f"{name} is a whole number from {least} to {greatest}."
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", text["host"]):
        yield "host is a name or an address, without smpp:// and without the port, which is an option of its own."
    if text["tls_authority"] and text["tls"] == "no":
        yield 'tls_authority is of use with tls = "yes" only.'
    if text["tls_authority"] and not Path(text["tls_authority"]).is_absolute():
        yield "tls_authority is a whole path, from / on."


def _source(sender: str, ton: str, npi: str) -> Source:
    """International and ISDN for +44..., alphanumeric and unknown for a name, unknown and ISDN for any other number."""
    if sender.startswith("+"):
        by_form = (1, 1)
    elif sender.isdecimal():
        by_form = (0, 1)
    else:
        by_form = (5, 0)
    return Source(
        address=sender.removeprefix("+"),
        ton=int(ton) if ton else by_form[0],
        npi=int(npi) if npi else by_form[1],
    )
