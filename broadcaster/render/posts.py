"""Facts into posts: one layout per channel, words for the times, and the words of an exercise.

What officers typed is data for the layouts and never a layout itself. Nothing here knows what fits on a platform.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.message import Facts, Mode
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.post import Post
from broadcaster.domain.times import time_in_words
from broadcaster.render.punctuation import full_stop, plain_punctuation

REPLIES = "We may not see replies. In danger call 999."

_LANGUAGES = ("en",)  # the fixed words of the layouts
_SHORT = frozenset({"x", "sms"})  # every character counts there
_PLAIN = frozenset({"sms"})  # one curly quote would make every text message cost more than twice as much
_PUBLISHED = (
    "event", "headline", "severity", "urgency", "certainty", "area", "instruction",
    "starts", "expires", "source", "details", "contact",
)  # fmt: skip


class Renderer:
    """Holds the layouts; made once per process. `replies` is said where a platform lets people answer."""

    def __init__(self, *, replies: str = REPLIES) -> None:
        self._replies = replies
        self._layouts = SandboxedEnvironment(
            loader=FunctionLoader(_layout),
            undefined=StrictUndefined,
            autoescape=False,  # posts are plain text; HTML is made, and escaped, by whoever shows them
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._layouts.filters["full_stop"] = full_stop

    def render(
        self,
        facts: Facts,
        *,
        channel: str,
        account: str,
        reference: str,
        link: str,
        mode: Mode,
        language: str = "en",
        zone: ZoneInfo,
    ) -> Post:
        """The post for this channel, late slots still open; it may be too long for the platform.

        NotFound for a channel or language without a layout; Invalid for facts with late-slot marks in them.
        """
        _known("layout for the channel", channel, _channels())
        _known("layout in the language", language, _LANGUAGES)
        if channel in _PLAIN:
            facts = _in_plain_punctuation(facts)
        refuse_late_slot_marks(facts, reference=reference, link=link, replies=self._replies)
        text = self._layouts.get_template(channel).render(
            facts=facts,
            starts=_words(facts.starts, zone, channel),
            expires=_words(facts.expires, zone, channel),
            reference=reference,
            link=link,
            exercise=mode is Mode.EXERCISE,
            replies=self._replies,
        )
        title = _title(facts.headline, mode)
        return Post(
            channel=channel,
            account=account,
            language=language,
            title=title,
            text=_framed(text.strip("\n"), channel, mode),
            link=link,
            facts=_published(replace(facts, headline=title), channel=channel, reference=reference),
        )


def refuse_late_slot_marks(facts: Facts, **others: str) -> None:
    """Raises Invalid where `((` or `))` stands in anything but a layout: filling the late slots would change it."""
    texts = {**facts.to_json(), **others}
    wrong = [name for name, text in texts.items() if "((" in text or "))" in text]
    if wrong:
        raise Invalid(
            "Double round brackets are kept for what is filled in at sending.",
            details=tuple(f"{name}: has (( or )) in it; use single brackets" for name in wrong),
        )


def _title(headline: str, mode: Mode) -> str:
    return f"EXERCISE: {headline} - EXERCISE" if mode is Mode.EXERCISE else headline


def _framed(text: str, channel: str, mode: Mode) -> str:
    """Not left to the layouts, so that no layout can forget it."""
    if mode is not Mode.EXERCISE:
        return text
    if channel in _SHORT:
        return f"EXERCISE - drill, no action needed\n{text}\nEXERCISE"
    return f"EXERCISE - this is a drill, no action needed\n\n{text}\n\nEXERCISE"


def _published(facts: Facts, *, channel: str, reference: str) -> Mapping[str, str]:
    if channel == "sms":
        return {"expires": facts.expires}  # the validity period that the gateway is told
    if channel != "website":
        return {}
    content = facts.to_json()
    chosen = {"reference": reference} | {name: content[name] for name in _PUBLISHED}
    return {name: value for name, value in chosen.items() if value}


def _in_plain_punctuation(facts: Facts) -> Facts:
    return Facts.from_json({name: plain_punctuation(text) for name, text in facts.to_json().items()})


def _words(moment: str, zone: ZoneInfo, channel: str) -> str:
    return time_in_words(datetime.fromisoformat(moment).astimezone(zone), short=channel in _SHORT)


def _channels() -> list[str]:
    return sorted(
        f.name.removesuffix(".j2") for f in files("templates.posts").iterdir() if f.name.endswith(".j2")
    )


def _known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise NotFound(f'There is no {what} "{name}".{did_you_mean(name, known)}')


def _layout(channel: str) -> str:
    return (files("templates.posts") / f"{channel}.j2").read_text(encoding="utf-8")
