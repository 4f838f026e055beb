"""A message's pictures: checked, stripped, and made to each chosen platform's size before anybody approves them.

Decoding takes seconds and a database may have one writer at a time: pictures are made ready first, without a
transaction, and written down in the transaction that writes the version.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from broadcaster.db import media
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Version, VersionImage
from broadcaster.domain.canonical import sha256
from broadcaster.domain.checks.finding import Finding
from broadcaster.domain.checks.images import check_images, check_shown
from broadcaster.domain.errors import Invalid
from broadcaster.domain.media import MAX_ALT_CHARS, Image, ImageRules
from broadcaster.render.images import Made, fitted, read_picture
from channels.base import Channel, ShowsImages

MAX_IMAGES = 10  # nobody reads an eleventh; X shows 4
_MAX_NAME = 60


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A picture as an officer gives it: a file's name and content, and what it shows in words (may still be missing)."""

    name: str
    content: bytes = field(repr=False)
    alt: str = ""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Pictures that are ready to be written down: what is kept of each, by its digest, and what was made of it."""

    images: tuple[VersionImage, ...] = ()
    kept: Mapping[str, Made] = field(default_factory=dict)
    renditions: Mapping[tuple[str, str], Made] = field(default_factory=dict)  # (digest, digest of the rules)


def image_rules(configured: Mapping[str, Channel], accounts: Iterable[str]) -> dict[str, ImageRules]:
    """By the channels' titles, of those of these accounts that show pictures."""
    chosen = (configured[name] for name in accounts if name in configured)
    return {channel.title: channel.image_rules for channel in chosen if isinstance(channel, ShowsImages)}


def image_findings(version: Version, rules: Mapping[str, ImageRules]) -> tuple[Finding, ...]:
    """What stands against the pictures of a version: their alt texts, and pictures that are not shown everywhere.

    `rules` by the title of each chosen channel that shows pictures.
    """
    max_chars = min((each.max_alt_chars for each in rules.values()), default=MAX_ALT_CHARS)
    most = {title: each.most for title, each in rules.items()}
    alts = check_images(version.images, max_chars=max_chars)
    return (*alts, *check_shown(version.images, most))


def ready(given: Sequence[Attached], wanted: Collection[ImageRules]) -> Ready:
    """What an officer attached, for channels with these rules. Takes seconds: not within a transaction.

    Invalid, with everything that is wrong with each picture, where one cannot be used.
    """
    _refuse_too_many(given)
    kept, images, problems = {}, [], []
    for each in given:
        name = shown_name(each.name)
        try:
            made = read_picture(each.content, name)
        except Invalid as problem:
            problems.append(problem.text)
            continue
        digest = _digest(made)
        kept[digest] = made
        images.append(VersionImage(sha256=digest, alt=_text(each.alt, name), name=name))
    if problems:
        raise Invalid("The pictures cannot be used. Nothing was changed.", details=tuple(problems))
    return Ready(images=tuple(images), kept=kept, renditions=_renditions(kept, wanted))


def ready_again(
    images: Sequence[VersionImage], kept: Mapping[str, Made], wanted: Collection[ImageRules]
) -> Ready:
    """Pictures that are stored already, of which `unmade` said that renditions are missing. Takes seconds."""
    return Ready(images=tuple(images), kept=kept, renditions=_renditions(kept, wanted))


def unmade(tx: Tx, images: Sequence[VersionImage], wanted: Collection[ImageRules]) -> dict[str, Made]:
    """Those pictures of which something is still to be made for these rules, by their digest.

    Invalid where what was kept of one is gone, or is no longer what it was.
    """
    digests = {rules_digest(rules) for rules in wanted}
    lacking = {
        image.sha256
        for image in images
        if not all(media.rendition_of(tx, image.sha256, digest) for digest in digests)
    }
    contents = media.contents(tx, lacking)
    if lost := [image.name for image in images if image.sha256 in lacking - contents.keys()]:
        raise Invalid(
            f"What was kept of {', '.join(lost)} is gone, or is not what it was. Attach the pictures again. "
            "Nothing was changed."
        )
    return {digest: _made(tx, digest, content) for digest, content in contents.items()}


