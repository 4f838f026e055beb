"""The parameters of a `sendsms` request, whichever way they came: query, form, or X-Kannel headers with the text as body.

The headers are those of the user guide's table 7-17. Values stay bytes: only `charset` says what text they are.
"""

from urllib.parse import unquote_to_bytes

from channels.sandbox.exchange import Call

_PREFIX = b"x-kannel-"
#: What a text/plain body is where it does not say (smsbox follows HTTP/1.1 here).
DEFAULT_CHARSET = b"ISO-8859-1"


def parameters_of(call: Call) -> dict[str, bytes]:
    """By their names in a query; the first of a name counts. ValueError for a body of another kind."""
    content_type = call.header(b"content-type")
    kind = content_type.partition(";")[0].strip().lower()
    if call.method != "POST" or not (call.body or kind):
        return _decoded(call.query)
    if kind == "application/x-www-form-urlencoded":
        return _decoded(call.query + b"&" + call.body)
    if kind not in ("text/plain", "application/octet-stream"):
        raise ValueError(kind)
    given = {
        name[len(_PREFIX) :].decode("latin-1"): value.strip()
        for name, value in reversed(call.headers)
        if name.startswith(_PREFIX)
    }
    binary = kind == "application/octet-stream"
    charset = content_type.partition("charset=")[2].partition(";")[0].strip(' "').encode("latin-1")
    return {
        "coding": b"1" if binary else b"0",
        "charset": charset or (b"" if binary else DEFAULT_CHARSET),
        "text": call.body,
        **given,
    }


def _decoded(raw: bytes) -> dict[str, bytes]:
    parameters: dict[str, bytes] = {}
    for part in raw.split(b"&"):
        name, _, value = part.partition(b"=")
        if b"+" in value:
            value = value.replace(b"+", b" ")
        parameters.setdefault(name.decode("latin-1"), unquote_to_bytes(value) if b"%" in value else value)
    return parameters
