"""The query of X's reading calls: which fields, and which part of a timeline. ValueError says what X would not take."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from channels.sandbox.x_posts import XPost

#: `tweet.fields` in the documentation, `post.fields` in OpenAPI 2.167.
FIELDS_NAMES = ("tweet.fields", "post.fields")
POST_FIELDS = frozenset(
    {"id", "text", "created_at", "author_id", "conversation_id", "entities", "public_metrics"}
)
USER_FIELDS = frozenset({"id", "name", "username"})
TIMELINE_PARAMETERS = frozenset(
    {
        "max_results",
        "start_time",
        "end_time",
        "since_id",
        "until_id",
        "pagination_token",
        "exclude",
        *FIELDS_NAMES,
    }
)


def fields_asked(
    query: Mapping[str, str], names: Collection[str], known: Collection[str], *, always: tuple[str, ...]
) -> list[str]:
    """The fields to show, without repeats. ValueError for a parameter or a field that is not known."""
    for name in query:
        if name not in names:
            raise ValueError(f"The query parameter [{name}] is not one of [{','.join(sorted(names))}]")
    return _fields(query, names, known, always)


def timeline_of(posts: Sequence[XPost], query: Mapping[str, str]) -> dict[str, Any]:
    """The body of GET /2/users/{id}/tweets from all posts, newest first."""
    for name in query:
        if name not in TIMELINE_PARAMETERS:
            raise ValueError(
                f"The query parameter [{name}] is not one of [{','.join(sorted(TIMELINE_PARAMETERS))}]"
            )
    fields = _fields(query, FIELDS_NAMES, POST_FIELDS, ("id", "text"))
    most = query.get("max_results", "10")
    if not most.isdecimal() or not 5 <= int(most) <= 100:
        raise ValueError(f"The `max_results` query parameter value [{most}] is not between 5 and 100")
    if not set(query.get("exclude", "replies").split(",")) <= {"replies", "retweets"}:
        raise ValueError("The `exclude` query parameter is not one of [replies,retweets]")
    wanted = [post for post in posts if _within(post, query)]
    shown = wanted[: int(most)]
    if not shown:
        return {"meta": {"result_count": 0}}
    meta: dict[str, Any] = {"result_count": len(shown), "newest_id": shown[0].id, "oldest_id": shown[-1].id}
    if len(wanted) > len(shown):
        meta["next_token"] = shown[-1].id
    return {"data": [post.to_json(fields) for post in shown], "meta": meta}


def _fields(
    query: Mapping[str, str], names: Collection[str], known: Collection[str], always: tuple[str, ...]
) -> list[str]:
    asked = [field for name in names for field in query.get(name, "").split(",") if field]
    for field in asked:
        if field not in known:
            raise ValueError(f"The query parameter value [{field}] is not one of [{','.join(sorted(known))}]")
    return list(dict.fromkeys([*always, *asked]))


def _within(post: XPost, query: Mapping[str, str]) -> bool:
    number = int(post.id)
    return (
        ("start_time" not in query or post.created >= _moment(query, "start_time"))
        and ("end_time" not in query or post.created < _moment(query, "end_time"))
        and ("since_id" not in query or number > _id(query, "since_id"))
        and ("until_id" not in query or number < _id(query, "until_id"))
        and ("pagination_token" not in query or number < _id(query, "pagination_token"))
    )


def _moment(query: Mapping[str, str], name: str) -> datetime:
    when = datetime.fromisoformat(query[name])
    if when.tzinfo is None:
        raise ValueError(f"The `{name}` query parameter is not a valid RFC 3339 date and time")
    return when


def _id(query: Mapping[str, str], name: str) -> int:
    if not query[name].isdecimal():
        raise ValueError(f"The `{name}` query parameter value [{query[name]}] is not valid")
    return int(query[name])
