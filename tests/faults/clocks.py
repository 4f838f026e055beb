"""T9: the clocks of those who send, approve and hear receipts are wrong by hours; and the nights in which clocks change."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from broadcaster.db.tables import broadcast, delivery, message, submission
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.message import Mode
from broadcaster.settings import Settings
from tests.faults.children import Children
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.judging import judge as judge_stage
from tests.faults.sending import judge, taken, wait_until_over
from tests.faults.stage import Ground, Stage, StandIns, audience
from tests.faults.twice import submission_of
from tests.installation import Installation, answers, free_port, installation, wait_for
from worker import roles

HOURS_2, MINUTES_10 = 7_200.0, 600.0
RELEASED_WITHIN_S = 5.0  # and planned, so that something is sent before the end
ZONE = "Europe/London"
REFUSED_SHARE = 0.2  # in each of the ten steps over the change: of 500 texts none is refused in all


# --- clocks that are wrong ----------------------------------------------------------------------------------


def wrong_clocks(place: Place, figures: Figures, *, texts: int, expires_s: float) -> None:
    """Texts are sent by two workers only: one two hours ahead, one two hours behind. Receipts are heard, and messages
    approved, by processes whose clock is wrong too."""
    web_port = free_port()

    def hear_elsewhere(settings: Settings) -> None:
        path = settings.credentials / "live" / "sms.toml"
        here, there = (
            f"{settings.web_host}:{settings.web_port}/hooks",
            f"{settings.web_host}:{web_port}/hooks",
        )
        path.write_text(path.read_text().replace(here, there))

    made = installation(place.folder / "data", place.database_url, prepare=hear_elsewhere, bulk_workers=0)
    with made as found, ExitStack() as stack:
        for number, ahead_s in enumerate((HOURS_2, -HOURS_2), start=1):
            words = roles.worker(Mode.LIVE, Lane.BULK, number)[1]
            stack.enter_context(_skewed(found, ahead_s, words))
        stack.enter_context(
            _skewed(found, MINUTES_10, ["broadcaster.web"], BROADCASTER_WEB_PORT=str(web_port))
        )
        wait_for(lambda: answers(f"http://127.0.0.1:{web_port}/health"))
        found.import_numbers(texts)
        found.fault(platform="sms", kind="503", probability=0.2, seed=1)
        ref = found.release()
        wait_until_over(found, ref, within_s=180 + texts / 50)
        judge(found, ref, figures, planned=texts + 3)
        figures.add("duplicated_after_unknown", figures.values["duplicated_after_unknown"], equals=0)
        wait_for(lambda: _delivered(found, ref) == texts)
        figures.add("delivered", _delivered(found, ref), equals=texts)
        _of_approval(found, figures)
        _of_expiry(found, figures, texts, expires_s)


@contextmanager
def _skewed(found: Installation, ahead_s: float, words: list[str], **variables: str) -> Iterator[None]:
    """A process of the product whose clock is wrong. `words` are what follows `python -m`."""
    with (found.settings.root / "logs" / f"skewed{ahead_s:+.0f}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.skewed", str(ahead_s), *words],
            env={**os.environ, **found.settings.environment(), **variables},
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(40)


def _delivered(found: Installation, ref: str) -> int:
    return int(found.status(ref).totals.get(DeliveryState.DELIVERED, 0))


def _of_approval(found: Installation, figures: Figures) -> None:
    """By the database's clock one submission is fresh and one is too old; the approver's own says the opposite."""
    fresh = found.submit(audience="", channels=("website",))
    figures.add("fresh_approved_two_hours_ahead", _approves(found, HOURS_2, fresh), equals=True)
    old = found.submit(audience="", channels=("website",))
    with found.parts.database.write() as tx:
        it = update(submission).where(submission.c.id == submission_of(old.ref))
        moved = tx.execute(it.values(expires_at=tx.now() - timedelta(seconds=1)))
    assert moved.rowcount == 1
    figures.add("old_approved_two_hours_behind", _approves(found, -HOURS_2, old), equals=False)


def _approves(found: Installation, ahead_s: float, submitted: object) -> bool:
    """Through the command line of somebody whose clock is wrong."""
    words = ["message", "approve", submitted.ref, "--hash", submitted.manifest_sha256]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.skewed", str(ahead_s), "broadcaster.cli.main", *words],
        env={
            **os.environ,
            **found.settings.environment(),
            "BROADCASTER_TOKEN": found.people["approver"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or "expired" in done.stderr + done.stdout, done.stderr + done.stdout
    return done.returncode == 0


def _of_expiry(found: Installation, figures: Figures, texts: int, expires_s: float) -> None:
    """A broadcast ends in mid-send: by the database's clock neither two hours early nor two hours late."""
    before = taken(found)
    found.clear_faults()
    found.fault(platform="sms", kind="delay", seconds=1.0)
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=expires_s + RELEASED_WITHIN_S)
    times = {"starts": "now", "expires": ends.isoformat(), "next_update": ends.isoformat()}
    ref = found.approve(found.submit(channels=("sms",), values=times))
    wait_for(lambda: taken(found) > before)
    wait_until_over(found, ref, within_s=expires_s + RELEASED_WITHIN_S + 120)
    totals = found.status(ref).totals
    figures.add("sent_before_expiry", taken(found) - before, at_least=1, at_most=texts - 1)
    figures.add("expired", totals.get(DeliveryState.EXPIRED, 0), equals=texts - (taken(found) - before))
    late = [
        row
        for row in found.ledger("sms")
        if datetime.fromisoformat(str(row["at"])) > ends + timedelta(seconds=5)
    ]
    figures.add("taken_after_expiry", len(late), equals=0)


