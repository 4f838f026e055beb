"""T30: exercises never reach a live account, and say so in every text; and storm mode, switched on in mid-send, leaks nothing."""

import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from sqlalchemy import func, select

from broadcaster.bootstrap import Parts, build
from broadcaster.db.tables import audit_event, intent_group, post
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Mode
from broadcaster.domain.post import Post
from broadcaster.queue import NoBells
from broadcaster.render.notices import shipped_example, shipped_notice
from tests.builders import a_world
from tests.faults.children import Children
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.stage import Ground, StandIns, audience

CHANNELS = ("website", "facebook", "x", "sms")
TEXTS = 2
SYLLABLES = ("ro", "sal", "fleet", "wood", "cley", "wyre", "éa", "ŵy", "pre", "kirk", "ham", "🌊")
GROUPS_OF = 4


# --- exercises --------------------------------------------------------------------------------------------


def many_sends(place: Place, figures: Figures, *, sends: int) -> None:
    """In the exercise's own process: it holds no live credential, and whoever it connects to is written down."""
    rng = Random(place.seed)
    with Children(place.folder) as children, _somebody_listens() as live:
        ground = Ground(place, [TEXTS])
        with StandIns(children, place.folder / "stand-ins", ground.accounts) as stand_ins:
            stand_ins.forget()
            with ground.stage(stand_ins) as stage:
                _set_apart(stage.root / "credentials", stand_ins.port, live.port, place.folder / "drill-site")
                parts = build(
                    stage.settings, mode=Mode.EXERCISE, database=stage.parts.database, bells=NoBells()
                )
                figures.add("modes_loaded", ",".join(sorted(parts.channels)), equals="exercise")
                with egress() as connections:
                    sent = 0
                    while sent < sends:
                        sent += _one(parts, stage.tokens, rng)
                _judge(figures, stage.rows(select(post.c.content)), stand_ins, connections, live)
    figures.add("sends", sent, at_least=sends)


def _one(parts: Parts, tokens: dict[str, str], rng: Random) -> int:
    """Written, handed over, approved and sent; how many deliveries were tried."""
    officer, approver = (parts.people.who(tokens[name]) for name in ("officer", "approver"))
    wanted = rng.sample(CHANNELS, rng.randint(1, len(CHANNELS)))
    values = {**shipped_example("severe-weather"), "area": _words(rng, 3), "advice": _words(rng, 5)}
    draft = parts.compose.draft(
        officer,
        template=shipped_notice("severe-weather"),
        values=values,
        channels=wanted,
        audience=audience(TEXTS) if "sms" in wanted else "",
        mode=Mode.EXERCISE,
    )
    try:
        submitted = parts.compose.submit(officer, draft.ref)
    except Invalid:  # chance made a text that a channel cannot carry
        return 0
    parts.approve.approve(approver, draft.ref, submitted.manifest_sha256)
    for broadcast_id in parts.sweep.overdue_plans(Mode.EXERCISE, 0):
        parts.plan.plan(broadcast_id)
    return sum(parts.deliver.work(Mode.EXERCISE, lane, for_s=30) for lane in Lane)


def _words(rng: Random, most: int) -> str:
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 3))) for _ in range(rng.randint(1, most))]
    return " ".join(words).capitalize()


def _judge(
    figures: Figures, stored: list, stand_ins: StandIns, connections: list[int], live: "_Listener"
) -> None:
    texts = [text for row in stored for text in _texts(Post.from_bytes(row.content))]
    taken = [str(each["text"]) for name in ("facebook", "x", "sms") for each in stand_ins.took(name)]
    marked = [t for t in (*texts, *taken) if re.fullmatch(r"EXERCISE\b.*\bEXERCISE", t.strip(), re.DOTALL)]
    figures.add("texts", len(texts) + len(taken))
    figures.add("without_the_word", len(texts) + len(taken) - len(marked), equals=0)
    figures.add("taken_by_stand_ins", len(taken), at_least=1)
    figures.add("connections_to_live", connections.count(live.port) + live.accepted, equals=0)
    figures.add("connections_to_exercise", connections.count(stand_ins.port), at_least=1)


