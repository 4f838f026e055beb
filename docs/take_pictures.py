"""Takes docs/wall.png: one severe-weather message on all four channels of the sandbox's wall.

    .venv/bin/python docs/take_pictures.py

Needs Chromium or Chrome on the PATH and nothing that runs already: stand-ins and a small web server for the site
are started here, on loopback, and end with it.
"""  # noqa: INP001 - a script beside the documents, in no package

import http.server
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from broadcaster.domain.message import Mode
from broadcaster.domain.notice import fill
from broadcaster.domain.post import Post
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.render.posts import Renderer
from channels import channel_class
from channels.base import Account, Secret
from channels.sandbox.accounts import sandbox_accounts
from channels.website import Website

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTH, HEIGHT = 1280, 900
ZONE = ZoneInfo("Europe/London")
TEMPLATE, REFERENCE = "severe-weather", "7F3K2M"
RECIPIENTS = 1_000  # Ofcom keeps 07700 900000 to 900999 for fiction
PATIENCE_S = 30


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a line per request."""

    def log_message(self, *_: object) -> None:
        """Quiet."""


def main() -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), "")
    if not browser:
        sys.exit("Chromium is not on the PATH, and it takes the picture. On Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "site") as site_url:
        with sandbox(Path(folder) / "sandbox", site_url) as wall_url:
            publish(Path(folder), wall_url, site_url)
            take(browser, wall_url, HERE / "wall.png")
    print(HERE / "wall.png")  # noqa: T201 - what a script says


@contextmanager
def served(site_dir: Path) -> Iterator[str]:
    """The address of this folder over HTTP."""
    site_dir.mkdir()
    handler = partial(QuietFiles, directory=str(site_dir))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def sandbox(data: Path, site_url: str) -> Iterator[str]:
    """The address of a running sandbox."""
    command = [sys.executable, "-m", "channels.sandbox", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*command, "--site-url", site_url], cwd=HERE.parent, stdout=subprocess.PIPE, text=True
    )
    try:
        ready = process.stdout.readline().split() if process.stdout else []
        if ready[:1] != ["ready"]:
            sys.exit("The sandbox did not start; its reason stands above.")
        yield ready[1]
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def publish(folder: Path, sandbox_url: str, site_url: str, mode: Mode = Mode.LIVE) -> None:
    """One message on the website, the Page and X, and as texts to everybody, through the real channels."""
    known = sandbox_accounts(folder / "sandbox")
    site = {"site_dir": str(folder / "site"), "base_url": site_url, "site_name": "Wyre Council (sandbox)"}
    website = Website(account("website", site, mode))
    send(website, post("website", "", mode))
    link = website.page_address(REFERENCE)
    for channel in ("facebook", "x"):
        send(opened(channel, {**known[channel], "base_url": sandbox_url}, mode), post(channel, link, mode))
    sms = opened("sms", {**known["sms"], "base_url": sandbox_url, "sender": "WyreCouncil"}, mode)
    send_texts(sms, post("sms", link, mode))


def post(channel: str, link: str, mode: Mode) -> Post:
    """The shipped example, as this channel says it now."""
    now = datetime.now(ZONE)
    facts = fill(shipped_notice(TEMPLATE), shipped_example(TEMPLATE), zone=ZONE, now=now)
    rendered = Renderer().render(
        facts, channel=channel, account=channel, reference=REFERENCE, link=link, mode=mode, zone=ZONE
    )
    return rendered.filled({"sent_at": f"{now:%H:%M}", "sequence": "Update 1"})


def account(channel: str, given: Mapping[str, str], mode: Mode) -> Account:
    known = {option.name: option.secret for option in channel_class(channel).options}
    return Account(
        name=channel,
        channel=channel,
        mode=mode,
        options={name: value for name, value in given.items() if known[name] is False},
        secrets={name: Secret(value) for name, value in given.items() if known[name]},
        allowed_hosts=frozenset({"127.0.0.1"}),
    )
