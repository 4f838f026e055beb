"""Time stamps of a third party (RFC 3161): the question, and whether an answer is one to it. No input or output."""

import hashlib
from collections.abc import Iterator

from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampTokenInfo,
    decode_timestamp_response,
)

SHA_256 = "2.16.840.1.101.3.4.2.1"
SEQUENCE, CONTEXT_0 = 0x30, 0xA0


class NotStamped(Exception):
    """The authority gave no time stamp that is worth keeping."""


def question(note: bytes) -> TimeStampRequest:
    """With a nonce, and the wish to have the authority's certificates in the answer: whoever checks in ten years needs them."""
    return TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build()


def checked(raw: bytes, asked: TimeStampRequest, note: bytes) -> TimeStampTokenInfo:
    """What the answer says, where it is one to this question about this note; NotStamped otherwise. Whether the authority is
    to be believed is for whoever checks the log, who has its certificates from elsewhere."""
    try:
        answer = decode_timestamp_response(with_certificates_in_order(raw))
        status = PKIStatus(answer.status)
        if status not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
            raise NotStamped(
                f"the authority refused ({status.name.lower()}) {'; '.join(answer.status_string)}"
            )
        said = answer.tst_info
        nonce, imprint = said.nonce, said.message_imprint
    except ValueError as error:
        raise NotStamped(f"the answer is no time stamp: {error}") from error
    if nonce != asked.nonce:
        raise NotStamped("the time stamp answers another question (nonce)")
    right = hashlib.sha256(note).digest()
    if imprint.hash_algorithm.dotted_string != SHA_256 or imprint.message != right:
        raise NotStamped("the time stamp is about something else (imprint)")
    return said


def with_certificates_in_order(raw: bytes) -> bytes:
    """As DER asks for, for reading only. Authorities built on OpenSSL (3.0, read 2026-11) write them as they come, and
    the library, which is strict, would refuse half of them. No signature is over their order."""
    try:
        _, token = _parts(raw, *_inside(raw, 0, SEQUENCE))
        _, content = _parts(raw, *_inside(raw, token[0], SEQUENCE))
        signed = _inside(raw, _inside(raw, content[0], CONTEXT_0)[0], SEQUENCE)
        place = list(_parts(raw, *signed))[3]
        start, end = _inside(raw, place[0], CONTEXT_0)
        certificates = sorted(raw[a:b] for a, b in _parts(raw, start, end))
    except (ValueError, IndexError):
        return raw  # it is something else, and the library says what
    return raw[:start] + b"".join(certificates) + raw[end:]


def _inside(raw: bytes, at: int, tag: int) -> tuple[int, int]:
    """From where to where the content of the element at this place goes; ValueError for another kind of element."""
    if raw[at] != tag:
        raise ValueError(f"element {raw[at]:#x} instead of {tag:#x}")
    return _content(raw, at)


def _content(raw: bytes, at: int) -> tuple[int, int]:
    length, start = raw[at + 1], at + 2
    if length >= 0x80:
        start += length & 0x7F
        length = int.from_bytes(raw[at + 2 : start], "big")
    if start + length > len(raw):
        raise ValueError("cut off")
    return start, start + length


def _parts(raw: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    while at < end:
        _, after = _content(raw, at)
        yield at, after
        at = after