# --- nights in which the clocks change ----------------------------------------------------------------------


def changing_nights(place: Place, figures: Figures, *, texts: int) -> None:
    """A send that begins five seconds before the change and ends after it, and one that expires an hour after it: in
    spring and in autumn, with this process in the zone where that happens."""
    os.environ["TZ"] = ZONE
    time.tzset()
    problems: list[str] = []
    with Children(place.folder) as children:
        ground = Ground(place, [texts])
        with StandIns(children, place.folder / "stand-ins", ground.accounts) as stand_ins:
            for name, moment in _changes().items():
                _one_night(ground, stand_ins, moment, texts, figures, name, problems)
    figures.add("invariants_broken", len(problems), equals=0)
    assert not problems, "\n".join(problems)


def _changes() -> dict[str, datetime]:
    """The last two moments at which the clocks of the zone changed."""
    found: dict[str, datetime] = {}
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
    while len(found) < 2:
        before, after = ((at + timedelta(seconds=s)).astimezone(ZoneInfo(ZONE)).utcoffset() for s in (-1, 0))
        if before != after:
            found["spring" if after > before else "autumn"] = at
        at -= timedelta(hours=1)
    return found


def _one_night(
    ground: Ground,
    stand_ins: StandIns,
    moment: datetime,
    texts: int,
    figures: Figures,
    name: str,
    problems: list[str],
) -> None:
    stand_ins.forget()
    with ground.stage(stand_ins, max_in_flight=10) as stage:
        stage.clock.advance((moment - timedelta(seconds=5) - datetime.now(UTC)).total_seconds())
        stand_ins.order([{"platform": "sms", "kind": "503", "probability": REFUSED_SHARE, "seed": 1}])
        ref, ends = _released(stage, texts)
        sent = _work_until(stage, ref, moment + timedelta(hours=1, seconds=30))
        stand_ins.clear_faults()
        stand_ins.order([{"platform": "*", "kind": "503"}])
        never, ends = _released(stage, texts)
        early = _work_until(stage, never, ends - timedelta(seconds=20))
        late = _work_until(stage, never, ends + timedelta(seconds=20))
        for each in (ref, never):
            found = judge_stage(stage, each).problems
            problems += [p for p in found if not p.startswith("I7 ")]  # the stand-in's own clock stays
    figures.add(f"{name}_accepted", sent.get(DeliveryState.ACCEPTED, 0), equals=texts)
    figures.add(f"{name}_expired_too_early", early.get(DeliveryState.EXPIRED, 0), equals=0)
    figures.add(f"{name}_expired", late.get(DeliveryState.EXPIRED, 0), equals=texts)
    taken_twice = len(stand_ins.took("sms")) - texts
    figures.add(f"{name}_taken_twice", taken_twice, equals=0)


def _released(stage: Stage, texts: int) -> tuple[str, datetime]:
    """A broadcast, planned, and when it ends by its own words."""
    submitted = stage.submit(channels=("sms",), audience=audience(texts), life_safety=False)
    stage.approve(submitted)
    query = (
        select(broadcast.c.id, broadcast.c.expires_at)
        .join(message, message.c.id == broadcast.c.message_id)
        .where(message.c.ref == submitted.ref)
    )
    (row,) = stage.rows(query)
    stage.parts.plan.plan(row.id)
    return submitted.ref, row.expires_at


def _work_until(stage: Stage, ref: str, moment: datetime) -> dict[DeliveryState, int]:
    """What a worker and a sweeper do until then, at steps that grow from a second to an hour."""
    step_s = 1.0
    while True:
        with stage.parts.database.read() as tx:
            began = tx.now()
        # However slow this machine is. What is refused meanwhile is of the next step.
        while _due(stage, began) and stage.parts.deliver.work(Mode.LIVE, Lane.BULK, for_s=1):
            pass
        stage.parts.sweep.sweep()
        with stage.parts.database.read() as tx:
            left_s = (moment - tx.now()).total_seconds()
        if left_s <= 0 or stage.parts.report.status(ref).over:
            return dict(stage.parts.report.status(ref).totals)
        stage.clock.advance(min(step_s, left_s))
        step_s = min(3 * step_s, 3_600)


def _due(stage: Stage, at: datetime) -> int:
    waits = delivery.c.state == DeliveryState.PENDING
    found = stage.rows(select(func.count()).select_from(delivery).where(waits, delivery.c.next_at <= at))
    return int(found[0][0])


SCENARIOS = [
    Scenario(
        test="T9",
        title="clocks that are wrong by hours",
        run=wrong_clocks,
        small={"texts": 300, "expires_s": 4.0},
        full={"texts": 20_000, "expires_s": 10.0},
        n="texts",
        pushed=False,
    ),
    Scenario(
        test="T9",
        title="the nights in which the clocks change",
        run=changing_nights,
        small={"texts": 20},
        full={"texts": 500},
        n="texts",
        pushed=False,
    ),
]
