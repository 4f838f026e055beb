"""What each code of libcurl says about a text, as data. Source: libcurl-errors(3), 8.23, read 2026-11.

The one question that counts is whether a byte of the request had left; the code tells the rest.
"""

from broadcaster.domain.errors import SendError
from channels.http_errors import (
    BAD_ADDRESS,
    BROKEN_OFF,
    NOT_CONNECTED,
    TIMED_OUT,
    TLS_FAILED,
    UNREADABLE,
    Meaning,
)

#: Where no byte of the request had left. Every other code means "not connected".
_BEFORE: dict[int, Meaning] = {
    **dict.fromkeys((1, 3, 4), BAD_ADDRESS),  # protocol, URL
    **dict.fromkeys((35, 53, 54, 58, 59, 60, 66, 77, 80, 82, 83, 90, 91, 98), TLS_FAILED),
}
#: Where one had left. Every other code means that the connection broke.
_AFTER: dict[int, Meaning] = {
    28: TIMED_OUT,
    # no HTTP, a cut answer, a broken line or encoding, too large
    **dict.fromkeys((1, 8, 18, 23, 27, 61, 63, 100), UNREADABLE),
}


def from_curl(code: int, *, begun: bool) -> SendError:
    """`begun` is whether a byte of the request had left. Total: every number has its outcome."""
    meaning = _AFTER.get(code, BROKEN_OFF) if begun else _BEFORE.get(code, NOT_CONNECTED)
    return meaning.error(f"curl {code}")
