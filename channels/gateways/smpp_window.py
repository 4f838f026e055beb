"""How fast texts may go to an SMPP centre: how many may wait for their answer, and how many leave in a second."""

import threading
from collections import deque


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


class Pace:
    """Of all connections of this process: never more than `per_second` in any second. 0 is no limit."""

    def __init__(self, per_second: int) -> None:
        self._left_at: deque[float] = deque(maxlen=per_second or 1)
        self._limited = per_second > 0
        self._lock = threading.Lock()

    def wait_s(self, now: float) -> float:
        """0 where one may leave, which is then counted; otherwise how long until the next one may."""
        if not self._limited:
            return 0.0
        with self._lock:
            full = len(self._left_at) == self._left_at.maxlen
            if full and now - self._left_at[0] < 1.0:
                return 1.0 - (now - self._left_at[0])
            self._left_at.append(now)
            return 0.0
