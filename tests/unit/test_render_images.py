"""Pictures from anywhere: what is no still picture is refused in words, and of the others only the pixels remain."""

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from broadcaster.domain.errors import Invalid
from broadcaster.domain.media import ImageRules
from broadcaster.render.images import KEPT, MAX_BYTES, MAX_PIXELS, fitted, media_type_of, read_picture
from tests.unit.telling_pictures import (
    BLUE,
    GREEN,
    RAW,
    RED,
    TELLING,
    TYPES,
    WHITE,
    chunk,
    chunks,
    close,
    corner,
    exif,
    file_of,
    icc,
    noise,
    parts_of,
    quarters,
    seen,
    telling_jpeg,
    telling_png,
    telling_webp,
)


@pytest.mark.parametrize("kind", TELLING)
def test_nothing_but_the_picture_survives(kind, subtests):
    content = TELLING[kind]()
    assert RAW in content
    kept = read_picture(content, "map")
    wanted = [ImageRules(most=1, max_bytes=10**6, max_side=20, media_types=(t,)) for t in TYPES]
    for made in (kept, *(fitted(kept, rules) for rules in wanted)):
        with subtests.test(made.media_type):
            assert RAW not in made.content
            for trace in (b"Exif", b"xmpmeta", b"8BIM", b"ICC", b"iCCP", b"Canary", b"2026:11:21"):
                assert trace not in made.content
            allowed = {
                "image/jpeg": {"E0", "DB", "C0", "C2", "C4"},
                "image/png": {"IHDR", "IDAT", "IEND"},
                "image/webp": {"VP8 ", "VP8L"},
            }
            assert parts_of(made.content) <= allowed[made.media_type]
            assert media_type_of(made.content) == made.media_type
            assert seen(made.content).size == (made.width, made.height)
            assert seen(made.content).mode == "RGB"


def test_the_planted_words_are_really_found_by_the_search():
    assert {"E1", "E2", "ED", "FE"} <= {f"{m:02X}" for m in _segments(telling_jpeg())}
    assert {"tEXt", "iTXt", "zTXt", "eXIf", "iCCP", "prVt", "tIME"} <= set(
        chunks(telling_png()[: -len(RAW)], at=8, order=">", tail=4, length_first=True)
    )
    assert {"EXIF", "XMP ", "ICCP"} <= parts_of(telling_webp())


def _segments(content: bytes):
    at = 2
    while content[at + 1] != 0xDA:
        yield content[at + 1]
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_set_upright_as_its_camera_said(kind, orientation):
    source = Image.Exif()
    source[0x0112] = orientation
    content = file_of(quarters(), kind, exif=source.tobytes(), **({"quality": 95} if kind != "PNG" else {}))
    upright = ImageOps.exif_transpose(seen(content)).convert("RGB")
    made = read_picture(content, "photo")
    assert (made.width, made.height) == upright.size == ((60, 40) if orientation < 5 else (40, 60))
    for place in [(3, 3), (made.width - 4, 3), (3, made.height - 4), (made.width - 4, made.height - 4)]:
        assert close(corner(made.content, place), upright.getpixel(place))


