"""The query of X's reading calls: which fields, and which part of a timeline. ValueError says what X would not take."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from channels.sandbox.x_posts import XPost

#: `tweet.fields` in the documentation, `post.fields` in OpenAPI 2.167.
FIELDS_NAMES = ("tweet.fields", "post.fields")
POST_FIELDS = frozenset(
    {
        "id",
        "text",
        "created_at",
        "author_id",
        "conversation_id",
        "entities",
        "public_metrics",
        "attachments",
        "in_reply_to_user_id",
        "referenced_posts",
    }
)
USER_FIELDS = frozenset({"id", "name", "username"})
MOST_ID = 2**63
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
    wanted = _bounded(posts, query)
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


def _bounded(posts: Sequence[XPost], query: Mapping[str, str]) -> list[XPost]:
    ids = {name: _id(query, name) for name in ("since_id", "until_id", "pagination_token") if name in query}
    times = {name: _moment(query, name) for name in ("start_time", "end_time") if name in query}
    return [
        post
        for post in posts
        if times.get("start_time", post.created) <= post.created
        and ("end_time" not in times or post.created < times["end_time"])
        and int(post.id) > ids.get("since_id", 0)
        and int(post.id) < min(ids.get("until_id", MOST_ID), ids.get("pagination_token", MOST_ID))
    ]


def _moment(query: Mapping[str, str], name: str) -> datetime:
    wrong = f"The `{name}` query parameter value [{query[name]}] is not a valid RFC3339 date time"
    try:
        when = datetime.fromisoformat(query[name])
    except ValueError as error:
        raise ValueError(wrong) from error
    if when.tzinfo is None:
        raise ValueError(wrong)
    return when


def _id(query: Mapping[str, str], name: str) -> int:
    if not query[name].isdecimal():
        raise ValueError(f"The `{name}` query parameter value [{query[name]}] is not valid")
    return int(query[name])
