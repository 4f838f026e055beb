"""Publishes messages as files that any web server can serve: a page each, a list, a feed and JSON.

Knows the shape of the site; what the pages look like is in templates/web.
"""

import errno
import json
import re
import unicodedata
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, ClassVar, Self

from broadcaster.domain.errors import NotSent, Refused
from broadcaster.domain.media import ImageRules
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from broadcaster.domain.sight import Sight
from channels.base import Account, AfterUnknown, CheckProblem, Option, Receipt
from channels.images import image_problems
from channels.options import address, is_web_address, option, require_held
from channels.probing import not_ready
from channels.website_cap import may_be_late, of_this_mode, said_again, with_alert
from channels.website_cap_file import CERTIFICATES, AlertFile
from channels.website_feeds import alerts_json, atom_feed
from channels.website_history import history, pictures_gone, taken_out, was_here
from channels.website_images import IMAGE_RULES, image_files
from channels.website_pages import Site, alert_name, alert_page, banner_script, list_page, templates
from channels.website_probe import probe_address
from channels.website_state import said_no_more, shown_as_ended
from channels.website_store import Document, SiteStore

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")  # it becomes the name of a folder

_TAG = re.compile(r"<[^>]*>")

_DAMAGED = (
    "A file in the folder .alerts of the website is damaged; the site stays as it was. Bring it back from a backup or "
    "move it away: it is tried again."
)


