"""Is a process of this container alive: `python -m worker.health live-pump` ends with 0 where it is, and with 1 and a
reason where it is not. It imports little, since it runs again and again beside those that send."""

import argparse
import http.client
import sys

from broadcaster.alive import SILENT_AFTER_S, sign_of
from broadcaster.domain.errors import Problem
from broadcaster.processes import reachable
from broadcaster.settings import Settings

WEB = "web"
ANSWER_WITHIN_S = 3.0


def unwell(settings: Settings, name: str, *, silent_after_s: float = SILENT_AFTER_S) -> str:
    """What is wrong with it, or nothing."""
    if name == WEB:
        return _web_unwell(settings)
    sign = sign_of(settings.root, name)
    if not sign.pid:
        return f"{name} has given no sign of life here: it does not run, or not with this data directory."
    if sign.is_silent(silent_after_s):
        return f"{name} (process {sign.pid}) has given no sign of life for {sign.age_s:.0f} seconds."
    return ""


def _web_unwell(settings: Settings) -> str:
    """It answers for itself: a stopped one accepts a connection, and says nothing."""
    host = reachable(settings.web_host)
    connection = http.client.HTTPConnection(host, settings.web_port, timeout=ANSWER_WITHIN_S)
    try:
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"web does not answer on {host}:{settings.web_port} ({type(error).__name__})."
    finally:
        connection.close()
    return "" if status == http.client.OK else f"web answers {status}."


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m worker.health", description=__doc__)
    arguments.add_argument("name", help="Such as live-public, live-bulk, live-pump, sweeper, sealer or web.")
    arguments.add_argument("--silent-after", type=float, default=SILENT_AFTER_S, metavar="SECONDS")
    given = arguments.parse_args()
    try:
        wrong = unwell(Settings.load(), given.name, silent_after_s=given.silent_after)
    except Problem as problem:
        wrong = str(problem)
    if wrong:
        raise SystemExit(wrong)
    sys.stdout.write(f"{given.name} is alive.\n")


if __name__ == "__main__":
    main()
