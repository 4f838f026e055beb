"""New ids and references."""

import secrets

from uuid_utils import uuid7

REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is misread or misheard: no 0 O 1 I L U


def new_uid() -> str:
    """A UUIDv7: sorts by time, so indexes stay compact."""
    return str(uuid7())


def new_reference() -> str:
    """Six characters that people can read over the phone."""
    return "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(6))
