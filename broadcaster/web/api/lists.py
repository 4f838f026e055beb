"""Lists by pages: each tells where the next one begins, in the body and as a Link (RFC 8288)."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field

from broadcaster.domain.errors import Invalid

Item = TypeVar("Item")
T = TypeVar("T")
MOST = 200


class Listed(BaseModel, Generic[Item]):
    items: list[Item]
    next: str | None = Field(None, description="The cursor of the next page; null where nothing follows.")


@dataclass(frozen=True)
class Asked:
    """`after` is what the cursor holds, None for the first page."""

    limit: int
    after: Any
    request: Request
    response: Response

    def listed(self, items: Sequence[Item], after: Any) -> Listed[Item]:
        """`after` is where the next page begins, None where nothing follows."""
        if after is None:
            return Listed[Item](items=list(items), next=None)
        cursor = _written(after)
        url = self.request.url.include_query_params(limit=self.limit, cursor=cursor)
        self.response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return Listed[Item](items=list(items), next=cursor)

    def cut(self, found: Sequence[T], key: Callable[[T], Any], shape: Callable[[T], Item]) -> Listed[Item]:
        """A page of what is all here already, in the order of the keys. It begins with the first whose key is greater than
        the cursor's: the one that the page before ended with may be gone."""
        found = sorted(found, key=key)
        rest = found if self.after is None else _behind(found, key, self.after)
        page = rest[: self.limit]
        return self.listed([shape(each) for each in page], key(page[-1]) if len(rest) > len(page) else None)

    def text(self) -> str:
        """What the cursor holds, where it holds a text; empty for the first page."""
        if not isinstance(self.after, str | None):
            raise no_cursor()
        return self.after or ""

    def numbers(self) -> tuple[int, int]:
        """Two ids; zeros for the first page."""
        match self.after:
            case None:
                return 0, 0
            case [int(first), int(second)] if max(abs(first), abs(second)) < 2**63:
                return first, second
        raise no_cursor()


def asked(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many at most.")] = 50,
    cursor: Annotated[
        str,
        Query(max_length=400, pattern="^[A-Za-z0-9_-]*$", description="`next` of the page before."),
    ] = "",
) -> Asked:
    return Asked(limit=limit, after=_read(cursor) if cursor else None, request=request, response=response)


Pages = Annotated[Asked, Depends(asked)]


def _behind(found: Sequence[T], key: Callable[[T], Any], after: Any) -> Sequence[T]:
    try:
        return [each for each in found if key(each) > after]
    except TypeError:
        raise no_cursor() from None


def _written(after: Any) -> str:
    text = json.dumps(after, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> Any:
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise no_cursor() from None
    if found is None:
        raise no_cursor()
    return found


def no_cursor() -> Invalid:
    return Invalid("This cursor is not one of this list. Take `next` of the page before, as it is.")
