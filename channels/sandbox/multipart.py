"""Reads a multipart/form-data body (RFC 7578), byte for byte. Knows no platform."""

from collections.abc import Iterator
from email.message import Message
from typing import NamedTuple

from channels.sandbox.exchange import Call


class Part(NamedTuple):
    """One field. `filename` is empty where it is no file."""

    name: str
    filename: str
    media_type: str
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def is_multipart(call: Call) -> bool:
    return call.header(b"content-type").lower().startswith("multipart/form-data")


def parts(call: Call) -> list[Part]:
    """The fields in their order. ValueError for a body that is none, or is cut off."""
    header = Message()
    header["Content-Type"] = call.header(b"content-type")
    boundary = header.get_param("boundary")
    if not (isinstance(boundary, str) and boundary):
        raise ValueError("The Content-Type names no boundary.")
    return list(_parts(b"\r\n" + call.body, b"\r\n--" + boundary.encode("latin-1", "replace")))


def _parts(body: bytes, delimiter: bytes) -> Iterator[Part]:
    _, *sections = body.split(delimiter)
    if not sections or not sections[-1].startswith(b"--"):
        raise ValueError("The body has no end.")
    for section in sections[:-1]:
        head, found, content = section.partition(b"\r\n\r\n")
        if not found:
            raise ValueError("A part has no headers.")
        yield _part(head, content)


def _part(head: bytes, content: bytes) -> Part:
    headers = Message()
    for line in head.strip().split(b"\r\n"):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        headers[name.strip()] = value.strip()
    given = {key: headers.get_param(key, "", "content-disposition") for key in ("name", "filename")}
    if not given["name"]:
        raise ValueError("A part has no name.")
    return Part(
        name=str(given["name"]),
        filename=str(given["filename"]),
        media_type=headers.get_content_type() if "content-type" in headers else "",
        content=content,
    )
