"""Stand-ins for the platforms: a process of its own that speaks their HTTP, keeps a ledger of what it took, misbehaves
on demand and shows a wall. Built from the platforms' specifications; it knows nothing of our own channels.
"""

from pkgutil import resolve_name
from typing import Any

#: Stand-ins that need nothing but their account, by channel. Such a line makes one known everywhere: to the ledger,
#: the faults, `accounts.json` and `broadcaster up --sandbox`. What else its class says: `StandIn` in exchange.py.
STAND_INS: dict[str, str] = {}


def stand_in_class(name: str) -> Any:
    """The class of one of STAND_INS. Loaded on first use, as channels are."""
    return resolve_name(STAND_INS[name])
