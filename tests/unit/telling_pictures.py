"""Pictures made for a test: of known colours, of noise, and such as tell in every way that their format has."""

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

MARK = "Mrs Planted, 4 Canary Row"
RAW = MARK.encode()
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
TYPES = ("image/jpeg", "image/png", "image/webp")


def quarters(width: int = 60, height: int = 40) -> Image.Image:
    """Red and green above, blue and white below: every turn and flip of it looks different."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    """What compresses worst, the same every time."""
    values, state = bytearray(), seed
    for _ in range(width * height):
        state = (state * 1103515245 + 12345) % 2**31
        values += bytes((state >> 8 & 255, state >> 16 & 255, state >> 12 & 255))
    return Image.frombytes("RGB", (width, height), bytes(values))


def file_of(image: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def seen(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def corner(content: bytes, place: tuple[int, int] = (2, 2)) -> tuple[int, ...]:
    return seen(content).getpixel(place)


def close(found: tuple[int, ...], wanted: tuple[int, ...], *, by: int = 12) -> bool:
    return len(found) == len(wanted) and all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def exif(orientation: int = 1) -> bytes:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x013B] = MARK  # Artist
    made[0x0132] = "2026:11:21 03:00:00"
    gps = made.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (53.0, 55.0, 30.0), "W", (3.0, 0.0, 40.0)
    gps[28] = b"ASCII\0\0\0" + RAW  # GPSAreaInformation
    made.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + RAW  # UserComment
    return made.tobytes()


def icc(*, swapped: bool = False) -> bytes:
    """sRGB's profile; or one in which red and blue have changed places."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if swapped:
        made = made.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"????", b"bXYZ", 1)
    return made


def xmp() -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf>{MARK}</rdf></x:xmpmeta>'.encode()


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def telling_jpeg() -> bytes:
    """Tells in every way that a JPEG has, with a thumbnail of its own, a second picture behind it and a last word."""
    plain = file_of(
        quarters(), "JPEG", quality=95, exif=exif(), icc_profile=icc(), comment=RAW, xmp=xmp(), dpi=(300, 300)
    )
    iptc = segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(RAW)) + RAW)
    thumbnail = segment(0xE1, b"Exif\0\0" + RAW + file_of(quarters(8, 8), "JPEG", comment=RAW))
    return plain[:2] + iptc + thumbnail + plain[2:] + file_of(quarters(), "JPEG", comment=RAW) + RAW


def telling_png() -> bytes:
    texts = PngInfo()
    texts.add_text("Author", MARK)
    texts.add_itxt("Comment", MARK)
    texts.add_itxt("XML:com.adobe.xmp", xmp().decode())
    texts.add(b"prVt", RAW)
    plain = file_of(quarters(), "PNG", pnginfo=texts, exif=exif(), icc_profile=icc(), dpi=(300, 300))
    at = plain.index(b"IDAT") - 4
    hidden = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(RAW)) + chunk(b"tIME", b"\x07\xea\x0b\x15\3\0\0")
    return plain[:at] + hidden + plain[at:] + RAW


def telling_webp() -> bytes:
    return file_of(quarters(), "WEBP", lossless=True, exif=exif(), xmp=xmp(), icc_profile=icc()) + b""


def parts_of(content: bytes) -> set[str]:
    """Names of the chunks or segments of a file, in our own reading of the formats."""
    if content.startswith(b"\x89PNG"):
        return set(chunks(content, at=8, order=">", tail=4, length_first=True))
    if content.startswith(b"RIFF"):
        return set(chunks(content, at=12, order="<", tail=0, length_first=False))
    names, at = set(), 2
    while content[at + 1] != 0xDA:
        names.add(f"{content[at + 1]:02X}")
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    assert content.endswith(b"\xff\xd9")
    assert not any(content.count(bytes((0xFF, marker))) for marker in (*range(0xE1, 0xF0), 0xFE))
    return names


def chunks(content: bytes, *, at: int, order: str, tail: int, length_first: bool):
    while at < len(content):
        first, second = content[at : at + 4], content[at + 4 : at + 8]
        name, length = (second, first) if length_first else (first, second)
        size = struct.unpack(f"{order}I", length)[0]
        yield name.decode()
        at += 8 + size + tail + (0 if tail else size % 2)


TELLING = {"jpeg": telling_jpeg, "png": telling_png, "webp": telling_webp}
