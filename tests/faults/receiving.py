"""T25: callbacks of every bad kind at a rate, through the real web process and Twilio's signature.

Genuine ones in random order, each many times, from before the answer to their own text is recorded until long after; forged,
unsigned and pointed at another delivery; genuine ones about ids that nobody knows. Twilio signs no time, so an old one is
known by what it says: those of the beginning come again at the end.
"""

import base64
import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlencode

from sqlalchemy import func, select

from broadcaster.db.tables import callback, delivery, receipt
from broadcaster.settings import Settings
from tests.builders import a_world
from tests.faults.frame import Figures, Place, Scenario
from tests.installation import answers, free_port, wait_for

PATIENCE_S = 60.0
TOKEN = "1" * 32
URL = "https://alerts.example/hooks/live/gateway/receipt"
PATH = "/hooks/live/gateway/receipt"
SID = f"AC{'0' * 32}"
STATUSES = {"queued": 1, "sent": 1, "undelivered": 2, "delivered": 3}
RANK = {"pending": 0, "accepted": 1, "undelivered": 2, "delivered": 3}
#: Of a hundred callbacks: the rest are genuine, and mostly not for the first time.
BAD = {"forged": 5, "unsigned": 5, "elsewhere": 5, "unknown": 15}
REFUSED = {"forged", "unsigned", "elsewhere"}
Truth = dict[str, list[str]]
WATCHED = 500  # deliveries whose state is looked at again and again
ACCOUNT = f"""
channel = "sms"
gateway = "twilio"
account_sid = "{SID}"
api_key = "SK{"0" * 32}"
api_key_secret = "s"
sender = "Wyre"
auth_token = "{TOKEN}"
receipt_url = "{URL}"
"""


