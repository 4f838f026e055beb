"""Facts into posts: one layout per channel, words for the times, and the words of an exercise.

What officers typed is data for the layouts and never a layout itself. Nothing here knows what fits on a platform:
a `Room` is asked.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, cached_property
from importlib.resources import files
from zoneinfo import ZoneInfo

from jinja2 import FunctionLoader, StrictUndefined, Template
from jinja2.environment import TemplateModule
from jinja2.sandbox import SandboxedEnvironment

from broadcaster.domain.blanks import has_brackets
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.media import Image
from broadcaster.domain.message import Facts, Mode
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.post import SEQUENCES, Post
from broadcaster.domain.times import time_in_words
from broadcaster.domain.tongues import SEVERAL, TONGUES, Tongue
from broadcaster.render.fitting import Block, Room, fitted, parts_of
from broadcaster.render.punctuation import Replaced, full_stop, plain_punctuation, replaced, single_spaced

BETWEEN = "\n\n\u2022 \u2022 \u2022\n\n"  # two languages in one post

_SHORT = frozenset({"x", "sms"})  # every character counts there
_PLAIN = frozenset({"sms"})  # one curly quote would make every text message cost more than twice as much
_TOLD = ("headline", "area", "instruction", "details", "contact", "source")  # in the officer's words
_PUBLISHED = (
    "event", "headline", "severity", "urgency", "certainty", "area", "instruction",
    "starts", "expires", "source", "details", "contact",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Story:
    """Of a message that follows another one: the sentence that names it, the reference of the page that both are on, and
    why it follows it."""

    lead: str = ""
    page: str = ""
    purpose: str = ""
    leads: Mapping[str, str] = field(default_factory=dict)  #: the same sentence in other languages


class Renderer:
    """`replies` is said where a platform lets people answer; else what each language has for it."""

    def __init__(self, *, replies: str = "") -> None:
        self._replies = replies

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
        images: tuple[Image, ...] = (),
        room: Room | None = None,
        story: Story | None = None,
    ) -> Post:
        """The post for this channel, late slots still open, with as many facts as there is `room` for.

        It may still be too long: what must be kept is never cut, and the channel's check says so. Without a `room`
        everything fits. NotFound for a channel or language without a layout; Invalid for facts with late-slot marks.
        """
        _known("layout for the channel", channel, _channels())
        _known("layout in the language", language, TONGUES)
        facts, tongue = as_written(facts, channel), TONGUES[language]
        replies = self._replies or tongue.replies
        refuse_late_slot_marks(facts, reference=reference, link=link, replies=replies)
        rendering = _Rendering(
            layout=_layouts().get_template(channel),
            facts=facts,
            post=Post(
                channel=channel,
                account=account,
                language=language,
                title=_title(facts.headline, mode),
                text="",
                link=link,
                images=_marked(images, mode),
            ),
            mode=mode,
            reference=reference,
            zone=zone,
            replies=replies,
            story=story or Story(),
            tongue=tongue,
        )
        return rendering.fitted(room or Room())


@dataclass(frozen=True, kw_only=True)
class _Rendering:
    """One post in the making: a layout and what is filled into it, `post` being all but its texts."""

    layout: Template
    facts: Facts
    post: Post
    mode: Mode
    reference: str
    zone: ZoneInfo
    replies: str
    story: Story
    tongue: Tongue

    def fitted(self, room: Room) -> Post:
        post = fitted(self._whole, self._droppable(room.kept), room)
        if room.max_parts == 1 or room.fits(post.at_widest()):
            return post
        return self._thread(room)

    def _thread(self, room: Room) -> Post:
        """What must be kept, and of the rest what needs no further part."""
        left_out = self._droppable(room.kept)
        thread = self._parts(left_out, room)
        least = room.cost(thread.at_widest())
        for name in reversed(left_out):
            longer = self._parts(tuple(each for each in thread.left_out if each != name), room)
            widest = longer.at_widest()
            if len(longer.parts) <= len(thread.parts) and room.fits(widest) and room.cost(widest) <= least:
                thread = longer
        return thread

    def _droppable(self, kept: Collection[str]) -> tuple[str, ...]:
        """Facts that may be left out, in their order; not those that are empty anyway."""
        given = self.facts.to_json()
        return tuple(n for n in self._declared("droppable") if given[n] and n not in kept)

    def _declared(self, name: str) -> tuple[str, ...]:
        """What the layout itself says of its facts and blocks; empty where it says nothing."""
        return tuple(getattr(self._module, name, ()))

    @cached_property
    def _module(self) -> TemplateModule:
        return self.layout.make_module(self._values())

    def _values(self, left_out: Collection[str] = ()) -> dict[str, object]:
        return {
            "facts": _changed(self.facts, dict.fromkeys(left_out, "")),
            "period": self._period(),
            "words": self.tongue,
            "sequence": SEQUENCES[self.tongue.code].mark,
            "reference": self.reference,
            "link": self.post.link,
            "exercise": self.mode is Mode.EXERCISE,
            "replies": self.replies,
            "lead": self.story.leads.get(self.tongue.code, self.story.lead),
        }

    def _period(self) -> str:
        """Since when and until when, shortly where every character counts."""
        short = self.post.channel in _SHORT
        starts, expires = (
            _words(moment, self.zone, self.tongue, short=short)
            for moment in (self.facts.starts, self.facts.expires)
        )
        pattern = self.tongue.period_short if short else self.tongue.period
        return pattern.format(starts=starts, expires=expires)

    def _whole(self, left_out: tuple[str, ...]) -> Post:
        text = self.layout.render(self._values(left_out)).strip("\n")
        return self._with_texts((_framed(text, self.post.channel, self.mode, self.tongue),), left_out)

    def _parts(self, left_out: tuple[str, ...], room: Room) -> Post:
        values = self._values(left_out)
        head, foot = (str(getattr(self._module, name)) for name in ("head", "foot"))
        first, then = self._declared("first"), self._declared("then")
        texts = {
            name: "".join(self.layout.blocks[name](self.layout.new_context(values))).strip("\n")
            for name in (*first, *then)
        }
        blocks = [Block(text=text, first=name in first) for name, text in texts.items() if text]

        def part(text: str, no: int, of: int) -> str:
            lines = [text] if no == 1 else [head, text, foot]
            number = f"{no}/{of}" if of > 1 else ""
            return _framed("\n".join(lines), self.post.channel, self.mode, self.tongue, number=number)

        def fits(text: str) -> bool:
            return room.fits(replace(self.post, text=text).at_widest())

        return self._with_texts(parts_of(blocks, part=part, fits=fits, most=room.max_parts), left_out)

    def _with_texts(self, texts: Sequence[str], left_out: tuple[str, ...]) -> Post:
        published = _changed(self.facts, {"headline": self.post.title, **dict.fromkeys(left_out, "")})
        return replace(
            self.post,
            text=texts[0],
            further=tuple(texts[1:]),
            left_out=left_out,
            facts=_published(
                published, channel=self.post.channel, reference=self.reference, story=self.story
            ),
        )


def as_written(facts: Facts, channel: str) -> Facts:
    """The facts in the characters in which this channel carries them."""
    if channel not in _PLAIN:
        return facts
    return Facts.from_json(
        {name: single_spaced(plain_punctuation(text)) for name, text in facts.to_json().items()}
    )


def changed_for(facts: Facts, post: Post) -> list[Replaced]:
    """What the post says in other characters than the officer typed; spaces that nobody sees are not told."""
    if post.channel not in _PLAIN:
        return []
    written = facts.to_json()
    return replaced("\n".join(written[name] for name in _TOLD if name not in post.left_out))


def _changed(facts: Facts, texts: Mapping[str, str]) -> Facts:
    return Facts.from_json({**facts.to_json(), **texts})


def refuse_late_slot_marks(facts: Facts, **others: str) -> None:
    """Raises Invalid where `((` or `))` stands in anything but a layout: filling the late slots would change it."""
    texts = {**facts.to_json(), **others}
    wrong = [name for name, text in texts.items() if has_brackets(text)]
    if wrong:
        raise Invalid(
            "Double round brackets are kept for what is filled in at sending.",
            details=tuple(f"{name}: has (( or )) in it; use single brackets" for name in wrong),
        )


def _title(headline: str, mode: Mode) -> str:
    return f"EXERCISE: {headline} - EXERCISE" if mode is Mode.EXERCISE else headline


def _marked(images: tuple[Image, ...], mode: Mode) -> tuple[Image, ...]:
    """In an exercise their alt texts say so too: to whoever hears a picture it may be all that there is."""
    if mode is not Mode.EXERCISE:
        return images
    return tuple(replace(each, alt=f"EXERCISE: {each.alt} - EXERCISE") for each in images)


def _framed(text: str, channel: str, mode: Mode, tongue: Tongue, *, number: str = "") -> str:
    """With the words of an exercise and the part's number. Not left to the layouts, so that no layout can forget it;
    around each part of a thread, since any of them may be seen alone.
    """
    if mode is not Mode.EXERCISE:
        return "\n".join(filter(None, (text, number)))
    if channel in _SHORT:
        return f"{tongue.drill_short}\n{text}\n{' '.join(filter(None, (number, 'EXERCISE')))}"
    return f"{tongue.drill}\n\n{text}\n\nEXERCISE"


def _published(facts: Facts, *, channel: str, reference: str, story: Story) -> Mapping[str, str]:
    if channel == "sms":
        return {"expires": facts.expires}  # the validity period that the gateway is told
    if channel != "website":
        return {}
    content = facts.to_json()
    chosen = {"reference": reference} | {name: content[name] for name in _PUBLISHED}
    chosen |= {"page": story.page, "purpose": story.purpose}
    return {name: value for name, value in chosen.items() if value}


def _compact(text: str) -> str:
    return re.sub(r"\n{2,}", "\n", text)


def _words(moment: str, zone: ZoneInfo, tongue: Tongue, *, short: bool) -> str:
    return time_in_words(datetime.fromisoformat(moment).astimezone(zone), short=short, tongue=tongue)


def together(posts: Sequence[Post], fits: Callable[[Post], bool]) -> Post | None:
    """One post that says the same in each language, one after the other; None where it does not fit whole, or one of them would
    have to be a thread or to leave something out."""
    first = posts[0]
    texts = [post.text for post in posts]
    made = replace(
        first, language=SEVERAL, text=BETWEEN.join(texts), title=" / ".join(p.title for p in posts)
    )
    whole = not any(post.further or post.left_out for post in posts)
    return made if whole and fits(made.at_widest()) else None


def _channels() -> list[str]:
    return sorted(
        f.name.removesuffix(".j2") for f in files("templates.posts").iterdir() if f.name.endswith(".j2")
    )


def _known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise NotFound(f'There is no {what} "{name}".{did_you_mean(name, known)}')


@cache
def _layouts() -> SandboxedEnvironment:
    """Once per process: what it has compiled it keeps."""
    layouts = SandboxedEnvironment(
        loader=FunctionLoader(_layout),
        undefined=StrictUndefined,
        autoescape=False,  # posts are plain text; HTML is made, and escaped, by whoever shows them
        trim_blocks=True,
        lstrip_blocks=True,
    )
    layouts.filters["full_stop"] = full_stop
    layouts.filters["compact"] = _compact
    return layouts


def _layout(channel: str) -> str:
    return (files("templates.posts") / f"{channel}.j2").read_text(encoding="utf-8")
