"""Phone numbers at rest: sealed with AES-GCM, found by a keyed index that cannot be guessed from the number."""

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broadcaster.db.key_files import KEY_BYTES, SEAL_BYTES, DataKeyFiles, load_or_create_key

NONCE_BYTES = 12
INDEX_BYTES = 16


class Vault:
    """Seals and indexes with one key file. Losing the file loses the numbers: it is backed up with the database.

    While the key is being changed there are two: the first seals, and each of them opens. `reread` gives the keys
    where they are other ones than before, and none where they are not: a process that runs meanwhile sees the change.
    """

    def __init__(self, *keys: bytes, reread: Callable[[], Sequence[bytes]] = lambda: ()) -> None:
        self._reread = reread
        self._keys: tuple[bytes, ...] = ()
        self._use(keys)

    @classmethod
    def at(cls, path: Path) -> Self:
        """With the key in this file, made where there is none, and looked at again whenever it is changed."""
        load_or_create_key(path)
        files = DataKeyFiles(path)
        return cls(*files.changed(), reread=files.changed)

    def index(self, number: str) -> bytes:
        return hmac.digest(self._index_key, number.encode(), hashlib.sha256)[:INDEX_BYTES]

    def seal(self, number: str, index: bytes) -> bytes:
        self._look_again()
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._seals[0].encrypt(nonce, number.encode(), index)

    def open(self, sealed: bytes, index: bytes) -> str:
        """The number. ValueError where the row was altered: the seal is bound to its index."""
        found = self._opened(sealed, index)
        if found is None and self._look_again():
            found = self._opened(sealed, index)
        if found is None:
            raise ValueError("a stored number does not match its index")
        return found

    def _opened(self, sealed: bytes, index: bytes) -> str | None:
        for seal in self._seals:
            try:
                return seal.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], index).decode()
            except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
                continue
        return None

    def _look_again(self) -> bool:
        keys = self._reread()
        if keys:
            self._use(keys)
        return bool(keys)

    def _use(self, keys: Sequence[bytes]) -> None:
        """Keys that were in use before still open: a row may have been read just before it was sealed anew."""
        for key in keys:
            if len(key) != KEY_BYTES:
                raise ValueError(f"the data key must be {KEY_BYTES} bytes, not {len(key)}")
        self._keys = tuple(dict.fromkeys((*keys, *self._keys)))
        self._seals = tuple(AESGCM(key[:SEAL_BYTES]) for key in self._keys)
        self._index_key = keys[0][SEAL_BYTES:]