def test_colours_are_turned_into_srgb(subtests):
    for kind, more in [("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True})]:
        with subtests.test(kind):
            red = Image.new("RGB", (20, 20), RED)
            assert close(
                corner(read_picture(file_of(red, kind, icc_profile=icc(), **more), "x").content), RED
            )
            made = read_picture(file_of(red, kind, icc_profile=icc(swapped=True), **more), "x")
            assert close(corner(made.content), BLUE)


@pytest.mark.parametrize("profile", [b"", b"no profile", icc()[:200], icc()[:-400]])
def test_a_profile_that_cannot_be_used_is_left_aside(profile):
    made = read_picture(file_of(Image.new("RGB", (20, 20), RED), "PNG", icc_profile=profile), "x")
    assert close(corner(made.content), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_metadata_is_no_reason_to_refuse_a_picture_or_to_warn(kind, recwarn):
    said = exif(6)
    for broken in [said[:-40], said[:14], b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0" + RAW]:
        made = read_picture(file_of(quarters(), kind, exif=broken), "x")
        assert sorted((made.width, made.height)) == [40, 60]
    assert list(recwarn) == []


def test_every_kind_of_pixel_comes_out_as_it_looks(subtests):
    palette = Image.new("P", (20, 20), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    see_through = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    half = Image.new("LA", (20, 20), (0, 128))
    grey16 = Image.frombytes("I;16", (20, 20), struct.pack("<H", 0x8080) * 400)
    cases = {
        "cmyk": (file_of(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG", quality=95), RED),
        "cmyk with a profile for rgb": (
            file_of(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG", quality=95, icc_profile=icc()),
            RED,
        ),
        "grey": (file_of(Image.new("L", (20, 20), 128), "JPEG"), (128,) * 3),
        "one bit": (file_of(Image.new("1", (20, 20), 1)), WHITE),
        "16 bits of grey": (file_of(grey16), (128,) * 3),
        "16 bits with a see-through value": (file_of(grey16, transparency=0x8080), (128,) * 3),
        "palette": (file_of(palette), RED),
        "palette, see-through": (file_of(palette, transparency=1), WHITE),
        "palette, some see-through": (file_of(palette, transparency=b"\x00\x80"), (255, 127, 127)),
        "see-through": (file_of(see_through), WHITE),
        "see-through webp": (file_of(see_through, "WEBP", lossless=True), WHITE),
        "half see-through grey": (file_of(half), (127,) * 3),
        "one see-through colour": (file_of(Image.new("RGB", (20, 20), GREEN), transparency=GREEN), WHITE),
    }
    for name, (content, wanted) in cases.items():
        with subtests.test(name):
            assert close(corner(read_picture(content, "x").content), wanted, by=6)


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, BLUE)]
    return file_of(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def test_what_is_no_still_picture_is_refused_with_what_to_do(subtests):
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    for name, content, said in [
        ("empty", b"", "is empty"),
        ("gif", animated("GIF"), "is a GIF"),
        ("still gif", file_of(quarters(), "GIF"), "is a GIF"),
        ("webp", animated("WEBP"), "is animated"),
        ("apng", animated("PNG"), "is animated"),
        ("svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "a text such as SVG or HTML"),
        ("html", b"\xef\xbb\xbf\n <!doctype html><script>1</script>", "a text such as SVG or HTML"),
        ("heic", heic, "a HEIC photo, as iPhones take"),
        ("pdf", b"%PDF-1.7", "is a PDF"),
        ("tiff", file_of(quarters(), "TIFF"), "is a TIFF"),
        ("bmp", file_of(quarters(), "BMP"), "is a BMP"),
        ("noise", bytes(range(256)), "something else"),
        ("too large", file_of(quarters(), "JPEG") + b"\0" * MAX_BYTES, "larger than 20 MB"),
    ]:
        with subtests.test(name), pytest.raises(Invalid, match=rf"^map\.jpg .*{said}.*try again\.$"):
            read_picture(content, "map.jpg")


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def webp_claiming(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = (
        b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size + b"VP8L" + struct.pack("<I", 4) + b"/\0\0\0"
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_small_file_that_claims_to_be_huge_is_refused_before_it_is_decoded(subtests):
    jpeg = file_of(Image.new("L", (16, 16)), "JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg = jpeg[:at] + struct.pack(">HH", 60_000, 60_000) + jpeg[at + 4 :]
    side = int(MAX_PIXELS**0.5)
    for name, content in [
        ("png", png_claiming(100_000, 100_000)),
        ("png, one row too many", png_claiming(side + 1, side + 1)),
        ("png, between our bound and Pillow's", png_claiming(10_000, 10_000)),
        ("png, wide", png_claiming(2**31 - 1, 1)),
        ("jpeg", jpeg),
    ]:
        with subtests.test(name), pytest.raises(Invalid, match="million that are read") as caught:
            read_picture(content, "bomb.png")
        assert "4,096 pixels" in str(caught.value)
    with pytest.raises(Invalid, match="cannot be read"):
        read_picture(webp_claiming(16_384, 16_384), "bomb.webp")


def test_a_text_that_unpacks_without_end_is_refused():
    body = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 200_000_000, 9))
    plain = file_of(quarters())
    at = plain.index(b"IDAT") - 4
    with pytest.raises(Invalid, match="cannot be read"):
        read_picture(plain[:at] + body + plain[at:], "bomb.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_cut_short_anywhere_is_refused(kind):
    content = file_of(noise(40, 30), kind)
    last = (
        content.index(b"IEND") - 8 if kind == "PNG" else len(content)
    )  # after that a PNG has all its pixels
    for length in range(1, last, max(1, last // 60)):
        with pytest.raises(Invalid, match=r"^flood\.png "):
            read_picture(content[:length], "flood.png")


@settings(max_examples=400)
@given(
    st.sampled_from([*TELLING, "palette", "deep"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    st.booleans(),
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(kind, damage, early):
    others = {
        "palette": lambda: file_of(quarters().quantize(4), transparency=1),
        "deep": lambda: file_of(Image.new("I;16", (20, 20), 700), exif=exif(6)),
    }
    content = bytearray({**TELLING, **others}[kind]())
    for share, value in damage:
        content[int(share * (min(len(content), 700) if early else len(content)))] = value
    try:
        made = read_picture(bytes(content), "x")
    except Invalid:
        return
    assert RAW not in made.content
    assert seen(made.content).size == (made.width, made.height)


def test_a_large_picture_is_kept_with_its_longer_side_at_4096():
    made = read_picture(file_of(Image.new("RGB", (6000, 1500), RED), "JPEG"), "x")
    assert (made.width, made.height, made.media_type) == (4096, 1024, "image/jpeg")
    made = read_picture(file_of(Image.new("L", (30_000, 2)), "PNG"), "x")
    assert (made.width, made.height) == (4096, 1)


def test_a_photo_in_png_that_would_be_too_large_is_kept_as_jpeg():
    kept = read_picture(file_of(noise(300, 200)), "x")
    rules = ImageRules(most=1, max_bytes=len(kept.content) - 1, max_side=KEPT.max_side)
    assert (kept.media_type, fitted(kept, rules).media_type) == ("image/png", "image/jpeg")
    assert (fitted(kept, rules).width, fitted(kept, rules).height) == (300, 200)


def test_what_fits_already_stays_to_the_byte():
    kept = read_picture(file_of(quarters()), "x")
    assert fitted(kept, ImageRules(most=1, max_bytes=len(kept.content), max_side=60)) is kept
    assert fitted(kept, ImageRules(most=1, max_bytes=len(kept.content), max_side=59)) is not kept


def test_it_becomes_what_is_wished_for_most_where_its_own_kind_is_not_taken():
    kept = read_picture(file_of(quarters()), "x")
    for types in [("image/webp", "image/jpeg"), ("image/jpeg", "image/webp")]:
        rules = ImageRules(most=1, max_bytes=10**6, max_side=1000, media_types=types)
        assert fitted(kept, rules).media_type == types[0]


def test_what_cannot_be_made_small_enough_is_said():
    with pytest.raises(Invalid, match="as small as 20 bytes"):
        fitted(read_picture(file_of(quarters()), "x"), ImageRules(most=1, max_bytes=20, max_side=1000))


@settings(max_examples=60)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(2_000, 30_000),
    st.integers(8, 100),
    st.permutations(TYPES),
    st.integers(1, 3),
)
def test_whatever_the_rules_say_is_kept_and_the_same_picture_makes_the_same_bytes(
    width, height, max_bytes, max_side, types, count
):
    rules = ImageRules(most=1, max_bytes=max_bytes, max_side=max_side, media_types=tuple(types[:count]))
    kept = read_picture(file_of(noise(width, height)), "x")
    made = fitted(kept, rules)
    assert len(made.content) <= max_bytes
    assert made.media_type in rules.media_types
    assert seen(made.content).size == (made.width, made.height)
    assert max(made.width, made.height) <= max_side
    if min(made.width, made.height) >= 8:
        assert made.width / made.height == pytest.approx(width / height, rel=0.2)
    assert fitted(kept, rules) == made
    assert read_picture(file_of(noise(width, height)), "x") == kept
