"""Graph's manners, apart from what a page is: parameters, credentials, fields, errors and usage headers."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from channels.sandbox.exchange import Answer, Call, Said
from channels.sandbox.multipart import is_multipart, parts

#: This stand-in has no limit of its own, so its usage stays low; the fault "429" shows what being over it looks like.
USAGE = {"call_count": 1, "total_time": 1, "total_cputime": 1}
USED_UP = {"call_count": 100, "total_time": 40, "total_cputime": 25}


@dataclass(frozen=True, kw_only=True)
class Photo:
    """`post_id` is the post that shows it, or empty. The bytes are in the media store, under `sha256`."""

    id: str
    sha256: str
    width: int
    height: int
    alt: str
    message: str
    created: datetime
    post_id: str = ""

    def fields(self) -> dict[str, Any]:
        told = {
            "id": self.id,
            "created_time": self.created.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "width": self.width,
            "height": self.height,
            "alt_text_custom": self.alt,
            "name": self.message,
            "page_story_id": self.post_id,
        }
        return {name: value for name, value in told.items() if value not in ("", 0)}


@dataclass(frozen=True, kw_only=True)
class PagePost:
    """`author` is (id, name); `created` is in UTC; `photos` are in the order in which they are shown."""

    id: str
    message: str
    link: str
    published: bool
    created: datetime
    author: tuple[str, str]
    photos: tuple[Photo, ...] = ()
    updated: datetime | None = None  #: when it was edited last

    def fields(self, base_url: str) -> dict[str, Any]:
        """As in Meta's PagePost specification; the address leads to the wall, not to Facebook."""
        created = self.created.strftime("%Y-%m-%dT%H:%M:%S+0000")
        fields = {
            "id": self.id,
            "created_time": created,
            "updated_time": (self.updated or self.created).strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "from": {"id": self.author[0], "name": self.author[1]},
            "is_published": self.published,
            "permalink_url": f"{base_url}/#facebook-{self.id}",
        }
        return {**fields, "message": self.message} if self.message else fields


POST_FIELDS = frozenset(
    {"id", "created_time", "updated_time", "from", "is_published", "permalink_url", "message"},
)
PAGE_FIELDS = frozenset({"id", "name"})
PHOTO_FIELDS = frozenset(
    {"id", "created_time", "width", "height", "alt_text_custom", "name", "page_story_id"}
)
_KNOWN = {"PagePost": POST_FIELDS, "Page": PAGE_FIELDS, "Photo": PHOTO_FIELDS}


