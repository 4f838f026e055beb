"""Takes docs/wall.png and docs/thread.png: a message on all four channels of the sandbox's wall, with a picture, and one
with more to say than a post on X has room for.

    .venv/bin/python docs/take_pictures.py

Needs Chromium or Chrome on the PATH and nothing that runs already: stand-ins and a small web server for the site
are started here, on loopback, and end with it.
"""  # noqa: INP001 - a script beside the documents, in no package

import hashlib
import http.server
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from broadcaster.cli.demo import PICTURE_SHOWS
from broadcaster.domain.media import Image
from broadcaster.domain.message import Mode
from broadcaster.domain.notice import fill
from broadcaster.domain.post import Post
from broadcaster.render.images import fitted, read_picture
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_picture
from broadcaster.render.posts import Renderer
from broadcaster.service.room import room_of
from channels import channel_class
from channels.base import Account, Channel, Parcel, Secret, ShowsImages
from channels.facebook import FacebookPage
from channels.sandbox.accounts import sandbox_accounts
from channels.sms import Sms
from channels.twitter import XAccount
from channels.website import Website
from tests.mass import send_many

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
UNPAINTED = 200  # Chromium counts a window's frame into its size, and leaves as much of the picture empty
ZONE = ZoneInfo("Europe/London")
REFERENCE = "7F3K2M"
#: File, notice template, and the size of the window that shows all of it.
SHOWN = (("wall.png", "severe-weather", (1280, 1400)), ("thread.png", "evacuation", (1280, 1020)))
WITH_PICTURE = "severe-weather"
RECIPIENTS = 1_000  # Ofcom keeps 07700 900000 to 900999 for fiction
GROUP = 200
PUBLIC_SITE = "https://alerts.wyre.example"
PATIENCE_S = 30
PNG_START = b"\x89PNG\r\n\x1a\n"


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a line per request."""

    def log_message(self, *_: object) -> None:
        """Quiet."""


def main() -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), "")
    if not browser:
        sys.exit("Chromium is not on the PATH, and it takes the picture. On Debian: apt-get install chromium")
    for file, template, size in SHOWN:
        take_one(browser, HERE / file, template, size)
        print(HERE / file)  # noqa: T201 - what a script says


def take_one(browser: str, file: Path, template: str, size: tuple[int, int]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "site") as site_url,
        sandbox(Path(folder) / "sandbox", site_url) as wall_url,
    ):
        publish(Path(folder), wall_url, template)
        take(browser, wall_url, file, size)


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


def publish(folder: Path, sandbox_url: str, template: str, mode: Mode = Mode.LIVE) -> None:
    """One message on the website, the Page and X, and as texts to everybody, through the real channels."""
    known = sandbox_accounts(folder / "sandbox")
    site = {"site_dir": str(folder / "site"), "base_url": PUBLIC_SITE, "site_name": "Wyre Council (sandbox)"}
    texts = {**known["sms"], "base_url": sandbox_url, "sender": "WyreCouncil"}
    website = Website(account("website", site, mode))
    link = website.page_address(REFERENCE)
    website.send(post(website, template, "", mode), "website")
    page = FacebookPage(account("facebook", {**known["facebook"], "base_url": sandbox_url}, mode))
    page.send(post(page, template, link, mode), "facebook")
    x = XAccount(account("x", {**known["x"], "base_url": sandbox_url}, mode))
    thread, before = post(x, template, link, mode), ""
    for no in range(1, len(thread.parts) + 1):
        before = x.send(thread.part(no, in_reply_to=before), f"x-{no}").platform_id
    sms = Sms(account("sms", texts, mode))
    parcels = [Parcel(key=f"sms-{n}", address=f"+447700900{n:03}") for n in range(RECIPIENTS)]
    for start in range(0, RECIPIENTS, GROUP):
        for outcome in send_many(sms, post(sms, template, link, mode), parcels[start : start + GROUP]):
            if isinstance(outcome, Exception):
                raise outcome
    sms.close()


def account(channel: str, given: Mapping[str, str], mode: Mode) -> Account:
    """An account with these options, those that are secret kept as such."""
    options = Sms.options_for(given) if channel == "sms" else channel_class(channel).options
    secret = {option.name for option in options if option.secret}
    return Account(
        name=channel,
        channel=channel,
        mode=mode,
        options={name: value for name, value in given.items() if name not in secret},
        secrets={name: Secret(value) for name, value in given.items() if name in secret},
        allowed_hosts=frozenset({"127.0.0.1"}),
    )


def post(channel: Channel, template: str, link: str, mode: Mode) -> Post:
    """The shipped example, as this channel says it now, with its pictures."""
    now = datetime.now(ZONE)
    facts = fill(shipped_notice(template), shipped_example(template), zone=ZONE, now=now)
    rendered = Renderer().render(
        facts,
        channel=channel.name,
        account=channel.name,
        reference=REFERENCE,
        link=link,
        mode=mode,
        zone=ZONE,
        images=pictures(channel) if template == WITH_PICTURE else (),
        room=room_of(channel, kept=shipped_notice(template).must_keep),
    )
    filled = rendered.filled({"sent_at": f"{now:%H:%M}", "sequence": ""})
    return filled.with_content({image.sha256: image.content for image in rendered.images})


def pictures(channel: Channel) -> tuple[Image, ...]:
    """The example's picture as this channel is given it."""
    if not isinstance(channel, ShowsImages):
        return ()
    made = fitted(read_picture(shipped_picture(WITH_PICTURE), "storm.jpg"), channel.image_rules)
    return (
        Image(
            sha256=hashlib.sha256(made.content).hexdigest(),
            media_type=made.media_type,
            width=made.width,
            height=made.height,
            size=len(made.content),
            alt=PICTURE_SHOWS,
            content=made.content,
        ),
    )


def take(browser: str, address: str, picture: Path, size: tuple[int, int]) -> None:
    """What this browser shows in a window of this size, as a PNG."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603 - a browser from the PATH
            [
                browser,
                "--headless",
                "--no-sandbox",  # Chromium refuses to run as root otherwise, and it sees our own page alone
                "--hide-scrollbars",
                "--disable-gpu",
                "--disable-lcd-text",
                f"--user-data-dir={profile}",
                f"--window-size={size[0]},{size[1] + UNPAINTED}",
                f"--screenshot={picture}",
                address,
            ],
            check=True,
            timeout=PATIENCE_S,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    picture.write_bytes(upper_rows(picture.read_bytes(), size[1]))


def upper_rows(png: bytes, height: int) -> bytes:
    """The first `height` rows of a PNG that is not interlaced: no row depends on those below it (RFC 2083, 6)."""
    chunks = dict.fromkeys((b"IHDR", b"IDAT"), b"")
    at = len(PNG_START)
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        chunks[kind] = chunks.get(kind, b"") + png[at + 8 : at + 8 + length]
        at += 12 + length
    width, _, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    bytes_a_pixel = {2: 3, 6: 4}[rest[1]]
    rows = zlib.decompress(chunks[b"IDAT"])[: height * (1 + width * bytes_a_pixel)]
    header = struct.pack(">IIBBBBB", width, height, *rest)
    kept = {b"IHDR": header, b"IDAT": zlib.compress(rows, 9), b"IEND": b""}
    return PNG_START + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in kept.items()
    )


if __name__ == "__main__":
    main()
