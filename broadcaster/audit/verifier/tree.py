"""The tree (RFC 6962, 2.1)."""

from __future__ import annotations

import hashlib


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The right edge of a tree: all that is needed to add leaves and to tell the root."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        full = self.size
        while full & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            full >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def copy(self) -> Tree:
        twin = Tree()
        twin.size, twin.peaks = self.size, self.peaks[:]
        return twin

    def root(self) -> bytes:
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        found = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            found = node_hash(peak, found)
        return found


def root_of_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that an audit path leads to (RFC 9162, 2.1.3.2), or None where it is too long or too short."""
    last, rest = size - 1, list(path)
    while last > 0:
        if index % 2 == 1 or index < last:
            if not rest:
                return None
            beside = rest.pop(0)
            leaf = node_hash(beside, leaf) if index % 2 else node_hash(leaf, beside)
        index, last = index >> 1, last >> 1
    return None if rest else leaf