def keep(tx: Tx, prepared: Ready) -> tuple[VersionImage, ...]:
    """Write down what is ready. In the order of the digests, so that two officers never wait for each other."""
    stored = {
        digest: media.ensure(
            tx, content=made.content, media_type=made.media_type, width=made.width, height=made.height
        )
        for digest, made in sorted(_all(prepared).items())
    }
    for (original, rules), made in sorted(prepared.renditions.items(), key=lambda item: item[0]):
        media.set_rendition(tx, stored[original], rules, stored[_digest(made)])
    return prepared.images


def images_of(tx: Tx, version: Version, rules: ImageRules) -> tuple[Image, ...]:
    """The pictures of a version as a channel with these rules sends them, without their bytes: at most as many as it shows.

    Invalid where none was made for these rules: they have changed since, with a newer program.
    """
    images = version.images[: rules.most]
    found = [(image, media.rendition_of(tx, image.sha256, rules_digest(rules))) for image in images]
    if lost := [image.name for image, made in found if made is None]:
        raise Invalid(
            f"The chosen channels take other pictures than when {', '.join(lost)} was attached. Edit the message, which "
            "makes them anew, or attach the pictures again."
        )
    return tuple(
        Image(
            sha256=made.sha256,
            media_type=made.media_type,
            width=made.width,
            height=made.height,
            size=made.size,
            alt=image.alt,
        )
        for image, made in found
        if made
    )


def with_alts(images: Sequence[VersionImage], alts: Sequence[str]) -> tuple[VersionImage, ...]:
    """The same pictures with other alt texts, from the first on. Invalid where there are fewer pictures than texts."""
    if len(alts) > len(images):
        has = f"{len(images)} picture{'' if len(images) == 1 else 's'}" if images else "no picture"
        given = f"{len(alts)} alt text{' was' if len(alts) == 1 else 's were'}"
        raise Invalid(f"The message has {has}, and {given} given. Nothing was changed.")
    told = [replace(image, alt=_text(alt, image.name)) for image, alt in zip(images, alts, strict=False)]
    return (*told, *images[len(told) :])


def rules_digest(rules: ImageRules) -> str:
    """The same for rules that ask for the same bytes: how many pictures are shown changes none of them."""
    return sha256(
        {
            "max_bytes": rules.max_bytes,
            "max_side": rules.max_side,
            "media_types": list(rules.media_types),
        }
    )


def shown_name(name: str) -> str:
    """A file's name as it may be stored and shown: printable, and not too long."""
    return "".join(char if char.isprintable() else "?" for char in name)[:_MAX_NAME]


def _refuse_too_many(given: Sequence[Attached]) -> None:
    if len(given) > MAX_IMAGES:
        raise Invalid(
            f"{len(given)} pictures were given; {MAX_IMAGES} are the most. Choose those that help people act. "
            "Nothing was changed."
        )


def _text(alt: str, name: str) -> str:
    try:
        alt.encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid(
            f"The alt text of {name} is not UTF-8 text. Type it again. Nothing was changed."
        ) from None
    return alt.strip()


def _renditions(kept: Mapping[str, Made], wanted: Collection[ImageRules]) -> dict[tuple[str, str], Made]:
    by_digest = {rules_digest(rules): rules for rules in wanted}
    return {
        (digest, name): fitted(made, rules)
        for digest, made in kept.items()
        for name, rules in by_digest.items()
    }


def _all(prepared: Ready) -> dict[str, Made]:
    made: Iterable[Made] = (*prepared.kept.values(), *prepared.renditions.values())
    return {_digest(each): each for each in made}


def _made(tx: Tx, digest: str, content: bytes) -> Made:
    found = media.by_sha256(tx, digest)
    assert found
    return Made(content=content, media_type=found.media_type, width=found.width, height=found.height)


def _digest(made: Made) -> str:
    return hashlib.sha256(made.content).hexdigest()