def receipts(place: Place, figures: Figures, *, texts: int, seconds: float, rate: float, timed: bool) -> None:
    dice = random.Random(place.seed)
    with a_world(place.database_url, place.folder) as world:
        world.release_texts(texts)
        keys = [row.uid for row in world.deliveries("sms")]
        truth = {key: _true_statuses(dice) for key in keys}
        with (place.folder / "requests").open("wb") as file:
            expected = _write(file, dice, keys, truth, count=int(seconds * rate))
        port = free_port()
        web = _start_web(world.parts.settings, port)
        try:
            over, ranks = threading.Event(), [[] for _ in keys[:WATCHED]]
            matcher = threading.Thread(target=_match, args=(world, over, ranks))
            sender = threading.Thread(target=_send_all, args=(world,))
            callers = _start_callers(port, rate, place.folder / "requests")
            for thread in (matcher, sender):
                thread.start()
            told = _said(callers)
            sender.join()
            over.set()
            matcher.join()
        finally:
            web.terminate()
            web.wait(PATIENCE_S)
        world.parts.receipts.apply_all()
        states = {row.uid: row.state for row in world.deliveries("sms")}
        with world.database.read() as tx:
            stored, raw = (
                tx.execute(select(func.count()).select_from(t)).scalar_one() for t in (receipt, callback)
            )
    should = {key: max(STATUSES[status] for status in truth[key]) for key in keys}
    statuses = {int(status): n for status, n in told["statuses"].items()}
    figures.add("callbacks", sum(statuses.values()), equals=expected["all"])
    figures.add("a second", round(expected["all"] / told["seconds"]))
    figures.add("false states", sum(RANK[states[key]] != should[key] for key in keys), equals=0)
    figures.add("ranks that fell", sum(each != sorted(each) for each in ranks), equals=0)
    figures.add("refused", statuses.get(400, 0), equals=expected["refused"])
    figures.add("acknowledged", statuses.get(204, 0), equals=expected["all"] - expected["refused"])
    figures.add("receipts stored", stored, equals=expected["distinct"])
    figures.add("kept as they came", raw, equals=expected["distinct"])
    took = sorted(told["took"])
    figures.add("stored p50 s", took[len(took) // 2])
    bar = {"at_most": 1.0} if timed else {}
    figures.add("stored p99 s", took[int(len(took) * 0.99)], **bar)


def _true_statuses(dice: random.Random) -> list[str]:
    """What really happened to a text: of one in three nothing but that the network took it."""
    said = ["queued", "sent"]
    return said + dice.choice(([], ["undelivered"], ["delivered"], ["undelivered", "delivered"]))


def _write(
    file: BinaryIO, dice: random.Random, keys: Sequence[str], truth: Truth, *, count: int
) -> Counter[str]:
    """The requests; how many of them are to be refused, and how many are `distinct` receipts. Every genuine one comes at
    least once, and the first fiftieth of all comes again at the end."""
    genuine = [(key, status) for key in keys for status in truth[key]]
    dice.shuffle(genuine)
    kinds = [kind for kind, share in BAD.items() for _ in range(count * share // 100)]
    kinds += ["genuine"] * max(len(genuine), count - len(kinds))
    dice.shuffle(kinds)
    fresh, first, made = list(genuine), [], Counter({"distinct": len(genuine)})
    for place, kind in enumerate(kinds):
        key, status = fresh.pop() if kind == "genuine" and fresh else dice.choice(genuine)
        if kind == "unknown":
            made["distinct"] += 1
            key = f"00000000-0000-7000-8000-{made['distinct']:012}"
        request = _request(
            key, "delivered" if kind == "forged" else status, kind=kind, other=dice.choice(keys)
        )
        again = place < len(kinds) // 50
        first += [request] * again
        made["all"] += 1 + again
        made["refused"] += (kind in REFUSED) * (1 + again)
        file.write(b"%d\n%b" % (len(request), request))
    file.writelines(b"%d\n%b" % (len(each), each) for each in first)
    return made


def _request(key: str, status: str, *, kind: str, other: str) -> bytes:
    fields = {
        "AccountSid": SID,
        "MessageSid": f"SM{'0' * 32}",
        "MessageStatus": status,
        "To": "+447700900123",
    }
    body = urlencode(fields)
    content = f"{URL}?key={key}" + "".join(name + fields[name] for name in sorted(fields))
    token = "forged" if kind == "forged" else TOKEN
    mark = base64.b64encode(hmac.new(token.encode(), content.encode(), hashlib.sha1).digest()).decode()
    shown = key if kind != "elsewhere" else next(k for k in (other, f"{key[:-1]}x") if k != key)
    signature = "" if kind == "unsigned" else f"X-Twilio-Signature: {mark}\r\n"
    return (
        f"POST {PATH}?key={quote(shown)} HTTP/1.1\r\nHost: alerts.example\r\n{signature}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _start_web(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    folder = Path(settings.credentials) / "live"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "gateway.toml"
    file.touch(mode=0o600)
    file.write_text(ACCOUNT)
    mine = settings.model_copy(update={"web_port": port})
    with (settings.root / "web.log").open("ab") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "broadcaster.web"],
            env={**os.environ, **mine.environment()},
            stdout=log,
            stderr=log,
        )
    wait_for(lambda: answers(f"http://127.0.0.1:{port}/health/live"), within_s=PATIENCE_S)
    return web


def _send_all(world) -> None:
    while "pending" in {row.state for row in world.deliveries("sms")}:
        world.work_bulk()


def _match(world, over: threading.Event, ranks: list[list[int]]) -> None:
    """As the sweeper does, and looks at what became of it."""
    query = select(delivery.c.state).order_by(delivery.c.id).limit(len(ranks))
    while not over.wait(1.0):
        world.parts.receipts.apply_all()
        with world.database.read() as tx:
            for seen, state in zip(ranks, tx.execute(query).scalars(), strict=True):
                seen.append(RANK[state])


def _start_callers(port: int, rate: float, requests: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.callers", str(port), str(rate), str(requests)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _said(callers: subprocess.Popen[bytes]):
    said, _ = callers.communicate()
    assert callers.returncode == 0
    return json.loads(said)


SCENARIOS = (
    Scenario(
        test="T25",
        title="callbacks forged, unsigned, repeated, out of order, too early and about nothing",
        run=receipts,
        small={"texts": 60, "seconds": 2.0, "rate": 300.0, "timed": False},
        full={"texts": 20_000, "seconds": 300.0, "rate": 2_000.0, "timed": True},
        n="texts",
    ),
)
