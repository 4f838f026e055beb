"""What every program that starts or asks after others needs. Known to the entry points only."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1  # prctl(2)


def reachable(host: str) -> str:
    """An address to connect to, for one to listen on."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound


def end_with_parent() -> None:
    """For `preexec_fn`, on Linux: the kernel ends this child when its parent dies, however that dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:  # the parent died in between
        os._exit(1)
