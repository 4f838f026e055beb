"""New ids and references."""

import hashlib
import secrets
import uuid

from uuid_utils import uuid7

REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is misread or misheard: no 0 O 1 I L U


def new_uid() -> str:
    """A UUIDv7: sorts by time, so indexes stay compact."""
    return str(uuid7())


def delivery_uid(target_uid: str, ordinal: int) -> str:
    """The key of a target's delivery: a UUIDv7 that is the same whenever it is made.

    After a restored backup a recipient whose delivery was not in it gets the key under which he was sent to, so that
    receipts still find it. Nobody can guess it who does not know the target's own id, which never leaves this system.
    """
    target = uuid.UUID(target_uid)
    digest = hashlib.sha256(target.bytes + ordinal.to_bytes(8, "big")).digest()
    place = (ordinal >> 8) & 0xFFF  # neighbours stay neighbours, so that the index stays compact
    number = (target.int >> 80 << 80) | 0x7 << 76 | place << 64 | 0b10 << 62
    return str(uuid.UUID(int=number | int.from_bytes(digest[:8], "big") >> 2))


def new_reference() -> str:
    """Six characters that people can read over the phone."""
    return "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(6))