def _texts(made: Post) -> list[str]:
    return [*filter(None, (made.title,)), *made.parts, *(image.alt for image in made.images)]


def _set_apart(credentials: Path, exercise_port: int, live_port: int, site: Path) -> None:
    """The same accounts in both folders, but for where they are: live ones lead to somebody who counts."""
    live, drill = credentials / "live", credentials / "exercise"
    shutil.copytree(live, drill)
    for file in live.glob("*.toml"):
        file.write_text(file.read_text().replace(f":{exercise_port}", f":{live_port}"))
    website = drill / "website.toml"
    website.write_text(re.sub(r'site_dir = ".*"', f'site_dir = "{site}"', website.read_text()))


class _Listener:
    """Whoever connects is counted and hung up on."""

    def __init__(self) -> None:
        self.accepted = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = self._socket.getsockname()[1]
        self._open = True
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while self._open:
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            self.accepted += 1
            connection.close()

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()


@contextmanager
def _somebody_listens() -> Iterator[_Listener]:
    found = _Listener()
    try:
        yield found
    finally:
        found.close()


_written: list[list[int]] = []


def _write_down(event: str, details: tuple) -> None:
    if event == "socket.connect" and _written and isinstance(details[1], tuple):
        _written[-1].append(details[1][1])


@contextmanager
def egress() -> Iterator[list[int]]:
    """The ports that this process connects to meanwhile, by whatever library: Python itself tells."""
    if not _written:
        sys.addaudithook(_write_down)  # cannot be taken away again, and is quiet while nobody asks
    _written.append([])
    try:
        yield _written[-1]
    finally:
        _written.append([])


# --- storm mode -------------------------------------------------------------------------------------------


def switched_on_in_mid_send(place: Place, figures: Figures, *, rounds: int) -> None:
    """Two workers send something routine, and somebody switches. Counted within the switch's own transaction, behind
    which nothing routine may be begun."""
    leaked, held, slowest = 0, 0, 0.0
    with a_world(place.database_url, place.folder) as world:
        world.officer, world.approver  # noqa: B018 - they are staff from now on
        for number in range(rounds):
            texts = world.release_texts(400, severity="Minor", urgency="Future")
            begun, seen = threading.Event(), []
            world.gateway.on_call = lambda _keys, begun=begun: begun.set()
            workers = [world.beside(max_in_flight=GROUPS_OF) for _ in range(2)]
            threads = [threading.Thread(target=_send, args=(each,)) for each in workers]
            for each in threads:
                each.start()
            assert begun.wait(60)
            time.sleep(Random(place.seed + number).random() * 0.05)
            began = time.monotonic()
            look = world.meanwhile(
                world.database,
                f"INSERT INTO {audit_event.name}",
                lambda seen=seen: seen.append(_groups(world)),
            )
            with look:
                world.parts.storm.switch_on(world.officer, "Wind")
            slowest = max(slowest, time.monotonic() - began)
            for each in threads:
                each.join()
            leaked += _groups(world) - seen[0]
            held += world.totals(texts.ref).get("pending", 0) > 0
            world.parts.storm.switch_off(world.officer, "Calm")
            if world.parts.storm.holds(texts.ref):
                world.parts.storm.decide(world.officer, texts.ref, "drop", "next round")
            for each in workers:
                each.database.close()
    figures.add("rounds", rounds)
    figures.add("rounds_with_something_held", held, at_least=1)
    figures.add("groups_opened_after_the_switch", leaked, equals=0)
    figures.add("slowest_switch_s", slowest, at_most=5.0)


def _send(parts: Parts) -> None:
    parts.deliver.work("live", Lane.BULK, for_s=60)


def _groups(world) -> int:  # type: ignore[no-untyped-def]
    with world.database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(intent_group)).scalar_one())


SCENARIOS = (
    Scenario(
        test="T30",
        title="exercises reach no live account",
        pushed=False,
        run=many_sends,
        small={"sends": 8},
        full={"sends": 1_000},
        n="sends",
    ),
    Scenario(
        test="T30",
        title="storm mode in mid-send",
        run=switched_on_in_mid_send,
        small={"rounds": 1},
        full={"rounds": 50},
        n="rounds",
        pushed=False,
    ),
)
