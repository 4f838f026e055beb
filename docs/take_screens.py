"""Takes docs/screens/*.png, which docs/console.md shows: one message from signing in to the audit log, at a desk and on a phone.

    make screenshots

Needs Chromium or Chrome on the PATH. A whole installation with stand-ins for its platforms is started here, on loopback,
and ends with it; its people are those of tests/browser.
"""  # noqa: INP001 - a script beside the documents, in no package

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402 - the tests stand beside this folder
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from broadcaster.db.engine import Database  # noqa: E402
from broadcaster.db.migrate import migrate  # noqa: E402
from broadcaster.domain.readiness import ReadinessState  # noqa: E402
from broadcaster.service.readiness import Checks  # noqa: E402
from tests.browser import chromium  # noqa: E402
from tests.browser.people import PHONE, Console, Person  # noqa: E402
from tests.installation import Installation, installation, wait_for  # noqa: E402

SCREENS = ROOT / "docs" / "screens"
DESK = {"width": 1000, "height": 760}
TALLEST = 1500  # of a picture in a page of documentation; what is further down is told there
COLOURS = 48
MOST_BYTES = 1_000_000  # all of them together: a clone must stay small
FACTS = {
    "hazard": "wind",
    "area": "Fleetwood and Cleveleys",
    "action": "Keep off the seafront. Avoid driving.",
    "source": "Duty officer, Wyre Council",
    "phone": "01632 960123",
}


def main() -> None:
    SCREENS.mkdir(exist_ok=True)
    with town() as found, browser() as running:
        take_all(found, running)
    total = sum(each.stat().st_size for each in SCREENS.glob("*.png"))
    print(f"{len(list(SCREENS.glob('*.png')))} pictures in {SCREENS}, {total:,} bytes")  # noqa: T201
    if total > MOST_BYTES:
        sys.exit(f"That is more than {MOST_BYTES:,} bytes. Take fewer colours, or cut them lower.")


@contextmanager
def town() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/broadcaster.db"
        database = Database(url)
        migrate(database)
        database.close()
        with installation(Path(folder) / "data", url, organisation="Wyre Council") as found:
            found.import_numbers(214)
            wait_for(lambda: all_ready(found.parts.checks))
            yield found


def all_ready(checks: Checks) -> bool:
    """The first check comes before the website answers, so it is asked for again."""
    checks.ask()
    return all(each.probed and each.probed.state is ReadinessState.READY for each in checks.accounts_now())


@contextmanager
def browser() -> Iterator[Browser]:
    path = chromium.installed()
    if not path:
        sys.exit("There is no Chromium on the PATH (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


def take_all(found: Installation, running: Browser) -> None:
    console = Console.of(found)
    officer = Person(running, console, "officer", size=DESK)
    approver = Person(running, console, "approver", size=PHONE)
    auditor = Person(running, console, "auditor", size=DESK)
    officer.go("/sign-in")
    take(officer, "sign-in")
    officer.sign_in()
    take(officer, "home")
    ref = written(officer)
    approver.sign_in()
    take(approver, "home-phone")
    approver.tab.get_by_role("button", name="Look at it and decide").first.click()
    take(approver, "approve-phone")
    approver.tab.get_by_label("This is real").check()
    approver.tab.get_by_role("button", name="Send now to 214 people").click()
    approver.tab.wait_for_url("**/board")
    wait_for(lambda: found.accepted_texts(ref) == 214)
    officer.go(f"/messages/{ref}/board")
    officer.tab.get_by_text("214 of 214 accepted").wait_for()
    take(officer, "board")
    approver.go(f"/messages/{ref}/board")
    approver.tab.get_by_text("214 of 214 accepted").wait_for()
    take(approver, "board-phone")
    auditor.sign_in()
    auditor.go(f"/messages/{ref}/timeline")
    take(auditor, "timeline")


def written(officer: Person) -> str:
    """A message that waits for an approval: its reference. On the way, the form with its proof beside it."""
    officer.tab.get_by_role("button", name="Send an update").click()
    officer.tab.get_by_role("link", name="Severe weather").click()
    officer.tab.get_by_label("Amber").check()
    officer.fill(**FACTS)
    officer.tab.get_by_label("Who gets a text message").select_option("residents")
    officer.tab.locator("#look .post").first.wait_for()
    officer.tab.set_viewport_size({"width": 1240, "height": 900})
    take(officer, "write")
    officer.tab.set_viewport_size(PHONE)
    take(officer, "write-phone")
    officer.tab.set_viewport_size(DESK)
    officer.tab.get_by_role("button", name="See what every channel says").click()
    officer.tab.get_by_role("button", name="Hand over for approval").click()
    officer.tab.get_by_text("It waits for a second person").wait_for()
    return str(officer.tab.url.rsplit("/", 1)[1])


def take(person: Person, name: str) -> None:
    """The page from its top, in few colours: text stays sharp, and the file small."""
    person.tab.evaluate("window.scrollTo(0, 0)")
    person.tab.wait_for_timeout(300)  # what is drawn after the page has come
    shot = Image.open(io.BytesIO(person.tab.screenshot(full_page=True))).convert("RGB")
    shown = shot.crop((0, 0, shot.width, min(shot.height, TALLEST)))
    few = shown.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(SCREENS / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