class Website:
    """One site. Sending again with the same key changes nothing that a reader can see."""

    name: ClassVar[str] = "website"
    title: ClassVar[str] = "Website"
    options: ClassVar[tuple[Option, ...]] = (
        Option(name="site_dir", help="the folder that the web server serves", required=True),
        Option(name="base_url", help="the public address of that folder", required=True),
        Option(name="site_name", help="who publishes, as readers know it", required=True),
        Option(name="cap_sender", help="who sends the CAP alerts; by default the host of base_url"),
        Option(name="cap_key", help="the file with the key that signs them; by default one of its own"),
    )
    after_unknown: ClassVar[AfterUnknown] = AfterUnknown.IDEMPOTENT
    image_rules: ClassVar[ImageRules] = IMAGE_RULES

    def __init__(
        self,
        account: Account,
        *,
        store: SiteStore | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._account = account
        self._site_dir = Path(option(account, self.options, "site_dir")).expanduser()
        self._store = store or SiteStore(self._site_dir)
        self._site = Site(
            base_url=address(account, self.options, "base_url", plain_http=True),
            name=option(account, self.options, "site_name"),
            exercise=account.mode != "live",
        )
        self._alert_file = AlertFile(
            self._site,
            sender=option(account, self.options, "cap_sender"),
            key=option(account, self.options, "cap_key"),
        )

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        return self._site.base_url

    def page_address(self, reference: str) -> str:
        return self._site.address(reference)

    def check(self, post: Post) -> list[CheckProblem]:
        problems = []
        if not _REFERENCE.fullmatch(post.facts.get("reference", "")):
            text = "The web page has no reference, or not one of letters and digits. Save the message again."
            problems.append(CheckProblem(code="no_reference", text=text))
        if not post.title.strip():
            problems.append(
                CheckProblem(code="no_title", text="The web page has no title. Write a headline.")
            )
        if not post.text.strip():
            problems.append(CheckProblem(code="empty", text="The web page is empty. Write its text."))
        if any(_is_unprintable(char) for text in _texts(post) for char in text):
            text = "The web page has a control character in it. Write the text anew instead of pasting it."
            problems.append(CheckProblem(code="control_character", text=text))
        if post.link and not is_web_address(post.link, plain_http=True):
            text = "The link of the web page does not begin with https://. Give the full address."
            problems.append(CheckProblem(code="bad_link", text=text))
        return [*problems, *image_problems(post.images, IMAGE_RULES, "the website")]

    def send(self, post: Post, key: str) -> Receipt:
        problems = self.check(post)
        if problems:  # there is no platform behind us that would refuse it
            raise Refused(problems[0].code, problems[0].text)
        reference = _page_of(post)
        templates()
        try:
            with self._writing():
                self._publish(reference, post, key)
        except OSError as exc:
            raise _disk_error(exc) from exc
        return Receipt(platform_id=reference, link=self.page_address(reference))

    def alert(self, reference: str) -> bytes:
        """The newest CAP alert of a message as it is published; empty where there is none."""
        try:
            return self._store.path(alert_name(reference)).read_bytes()
        except FileNotFoundError:
            return b""

    def alert_of(self, post: Post) -> bytes:
        """How its CAP alert would read, published now: unsigned, and with nothing that it refers to."""
        document = self._updated(None, post.facts.get("reference", "").upper(), post, "", self._now())
        return self._alert_file.unsigned(document, self._now())

    def read_back(self, post: Post, platform_id: str, since: datetime) -> Sight:  # noqa: ARG002 - its page is its id
        """By the page's own file, which the web server serves, and not by what we remember to have written."""
        page = self._store.page_path(_page_of(post))
        try:
            content = page.read_text()
        except FileNotFoundError:
            return Sight.ABSENT
        except (OSError, UnicodeDecodeError) as exc:
            raise NotSent("read_back_failed", "The page's file cannot be read.") from exc
        read = _folded(unescape(_TAG.sub("", content)))
        whole = all(_folded(line) in read for line in (post.title, *post.text.splitlines()))
        return Sight.THERE if whole else Sight.DIFFERS

    def refresh(self) -> None:
        """Marks what has ended: on its page, in the list and in the feeds. Raises NotSent.

        Only pages whose state has changed are built: this runs every minute, and a message waits while it does.
        """
        templates()
        try:
            with self._writing():
                self._bring_up_to_date(self._documents())
        except OSError as exc:
            raise _disk_error(exc) from exc

    def take_out(self, posts: Mapping[str, Post], pictures: Collection[str]) -> int:
        """Out of pages, list, feeds and alerts."""
        templates()
        try:
            with self._writing():
                return self._take_out(posts, pictures)
        except OSError as exc:
            raise _disk_error(exc) from exc

    def _take_out(self, posts: Mapping[str, Post], pictures: Collection[str]) -> int:
        now, before = self._now(), self._documents()
        documents = {reference: taken_out(each, posts, pictures) for reference, each in before.items()}
        changed = [reference for reference, each in documents.items() if each != before[reference]]
        files: dict[Path, bytes] = {}
        for reference in changed:
            documents[reference] = said_again(documents[reference])
            files |= self._page(documents[reference], now, anew=True)
        if changed:
            self._store.put({**files, **self._overview(documents, now)})
            self._store.remove(pictures_gone(before, documents))
        return len(changed)

    def probe(self) -> Readiness:
        require_held(self._account)
        try:
            self._store.try_writing()
            self._documents()
        except OSError as exc:
            failure = _disk_error(exc)
        except NotSent as exc:
            failure = exc
        else:
            found = probe_address(self._account, self._site.base_url, self._site_dir)
            return self._alert_file.doubt(found, self._now())
        return not_ready(failure.code, failure.operator_text)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        require_held(self._account)
        with self._store.locked():
            yield

    def _documents(self) -> dict[str, Document]:
        try:
            return self._store.documents()
        except (json.JSONDecodeError, UnicodeDecodeError) as exc:
            # Not chained: both hold the document.
            damaged = NotSent("memory_damaged", _DAMAGED, detail=type(exc).__name__)
        raise damaged

    def _publish(self, reference: str, post: Post, key: str) -> None:
        """The pictures first: a page never shows one that is not there yet."""
        now = self._now()
        before = self._documents()
        pictures = {self._store.path(name): content for name, content in image_files(post).items()}
        documents = dict(before)
        document = self._updated(documents.get(reference), reference, post, key, now)
        documents[reference] = with_alert(self._site, self._alert_file.sender, documents, document, now)
        page = self._page(documents[reference], now)
        self._store.put({**pictures, **page, **self._overview(documents, now)})
        self._store.remove(pictures_gone(before, documents))

    def _bring_up_to_date(self, documents: dict[str, Document]) -> None:
        now = self._now()
        changed: dict[Path, bytes] = {}
        for reference, before in documents.items():
            document = before
            if may_be_late(before, now):
                document = with_alert(self._site, self._alert_file.sender, documents, before, now)
                documents[reference] = document
            if document is not before or document.get("shown_as_ended") != shown_as_ended(document, now):
                changed |= self._page(document, now)
        self._store.put({**changed, **self._overview(documents, now)})

    def _page(self, document: Document, now: datetime, *, anew: bool = False) -> dict[Path, bytes]:
        """The page before what remembers its state: a crash between the two writes the page once more."""
        reference = document["reference"]
        kept = {**document, "shown_as_ended": shown_as_ended(document, now)}
        return {
            self._store.page_path(reference): alert_page(self._site, document, now),
            self._store.document_path(reference): _json(kept),
            **self._alert_file.of(kept, self._store.path(alert_name(reference)), anew=anew),
        }

    def _updated(
        self, document: Document | None, reference: str, post: Post, key: str, now: datetime
    ) -> Document:
        """The document with this post in it; unchanged where this key is in it already."""
        moment = now.astimezone(UTC).isoformat(timespec="seconds")
        if document is None:
            urn = uuid.uuid5(uuid.NAMESPACE_URL, self.page_address(reference)).urn
            document = {
                "reference": reference,
                "exercise": self._site.exercise,
                "id": urn,
                "published": moment,
                "updated": moment,
                "posts": {},
            }
        if document["posts"].get(post.language, {}).get("key") == key or was_here(document, key):
            return document
        old = said_no_more(document, post)
        posts = {**document["posts"], post.language: _kept(post, key)}
        posts = {language: each for language, each in posts.items() if language not in old}
        return {**document, "posts": posts, "updated": moment, **history(document, post, moment)}

    def _overview(self, documents: dict[str, Document], now: datetime) -> dict[Path, bytes]:
        every = of_this_mode(self._site, documents.values())
        return {
            **self._alert_file.certificates(self._store.path(CERTIFICATES)),
            self._store.path("alerts.json"): alerts_json(self._site, every, now),
            self._store.path("atom.xml"): atom_feed(self._site, every, now),
            self._store.path("index.html"): list_page(self._site, every, now),
            self._store.path("banner.js"): banner_script(),
        }


def _page_of(post: Post) -> str:
    """The reference of the page that it stands on: a message that follows another one takes over its page."""
    return (post.facts.get("page") or post.facts.get("reference", "")).upper()


def _kept(post: Post, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "language": post.language,
        "title": post.title,
        "text": post.text,
        "link": post.link,
        "facts": dict(post.facts),
        "images": [image.to_json() for image in post.images],
    }


def _folded(text: str) -> str:
    return " ".join(text.split())


def _json(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _texts(post: Post) -> list[str]:
    return [post.title, post.text, post.link, *post.facts.values(), *(image.alt for image in post.images)]


def _is_unprintable(char: str) -> bool:
    """What XML cannot hold, and no page needs: control characters but line break and tab, and half characters."""
    return char not in "\n\t" and (unicodedata.category(char) in {"Cc", "Cs"} or char in "\ufffe\uffff")


def _disk_error(exc: OSError) -> NotSent:
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        text = "The website's disk is full; the site stays as it was. Free some space: it is tried again."
        return NotSent("disk_full", text, detail=errno.errorcode[exc.errno])
    if exc.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        text = "The website's folder may not be written to; the site stays as it was. Correct the folder's rights."
        return NotSent("not_writable", text, detail=errno.errorcode[exc.errno])
    name = errno.errorcode.get(exc.errno or 0, type(exc).__name__)
    text = "The website's files could not be written; the site stays as it was. It is tried again."
    return NotSent("disk_error", text, detail=name)