class GraphError(Exception):
    """What Graph answers instead of a result. `more` are further members of its `error` object."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 400,
        kind: str = "OAuthException",
        usage: Mapping[str, int] = USAGE,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self._error = {"message": message, "type": kind, "code": code, **more}
        self._status = status
        self._usage = usage

    def answer(self) -> Answer:
        body = {"error": {**self._error, "fbtrace_id": "A" + secrets.token_urlsafe(16)}}
        return answer(body, status=self._status, usage=self._usage)


def answer(body: Mapping[str, Any], *, status: int = 200, usage: Mapping[str, int] = USAGE) -> Answer:
    headers = (
        (b"facebook-api-version", b"v26.0"),
        (b"x-app-usage", json.dumps(usage).encode()),
        (b"x-fb-trace-id", secrets.token_urlsafe(8).encode()),
    )
    content_type = b"application/json; charset=UTF-8"
    return Answer(status=status, body=json.dumps(body).encode(), content_type=content_type, headers=headers)


def parameters(call: Call) -> dict[str, str]:
    """From the query, then from a form or a JSON object in the body, which wins; without the files.

    GraphError 100 for a body that cannot be read.
    """
    given = dict(parse_qsl(call.query.decode("latin-1"), keep_blank_values=True))
    content_type = call.header(b"content-type").partition(";")[0].strip().lower()
    if content_type == "application/json" and call.body:
        try:
            data = json.loads(call.body)
        except ValueError as error:
            raise GraphError(100, "(#100) The body is not valid JSON") from error
        if not isinstance(data, dict):
            raise GraphError(100, "(#100) The body is not a JSON object")
        return given | {k: v if isinstance(v, str) else json.dumps(v) for k, v in data.items()}
    if content_type == "application/x-www-form-urlencoded":
        return given | dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    if is_multipart(call):
        try:
            return given | {part.name: part.text for part in parts(call) if not part.filename}
        except ValueError as error:
            raise GraphError(100, "(#100) The body is not a valid form") from error
    if call.body:
        raise GraphError(100, "(#100) The sandbox reads forms and JSON only")
    return given


def check_credentials(call: Call, given: Mapping[str, str], account: Mapping[str, str]) -> None:
    """The page's token, from the parameters or the header; and the proof of the app's secret where one is sent."""
    token = given.get("access_token") or header_token(call.header(b"authorization"))
    if not token:
        raise GraphError(104, "An access token is required to request this resource.")
    if not hmac.compare_digest(token.encode(), account["access_token"].encode()):
        raise GraphError(190, "Invalid OAuth access token - Cannot parse access token")
    if "appsecret_proof" in given:
        right = hmac.new(account["app_secret"].encode(), token.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(given["appsecret_proof"].encode(), right.encode()):
            raise GraphError(
                100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException"
            )


def check_names(given: Mapping[str, str], known: Collection[str]) -> None:
    """Graph overlooks many unknown parameters; a stand-in that did so would hide our mistakes."""
    unknown = sorted({name.partition("[")[0] for name in given} - set(known))
    if unknown:
        raise GraphError(100, f"(#100) The sandbox does not know the parameter {unknown[0]}")


def selected(
    record: Mapping[str, Any], given: Mapping[str, str], *, default: tuple[str, ...], node_type: str
) -> dict[str, Any]:
    """The fields asked for, and always the id. GraphError 100 for a field that the node type does not have."""
    wanted = [name.strip() for name in given["fields"].split(",")] if given.get("fields") else list(default)
    for name in wanted:
        if name not in _KNOWN[node_type]:
            raise GraphError(
                100, f"(#100) Tried accessing nonexisting field ({name}) on node type ({node_type})"
            )
    return {name: record[name] for name in dict.fromkeys([*wanted, "id"]) if name in record}


def limit(given: Mapping[str, str]) -> int:
    value = given.get("limit", "25")
    if not value.isdecimal() or not 1 <= int(value) <= 100:
        raise GraphError(100, "(#100) Param limit must be an integer from 1 to 100")
    return int(value)


def moment(value: str) -> datetime:
    """Seconds since 1970, or ISO 8601. GraphError 100 for anything else."""
    try:
        when = datetime.fromtimestamp(int(value), UTC) if value.isdecimal() else datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError) as error:
        raise GraphError(100, "(#100) Param since must be a valid date") from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def unknown_path(path: str) -> GraphError:
    return GraphError(2500, f"Unknown path components: {path} (the sandbox speaks /v26.0 only)")


def unknown_object(method: str, node: str) -> GraphError:
    if not node.replace("_", "").isdecimal():
        return GraphError(803, f"(#803) Some of the aliases you requested do not exist: {node}", status=404)
    text = (
        f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be loaded due to missing"
        " permissions, or does not support this operation. Please read the Graph API documentation at"
        " https://developers.facebook.com/docs/graph-api"
    )
    return GraphError(100, text, kind="GraphMethodException", error_subcode=33)


def duplicate() -> GraphError:
    return GraphError(
        506,
        "(#506) Duplicate status message",
        error_subcode=1455006,
        is_transient=False,
        error_user_title="Duplicate Status Update",
        error_user_msg="This status update is identical to the last one you posted. Try posting something different,"
        " or delete your previous update.",
    )


def refusal(kind: str) -> Answer:
    """Graph's words for a fault of this kind."""
    match kind:
        case "429":
            return GraphError(32, "(#32) Page request limit reached", status=403, usage=USED_UP).answer()
        case "500":
            return GraphError(1, "An unknown error has occurred.", status=500).answer()
        case "503":
            text = "Service temporarily unavailable"
            return GraphError(2, text, status=503, is_transient=True).answer()
        case "expired_token":
            text = "Error validating access token: Session has expired."
            return GraphError(190, text, error_subcode=463).answer()
        case "duplicate_refusal":
            return duplicate().answer()
    return Answer(
        status=int(kind),
        body=b"<html><body><h1>Sorry, something went wrong.</h1></body></html>\n",
        content_type=b"text/html; charset=utf-8",
    )


def by_another_page(said: Said, number: int) -> PagePost:
    """The same words, now, by somebody else."""
    page_id = "199999999999999"
    return PagePost(
        id=f"{page_id}_{number}",
        message=said.text,
        link=said.link,
        published=True,
        created=datetime.now(UTC),
        author=(page_id, "Wyre Notice Board"),
    )


def of_yesterday(said: Said, account: Mapping[str, str], number: int) -> PagePost:
    """The same words by the same page, a day ago."""
    return PagePost(
        id=f"{account['page_id']}_{number}",
        message=said.text,
        link=said.link,
        published=True,
        created=datetime.now(UTC) - timedelta(days=1),
        author=(account["page_id"], account["page_name"]),
    )


def header_token(value: str) -> str:
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else ""
