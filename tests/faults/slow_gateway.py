"""T22: a gateway that answers after ten seconds holds up nobody but its own texts."""

import time
from statistics import quantiles

from sqlalchemy.engine import make_url

from tests.faults.connections import Door, connections_of
from tests.faults.falling_silent import Scene
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import House, house
from tests.faults.line import line_to
from tests.faults.lines import through
from tests.faults.own_server import own_server
from tests.faults.sending import judge, taken, wait_until_over
from tests.installation import AUDIENCE, installation

PUBLIC = ("website", "facebook", "x")
SPARE = 2  # connections of a pool that stay free for a person's act


def answers_slowly(
    place: Place, figures: Figures, *, texts: int, public_releases: int, answer_s: float, late_s: float
) -> None:
    """One in a hundred texts is answered after so long that nobody waits for it. Public posts go out meanwhile."""
    if place.database == "sqlite":
        with house(place) as here:
            door = Door(path=str(make_url(place.database_url).database))
            _slow_answers(figures, here, door, texts, public_releases, answer_s, late_s)
        return
    with own_server() as (server, url), line_to(server.socket) as line:
        made = installation(place.folder / "data", through(url, line))
        with made as found:
            here = House(found=found, public=len(PUBLIC))
            _slow_answers(figures, here, Door(port=line.port), texts, public_releases, answer_s, late_s)


def _slow_answers(
    figures: Figures,
    here: House,
    door: Door,
    texts: int,
    public_releases: int,
    answer_s: float,
    late_s: float,
) -> None:
    found = here.found
    found.import_numbers(texts)
    found.fault(platform="sms", kind="delay", seconds=answer_s)
    found.fault(platform="sms", kind="delay", seconds=late_s - answer_s, probability=0.01, seed=1)
    with connections_of(found, door) as seen:
        ref = Scene(found=found).release(hold=True, audience=AUDIENCE, channels=["sms"])
        time.sleep(answer_s / 2)  # every worker of that lane waits
        others = []
        for _ in range(public_releases):
            others.append(found.approve(found.submit(audience="", channels=PUBLIC)))
            time.sleep(1)
        for each in others:
            wait_until_over(found, each, within_s=120)
        figures.add("texts_still_going", texts - taken(found), at_least=1)
        wait_until_over(found, ref, within_s=300 + texts * answer_s / 20)
    seconds = [t.seconds for each in others for t in found.status(each).targets if t.seconds]
    figures.add("public_posts", len(seconds), equals=here.public * public_releases)
    figures.add("public_p95_s", quantiles(seconds, n=20)[-1], at_most=10)
    pool = found.parts.database.engine.pool.size()
    figures.add("samples", seen.samples, at_least=10)
    figures.add("connections", max(seen.most.values()), at_least=1, at_most=pool - SPARE)
    figures.add("most_by", max(seen.most, key=seen.most.__getitem__))
    for each in others:
        judge(found, each, figures, planned=here.public, in_process=True)
    judge(found, ref, figures, planned=texts, sent=False)


SCENARIOS = [
    Scenario(
        test="T22",
        title="a gateway that answers after ten seconds",
        run=answers_slowly,
        small={"texts": 150, "public_releases": 4, "answer_s": 5.0, "late_s": 15.0},
        full={"texts": 5_000, "public_releases": 20, "answer_s": 9.9, "late_s": 30.0},
        n="texts",
        pushed=False,
    ),
]
