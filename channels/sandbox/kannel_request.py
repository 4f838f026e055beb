"""The parameters of a `sendsms` request: a query with GET, X-Kannel headers with the text as body with POST.

The headers are those of the user guide's table 7-17. Values stay bytes: only `charset` says what text they are.
"""

from urllib.parse import unquote_to_bytes

from channels.sandbox.exchange import Call
from channels.sandbox.ledger import Entry

_PREFIX = b"x-kannel-"
#: What a text/plain body is where it does not say (smsbox follows HTTP/1.1 here).
DEFAULT_CHARSET = b"ISO-8859-1"


def parameters_of(call: Call) -> dict[str, bytes]:
    """By their names in a query; the first of a name counts. ValueError for a body of another kind, such as a form.

    As smsbox 1.4.5 does it (tried): a POST's query is not read, and neither is X-Kannel-Charset, because the
    Content-Type has the last word on the body.
    """
    if call.method != "POST":
        return _decoded(call.query)
    content_type = call.header(b"content-type") or "application/octet-stream"
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("text/plain", "application/octet-stream"):
        raise ValueError(kind)
    binary = kind == "application/octet-stream"
    charset = content_type.partition("charset=")[2].partition(";")[0].strip(' "').encode("latin-1")
    given = {
        name[len(_PREFIX) :].decode("latin-1"): value.strip()
        for name, value in reversed(call.headers)
        if name.startswith(_PREFIX)
    }
    return {
        "coding": b"1" if binary else b"0",
        **given,
        "charset": b"" if binary else charset or DEFAULT_CHARSET,
        "text": call.body,
    }


def sender_of(entry: Entry) -> str:
    """Whom a telephone shows as the sender of a text that was accepted; nothing where smsbox has to know."""
    return parameters_of(Call.recorded(entry)).get("from", b"").decode("utf-8", "replace")


def _decoded(raw: bytes) -> dict[str, bytes]:
    parameters: dict[str, bytes] = {}
    for part in raw.split(b"&"):
        name, _, value = part.partition(b"=")
        if b"+" in value:
            value = value.replace(b"+", b" ")
        parameters.setdefault(name.decode("latin-1"), unquote_to_bytes(value) if b"%" in value else value)
    return parameters
