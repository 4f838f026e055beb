"""Pictures: read without trusting them, stripped of all that is not picture, and made to what a platform takes.

Whatever comes out was encoded anew from bare pixels, so that nothing the file said beside the picture (where it was
taken, with which phone, by whom, a smaller copy of what was cut away) can leave with it. The same bytes in give the same
bytes out. Knows no message and no database.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image, ImageCms
from PIL.ExifTags import Base
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from broadcaster.domain.errors import Invalid
from broadcaster.domain.media import ImageRules

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000  # a phone's best is 48 or 50 million; decoded they take 4 bytes each
#: What is kept of a picture, for whatever channel is added later: no platform shows more than 4,096 pixels a side.
KEPT = ImageRules(most=1, max_bytes=10_000_000, max_side=4096)

_JPEG, _PNG, _WEBP = "image/jpeg", "image/png", "image/webp"
_READERS: Mapping[str, type[ImageFile]] = {_JPEG: JpegImageFile, _PNG: PngImageFile, _WEBP: WebPImageFile}
#: Colours at full resolution: red lines and letters on a map are blurred otherwise. Neither `optimize` nor `progressive`:
#: with either Pillow wants the whole file in a buffer that it guesses too small for grainy photos, and fails.
_JPEG_WAYS = tuple({"quality": quality, "subsampling": 0} for quality in (95, 88, 80))
_WAYS: Mapping[str, tuple[Mapping[str, object], ...]] = {
    _JPEG: _JPEG_WAYS,
    _PNG: ({},),
    _WEBP: ({"quality": 90, "method": 4}, {"quality": 80, "method": 4}),
}
_SHRINKING = (1.0, 0.8, 0.65, 0.5, 0.35, 0.25, 0.15, 0.1)
#: All that Pillow raises for files that are broken or made to break it; a test tries thousands.
_BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, AttributeError,
    struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_TURNS: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF 2.32, Orientation
#: What people attach by mistake, by how it begins.
_OTHERS = (
    (b"GIF8", 0, "a GIF"),
    (b"ftyphei", 4, "a HEIC photo, as iPhones take them"),
    (b"ftypmif1", 4, "a HEIC photo, as iPhones take them"),
    (b"ftypavif", 4, "an AVIF picture"),
    (b"%PDF", 0, "a PDF"),
    (b"BM", 0, "a BMP picture"),
    (b"II*\0", 0, "a TIFF picture"),
    (b"MM\0*", 0, "a TIFF picture"),
    (b"<", 0, "a text such as SVG or HTML"),
)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A picture of bare pixels, in sRGB and the right way up; sides in pixels."""

    content: bytes = field(repr=False)
    media_type: str
    width: int
    height: int


def read_picture(content: bytes, name: str) -> Made:
    """What is kept of a file that somebody chose: at most 4,096 pixels a side and 10 MB.

    Invalid, beginning with `name`, for what is not a still JPEG, PNG or WebP of at most 20 MB and 50 million pixels.
    """
    if len(content) > MAX_BYTES:
        raise Invalid(f"{name} is larger than {MAX_BYTES // 1_000_000} MB. Save it smaller and try again.")
    media_type = media_type_of(content)
    if not media_type:
        raise Invalid(f"{name} is {_what(content)}. Save it as JPEG or PNG and try again.")
    try:
        with warnings.catch_warnings(action="ignore"):  # about metadata, of which nothing is kept
            image = _READERS[media_type](BytesIO(content))
            _refuse_by_header(image, name)
            pixels = _pixels(image)
    except _BROKEN as error:
        raise Invalid(
            f"{name} is damaged or cut short and cannot be read as a picture. Copy or save it again and try again."
        ) from error
    return _encoded(pixels, KEPT, first=media_type)


