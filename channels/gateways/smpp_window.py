"""How many texts may wait for their answer at an SMPP centre, on one connection."""


class Window:
    """Of one connection. Halves when the centre throttles, and grows again with what it takes."""

    def __init__(self, most: int, pause_s: float) -> None:
        self.size = most
        self._pause_s = pause_s
        self._most = most
        self._taken = 0
        self._open_at = 0.0

    def has_room(self, waiting: int, now: float) -> bool:
        return waiting < self.size and now >= self._open_at

    def wait_s(self, now: float) -> float:
        """Until something new may be sent, as far as the centre's last word goes."""
        return max(0.0, self._open_at - now)

    def throttled(self, now: float) -> None:
        """Once for each pause: a full window that is refused at once says one thing, not ten."""
        if now >= self._open_at:
            self.size = max(1, self.size // 2)
            self._open_at = now + self._pause_s
        self._taken = 0

    def took_one(self) -> None:
        self._taken += 1
        if self._taken >= self.size and self.size < self._most:
            self.size += 1
            self._taken = 0
