"""T29: two approvers who click fifty times at once, and the same request once more: each message goes out once."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from broadcaster.db.tables import broadcast
from tests.builders import a_world
from tests.faults.frame import Figures, Place, Scenario
from tests.integration.console_routes import FORM
from tests.integration.visitor import visitor


def many_clicks(place: Place, figures: Figures, *, rounds: int, clicks: int) -> None:
    """Every click is answered: one that it is sent, the others that somebody was faster, or that it is busy and to try again."""
    with a_world(place.database_url, place.folder) as world:
        approvers = [visitor(world, name, "approver") for name in ("anna", "bert")]
        world.clock.slow_down(100)  # their second factor stays fresh, however many rounds there are
        answers, repeated = Counter[int](), Counter[int]()
        for _ in range(rounds):
            submitted = world.submit(channels=("website",))
            page = f"/messages/{submitted.ref}/approve"
            bodies = [_body(each.get(page).text, submitted.manifest_sha256) for each in approvers]

            def click(no: int, page: str = page, bodies: list[bytes] = bodies) -> int:
                return approvers[no % 2].ask("POST", page, bodies[no % 2], FORM).status

            with ThreadPoolExecutor(clicks) as pool:
                answers.update(pool.map(click, range(clicks)))
            repeated[click(0)] += 1
        world.work_public()
        figures.add("released", len(world.rows(broadcast)), equals=rounds)
        figures.add("sent", len(world.site.ledger), equals=rounds)
        figures.add(
            "approvals in the log", world.acts().count("message_approved_and_released"), equals=rounds
        )
        figures.add("told that it is sent", answers[303], equals=rounds)
        figures.add("told that it is busy", answers[503])
        figures.add(
            "told something else", rounds * clicks - answers[303] - answers[409] - answers[503], equals=0
        )
        figures.add("the same request once more, refused", repeated[409], equals=rounds)


def _body(page: str, sha256: str) -> bytes:
    token = re.search(r'name="csrf" value="(\w+)"', page)
    assert token
    return f"csrf={token[1]}&real=yes&hash={sha256}".encode()


SCENARIOS = (
    Scenario(
        test="T29",
        title="two approvers click fifty times at once",
        run=many_clicks,
        small={"rounds": 1, "clicks": 50},
        full={"rounds": 100, "clicks": 50},
        n="rounds",
    ),
)
