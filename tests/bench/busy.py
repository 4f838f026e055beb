"""How long the server takes for the pages of whoever watches and stops, while texts go out to 100,000 people.

`python -m tests.bench.busy`: a minute, on this machine alone. The installation is the one of the texts: real processes, and the
stub as their gateway. An officer who is signed in asks its web process over HTTP for one page after the other, from when the
first texts are out until the last: a broadcast that has ended is followed by another, until each page was asked for often
enough. Exit code 1 where a page's 95th percentile is above the bar.
"""

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

import pyotp
import requests

from broadcaster.web.console.guard import COOKIE
from tests.bench.figures import DATABASES, USUAL_S
from tests.bench.first_post import texts_go_out
from tests.bench.house import house
from tests.bench.pages import say
from tests.bench.peers import stub
from tests.installation import Installation, wait_for

BAR_S = 0.500
WHO = "officer"
WITHIN_S = 30.0
PAGES = {
    "home": "/",
    "messages": "/messages",
    "board": "/messages/{ref}/board",
    "stop": "/messages/{ref}/stop",
    "write": "/messages/new/severe-weather",
}


def main() -> int:
    given = _arguments()
    missed = False
    for kind in given.database:
        with stub(USUAL_S) as gateway, house(kind, gateway, workers=2, max_in_flight=500) as found:
            found.import_numbers(given.recipients)
            took = defaultdict(list)
            for page, seconds in _measured(found, given.times):
                took[page].append(seconds)
        p95 = {page: statistics.quantiles(seconds, n=20)[-1] for page, seconds in took.items()}
        say(kind, *(f"{page}: {seconds * 1000:.0f} ms" for page, seconds in p95.items()))
        missed = missed or max(p95.values()) > BAR_S
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", nargs="+", choices=sorted(DATABASES), default=sorted(DATABASES))
    parser.add_argument("--recipients", type=int, default=100_000, help="of each broadcast")
    parser.add_argument("--times", type=int, default=100, help="so often each page is asked for")
    return parser.parse_args()


def _measured(found: Installation, times: int) -> Iterator[tuple[str, float]]:
    """Each page and how long it took, in turn."""
    ref, cookies = "", {COOKIE: signed_in(found)}
    for _ in range(times):
        if not (ref and texts_go_out(found)):
            ref = _sending(found)
        for name, page in PAGES.items():
            began = time.perf_counter()
            answer = requests.get(found.web + page.format(ref=ref), cookies=cookies, timeout=WITHIN_S)
            yield name, time.perf_counter() - began
            assert answer.status_code == 200, (name, answer.status_code)
            assert "Sign out" in answer.text, name


def _sending(found: Installation) -> str:
    """A broadcast of texts, of which the first are out."""
    ref = found.approve(found.submit(channels=("sms",)))
    wait_for(lambda: found.accepted_texts(ref))
    return ref


def signed_in(found: Installation) -> str:
    """The cookie of the officer, who has given the second factor where one is wanted."""
    secrets = json.loads((found.settings.root / "sandbox" / "secrets.json").read_text())[WHO]
    opened = found.parts.sign_in.with_password(WHO, secrets["password"], address="127.0.0.1")
    if "totp_secret" in secrets:
        code = pyotp.TOTP(secrets["totp_secret"]).now()
        opened = found.parts.sign_in.with_code(opened.cookie, code, address="127.0.0.1")
    return opened.cookie


if __name__ == "__main__":
    sys.exit(main())
