"""The tree of RFC 6962 (section 2.1): one root that stands for all leaves, and paths that prove a single one."""

import hashlib
from collections.abc import Collection, Iterable, Sequence


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree that only grows: all that is needed to add leaves and to tell the root."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[
            bytes
        ] = []  # whole subtrees, the largest first: one for each bit that is set in size

    def append(self, leaf: bytes) -> None:
        """`leaf` is a leaf's hash."""
        full, peak = self.size, leaf
        while full & 1:
            peak = _node(self._peaks.pop(), peak)
            full >>= 1
        self._peaks.append(peak)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = _node(peak, found)
        return found

    def copy(self) -> "Frontier":
        twin = Frontier()
        twin.size, twin._peaks = self.size, self._peaks.copy()
        return twin


def merkle_root(leaves: Iterable[bytes]) -> str:
    """Root over the data of all leaves, hexadecimal: one digest that stands for all outcomes of a group."""
    tree = Frontier()
    for data in leaves:
        tree.append(leaf_hash(data))
    return tree.root().hex()


def paths(leaves: Sequence[bytes], wanted: Collection[int]) -> dict[int, list[bytes]]:
    """For each wanted index, from 0, the audit path (RFC 6962, 2.1.1): the hashes beside its way to the root, lowest first."""
    found: dict[int, list[bytes]] = {index: [] for index in wanted}
    level, at = list(leaves), {index: index for index in wanted}
    while len(level) > 1:
        for index, place in at.items():
            if place ^ 1 < len(level):
                found[index].append(level[place ^ 1])
            at[index] = place >> 1
        odd = [level[-1]] if len(level) % 2 else []  # goes up as it is
        level = [_node(*pair) for pair in zip(level[::2], level[1::2], strict=False)] + odd
    return found