def fitted(kept: Made, rules: ImageRules) -> Made:
    """The picture for a platform with these rules: as it is where it fits, otherwise made anew.

    It stays what it is where that is taken (a map in PNG keeps its sharp lines), else it becomes what is wished for
    most. Quality goes down before size does. Invalid where nothing that fits can be made of it.
    """
    same = kept.media_type in rules.media_types and max(kept.width, kept.height) <= rules.max_side
    if same and len(kept.content) <= rules.max_bytes:
        return kept
    image = _READERS[kept.media_type](BytesIO(kept.content))
    return _encoded(_bare(image), rules, first=kept.media_type)


def media_type_of(content: bytes) -> str:
    """By how it begins, never by its name; empty for what is none of the three."""
    if content.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    return _WEBP if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else ""


def _what(content: bytes) -> str:
    if not content:
        return "empty"
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    known = [what for mark, at, what in _OTHERS if start[at:].startswith(mark)]
    return f"{known[0] if known else 'something else'}, and not a JPEG, PNG or WebP picture, whatever its name says"


def _refuse_by_header(image: ImageFile, name: str) -> None:
    """Before anything is decoded: a small file can claim to be of many gigabytes."""
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise Invalid(
            f"{name} has {image.width:,} x {image.height:,} pixels, more than the {MAX_PIXELS // 1_000_000} million that "
            f"are read. Save it with at most {KEPT.max_side:,} pixels on its longer side and try again."
        )
    if getattr(image, "is_animated", False):
        raise Invalid(
            f"{name} is animated, and some platforms would show one moment of it only. Save the moment that matters as "
            "JPEG or PNG and try again."
        )


def _pixels(image: ImageFile) -> Image.Image:
    """Decoded, no larger than what is kept, on white, in sRGB, upright."""
    image.load()
    profile, turn = image.info.get("icc_profile"), _turn(image)
    small = _shrunk(_on_white(image), KEPT.max_side)
    coloured = _in_srgb(small, profile)
    return _bare(coloured if turn is None else coloured.transpose(turn))


def _turn(image: ImageFile) -> Image.Transpose | None:
    """How to set it upright. Unreadable metadata says nothing and is no reason to refuse the picture."""
    try:
        return _TURNS.get(image.getexif().get(Base.Orientation))
    except _BROKEN:
        return None


def _on_white(image: Image.Image) -> Image.Image:
    """Without transparency: a dark screen behind a transparent map would swallow its black letters."""
    if image.mode.startswith("I"):  # 16 bits of grey; Pillow's own way to 8 turns nearly all of it white
        grey = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        return _bare(grey)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        return white.convert("RGB")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Without its profile a photo of a modern phone would look pale. A profile that does not fit is left aside."""
    if profile:
        try:
            found = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, found, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, *_BROKEN):
            pass
        else:
            assert converted
            return converted
    return image.convert("RGB")


def _bare(image: Image.Image) -> Image.Image:
    """The pixels and nothing else: Pillow carries comments and profiles along with an image, and writes them."""
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    return bare


def _shrunk(image: Image.Image, max_side: int) -> Image.Image:
    longest = max(image.size)
    if longest <= max_side:
        return image
    width, height = (max(1, round(side * max_side / longest)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _encoded(image: Image.Image, rules: ImageRules, *, first: str) -> Made:
    for sized, media_type, way in _candidates(image, rules, first=first):
        buffer = BytesIO()
        sized.save(buffer, format=media_type.removeprefix("image/"), **way)
        if buffer.tell() <= rules.max_bytes:
            return Made(
                content=buffer.getvalue(), media_type=media_type, width=sized.width, height=sized.height
            )
    raise Invalid(f"The picture cannot be made as small as {rules.max_bytes:,} bytes. Choose another one.")


def _candidates(
    image: Image.Image, rules: ImageRules, *, first: str
) -> Iterator[tuple[Image.Image, str, Mapping[str, object]]]:
    """What may be tried, the best first."""
    types = sorted(rules.media_types, key=lambda media_type: media_type != first)
    side = min(max(image.size), rules.max_side)
    for share in _SHRINKING:
        sized = _shrunk(image, max(1, round(side * share)))
        for media_type in types:
            for way in _WAYS[media_type]:
                yield sized, media_type, way
