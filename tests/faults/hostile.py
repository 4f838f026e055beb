"""T46: a long list with rows of every broken kind. T47: ten thousand guesses at one account, and one place that tries every account."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from urllib.parse import urlencode

from broadcaster.db import people
from broadcaster.db.engine import Database
from broadcaster.domain.audience import ImportResult
from broadcaster.service.audiences import Audiences
from broadcaster.web.console.guard import COOKIE
from tests.builders import World, a_world
from tests.faults.frame import Figures, Place, Scenario
from tests.integration.asgi import TESTSERVER, ask, web_of
from tests.integration.audience_files import BROKEN, VAULT, number
from tests.integration.identities import PASSWORD, enter, person, with_app
from tests.integration.visitor import PAGE

FORM = (b"content-type", b"application/x-www-form-urlencoded")
KNOWN_PLACE, NEW_PLACE, BAD_PLACE = "192.0.2.1", "192.0.2.2", "203.0.113.9"
IN_S = 60.0  # so long may somebody who knows the password be kept out


# --- T46 --------------------------------------------------------------------------------------------------


def broken_rows(place: Place, figures: Figures, *, rows: int, broken: int) -> None:
    """Each broken row is named with its number and its reason, no good one is lost, and no number is told."""
    path, problems_to = place.folder / "list.csv", place.folder / "problems.csv"
    expected = write_list(path, rows, sorted(Random(place.seed).sample(range(2, rows + 2), broken)))
    result = imported(place, path, problems_to)
    with problems_to.open(newline="", encoding="utf-8") as file:
        told = {int(row["row"]): row["reason"] for row in csv.DictReader(file)}
    wrong = [no for no, reason in expected.items() if reason not in told.get(no, "")]
    figures.add("kinds", min(broken, len(BROKEN)), at_least=20)
    figures.add("taken", result.count, equals=rows - broken)
    figures.add("told", len(told), equals=broken)
    figures.add("with another number or reason", len(wrong), equals=0)
    figures.add("numbers told", problems_to.read_text().count("7009000"), equals=0)


def write_list(path: Path, rows: int, broken: Iterable[int]) -> dict[int, str]:
    """By the number of its row, the reason of each that is broken."""
    kinds, at = list(BROKEN.items()), {}
    for n, no in enumerate(broken):
        at[no] = kinds[n % len(kinds)]
    with path.open("w", newline="") as file:
        file.write("name,phone,language\n")
        file.writelines(
            f"{at[no][0] if no in at else f'Good,{number(no)},en'}\n" for no in range(2, rows + 2)
        )
    return {no: reason for no, (_, reason) in at.items()}


def imported(place: Place, path: Path, problems_to: Path) -> ImportResult:
    database = Database(place.database_url)
    with database.write() as tx:
        ann = people.insert(tx, name="ann", roles=frozenset({"officer"}))
    result = Audiences(database, VAULT).import_csv(
        actor=ann, name="residents", path=path, problems_to=problems_to
    )
    database.close()
    return result


# --- T47 --------------------------------------------------------------------------------------------------


def guesses(place: Place, figures: Figures, *, tries: int, places: int, accounts: int, codes: int) -> None:
    """At one account from many places, one a second; then from one place at many accounts; then codes, by somebody who has
    the password. Whoever the account belongs to signs in right afterwards, also from a place that nobody knows."""
    with a_world(place.database_url, place.folder) as world:
        person(world, "olive", "officer")
        enter(world, "olive", address=KNOWN_PLACE)
        at_one = Counter[int]()
        for n in range(tries):
            world.clock.advance(1)
            at_one[_sign_in(world, "olive", f"guess number {n}", f"198.51.100.{n % places}")] += 1
        _judge(figures, "guesses at one account", at_one, tries)
        figures.add("she, where she always is", _sign_in(world, "olive", PASSWORD, KNOWN_PLACE), equals=303)
        figures.add("she, from a new place, after s", _in_after(world, "olive"), at_most=IN_S)
        from_one = Counter(_sign_in(world, f"person-{n}", "summer2026", BAD_PLACE) for n in range(accounts))
        _judge(figures, "accounts tried from one place", from_one, accounts)
        _judge(figures, "codes", _codes(world, codes), codes)


def _judge(figures: Figures, what: str, seen: Counter[int], tries: int) -> None:
    figures.add(f"{what}: looked at", seen[403], at_least=1)
    figures.add(f"{what}: slowed down", seen[429], at_least=tries // 2)
    figures.add(f"{what}: let in", tries - seen[403] - seen[429], equals=0)


def _codes(world: World, tries: int) -> Counter[int]:
    """Of somebody who knows the password: each is another one than the app shows."""
    app, seen = with_app(world, "anna", "approver"), Counter[int]()
    cookie = enter(world, "anna", address=KNOWN_PLACE).cookie
    for n in range(tries):
        world.clock.advance(1)
        code = f"{(int(app.code()) + 1 + n) % 1_000_000:06}"
        seen[_post(world, "/sign-in/code", {"code": code}, KNOWN_PLACE, cookie=cookie)] += 1
    return seen


def _in_after(world: World, name: str) -> float:
    """The seconds until the right password is let in from a new place, tried every second."""
    for waited in range(int(IN_S) + 2):
        if _sign_in(world, name, PASSWORD, NEW_PLACE) == 303:
            return float(waited)
        world.clock.advance(1)
    return float("inf")


def _sign_in(world: World, name: str, password: str, address: str) -> int:
    return _post(world, "/sign-in", {"name": name, "password": password}, address)


def _post(world: World, path: str, fields: dict[str, str], address: str, *, cookie: str = "") -> int:
    """The status of the answer to a form that stood on a page of ours."""
    headers = [TESTSERVER, PAGE, FORM, (b"cookie", f"{COOKIE}={cookie}".encode())]
    body = urlencode(fields).encode()
    return ask(web_of(world.parts), "POST", path, body, headers, client=(address, 50000)).status


SCENARIOS = (
    Scenario(
        test="T46",
        title="a long list with rows of every broken kind",
        run=broken_rows,
        small={"rows": 4_000, "broken": 100},
        full={"rows": 1_000_000, "broken": 20_000},
        n="rows",
    ),
    Scenario(
        test="T47",
        title="guesses at one account, at many, and of codes",
        run=guesses,
        small={"tries": 200, "places": 20, "accounts": 80, "codes": 40},
        full={"tries": 10_000, "places": 100, "accounts": 1_000, "codes": 300},
        n="tries",
    ),
)
