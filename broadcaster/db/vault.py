"""Phone numbers at rest: sealed with AES-GCM, found by a keyed index that cannot be guessed from the number."""

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 64  # 32 to seal, 32 to index
NONCE_BYTES = 12
INDEX_BYTES = 16


class Vault:
    """Seals and indexes with one key file. Losing the file loses the numbers: it is backed up with the database."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the data key must be {KEY_BYTES} bytes, not {len(key)}")
        self._seal, self._index_key = AESGCM(key[:32]), key[32:]

    def index(self, number: str) -> bytes:
        return hmac.digest(self._index_key, number.encode(), hashlib.sha256)[:INDEX_BYTES]

    def seal(self, number: str, index: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, number.encode(), index)

    def open(self, sealed: bytes, index: bytes) -> str:
        """The number. ValueError where the row was altered: the seal is bound to its index."""
        try:
            return self._seal.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], index).decode()
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise ValueError("a stored number does not match its index") from error


def load_or_create_key(path: Path) -> bytes:
    """The data key's bytes. Created once, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    key = os.urandom(KEY_BYTES)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key
