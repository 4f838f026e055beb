"""A browser for all tests of this folder, and a small web server that sends the headers of docs/website.md."""

import threading
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import sync_playwright

from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from broadcaster.db.tables import session
from broadcaster.web.console.guard import COOKIE
from tests.browser import chromium
from tests.browser.people import WIDE, Console, Person
from tests.browser.scene import a_scene, switch_storm_mode_on
from tests.installation import installation
from tests.integration.identities import enter
from tests.integration.identities import person as add_person

#: A fifth less work for every page: nobody looks at it, so nothing has to be drawn fast or kept for going back.
FEWER = (
    "--disable-gpu",
    "--disable-gpu-compositing",
    "--disable-software-rasterizer",
    "--in-process-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-features=PaintHolding,Translate,OptimizationHints,MediaRouter,BackForwardCache,SpareRendererForSitePerProcess",
)


class Files(SimpleHTTPRequestHandler):
    def __init__(self, *args, headers, **kwargs):
        self._headers = headers
        super().__init__(*args, **kwargs)

    def end_headers(self):
        for name, value in self._headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args):
        """Quiet."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    path = chromium.installed()
    if not path:
        pytest.skip("no Chromium on the PATH (Debian: apt-get install chromium)")
    with chromium.running(path, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def tab(browser):
    with browser.tab() as tab:
        yield tab


@pytest.fixture
def serve():
    """serve(folder, headers) -> the address of that folder over HTTP."""
    servers = []

    def start(folder, headers):
        folder.mkdir(exist_ok=True)
        handler = partial(Files, directory=str(folder), headers=headers)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def playwright_browser():
    """Of a module and not of the session: while it runs, nothing else in this process can run an event loop."""
    path = chromium.installed()
    if not path:
        pytest.skip("no Chromium on the PATH (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", *FEWER],
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    """A whole installation with stand-ins for its platforms, people in it, and an audience."""
    folder = tmp_path_factory.mktemp("town")
    url = f"sqlite:///{folder / 'broadcaster.db'}"
    database = Database(url)
    migrate(database)
    database.close()
    with installation(folder / "data", url, organisation="Wyre Council") as found:
        found.import_numbers(214)
        yield found


@pytest.fixture(scope="session")
def console(town):
    return Console.of(town)


@pytest.fixture
def person(playwright_browser, console):
    """person("officer", size=PHONE) -> somebody at a browser of their own."""
    people = []

    def come(name, **how):
        people.append(Person(playwright_browser, console, name, **how))
        return people[-1]

    yield come
    for each in people:
        each.context.close()
    assert [complaint for each in people for complaint in each.complaints] == []


@pytest.fixture(scope="module")
def scene(request, tmp_path_factory, module_database_url):
    with a_scene(module_database_url, tmp_path_factory.mktemp("scene")) as scene:
        if request.module.__name__.endswith(
            "access"
        ):  # every page with the strip; the walks send, and would be held
            switch_storm_mode_on(scene)
        add_person(scene.world, "nora", "approver")
        yield scene


@pytest.fixture(scope="module")
def at_a_browser(playwright_browser, scene):
    """at_a_browser(who) -> somebody signed in, with a tab of their own. `who` may be "half": the code is still to be given;
    or "stale": it was given too long ago."""
    people = {}
    console = Console(address=scene.address, secrets={}, recovery={})

    def come(who="", **how):
        key = (who, *how.items())
        if repr(key) not in people:
            found = people[repr(key)] = Person(playwright_browser, console, who, **{"size": WIDE, **how})
            if who:
                cookie = cookie_of(scene, *who.split())
                found.context.add_cookies([{"name": COOKIE, "value": cookie, "url": scene.address}])
        return people[repr(key)]

    yield come
    for each in people.values():
        each.context.close()


def cookie_of(scene, name, how=""):
    if how == "half" or name == "nora":
        return enter(scene.world, name).cookie
    cookie = scene.cookie_of(name)
    if how == "stale":
        uid = scene.world.parts.sessions.find(cookie).uid
        scene.world.change(session, {"factor_at": scene.world.now() - timedelta(minutes=10)}, uid=uid)
    return cookie
