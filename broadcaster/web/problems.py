"""What went wrong, for programs: RFC 9457, with one status for each kind of problem, for the console's pages too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastapi.responses import JSONResponse

from broadcaster.domain.errors import (
    FactorWanted,
    Invalid,
    NotAllowed,
    NotFound,
    Problem,
    Stale,
    TryLater,
    Unavailable,
)
from broadcaster.service.requests_once import KeyAtWork, KeyReused

MEDIA_TYPE = "application/problem+json"
ABOUT = "/api/v1/problems/"


class NotSignedIn(NotAllowed):
    """Who asks is not known: no token was given, or one that is good for nothing."""


class TooLarge(Problem):
    """What was sent is larger than anything that is expected here."""


class Unexpected(Problem):
    """A defect of ours."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`name` is stable, for programs; `meaning` says what to do about it."""

    error: type[Problem]
    status: int
    name: str
    title: str
    meaning: str


#: The first that fits is meant: a special kind stands before the one that it is a kind of.
KINDS = (
    Kind(
        error=NotSignedIn,
        status=401,
        name="not-signed-in",
        title="Who asks is not known",
        meaning="Send a token that is good: Authorization: Bearer bcr_...",
    ),
    Kind(
        error=FactorWanted,
        status=403,
        name="second-factor-wanted",
        title="The second factor is wanted",
        meaning="Give a code of the user's authenticator app for this token, POST /api/v1/me/second-factor, and send the request "
        "again within the time that was agreed on, five minutes by default.",
    ),
    Kind(
        error=NotAllowed,
        status=403,
        name="not-allowed",
        title="This user may not do this",
        meaning="Another user, or a token with other scopes, may. The detail says who.",
    ),
    Kind(
        error=NotFound,
        status=404,
        name="not-found",
        title="There is no such thing",
        meaning="The detail names the nearest name that there is.",
    ),
    Kind(
        error=TooLarge,
        status=413,
        name="too-large",
        title="What was sent is too large",
        meaning="Send less at a time.",
    ),
    Kind(
        error=KeyReused,
        status=422,
        name="key-reused",
        title="The Idempotency-Key was used for another request",
        meaning="Make a new key for each new request, and keep it only for sending that same request again.",
    ),
    Kind(
        error=Invalid,
        status=422,
        name="invalid",
        title="What was sent cannot be used",
        meaning="Mend what the errors list, and send it again.",
    ),
    Kind(
        error=KeyAtWork,
        status=409,
        name="key-at-work",
        title="The first request with this Idempotency-Key has no answer yet",
        meaning="Wait a moment and send it again. If it stays so, the first one broke off: look whether it was done.",
    ),
    Kind(
        error=Stale,
        status=409,
        name="stale",
        title="It is not, or no more, as it was thought to be",
        meaning="Look at it again, then decide anew. Sending the same again is of no use.",
    ),
    Kind(
        error=TryLater,
        status=429,
        name="try-later",
        title="Too many tries or requests",
        meaning="Wait as long as Retry-After says.",
    ),
    Kind(
        error=Unavailable,
        status=503,
        name="unavailable",
        title="The database, the disk or the broker cannot be used right now",
        meaning="Nothing was changed. Send the same again later.",
    ),
    Kind(
        error=Unexpected,
        status=500,
        name="unexpected",
        title="Something unexpected happened",
        meaning="A defect of ours. The log of the web process has more; it is not known whether anything was changed.",
    ),
    Kind(
        error=Problem,
        status=400,
        name="problem",
        title="It could not be done",
        meaning="The detail says what to do.",
    ),
)


def kind_of(problem: Problem) -> Kind:
    return next(kind for kind in KINDS if isinstance(problem, kind.error))


def answer(
    problem: Problem,
    *,
    status: int = 0,
    errors: Iterable[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """As JSON. `errors` say more than the problem's own details, where there are any; `status` where another one than of its
    kind is right."""
    kind = kind_of(problem)
    body = {
        "type": ABOUT + kind.name,
        "title": kind.title,
        "status": status or kind.status,
        "detail": problem.text,
        "errors": list(errors) or [{"detail": each} for each in problem.details],
    }
    return JSONResponse(
        body,
        status_code=status or kind.status,
        headers={"Cache-Control": "no-store", **_asked_of(problem), **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def _asked_of(problem: Problem) -> dict[str, str]:
    """What the status asks for beside the body."""
    if isinstance(problem, TryLater):
        return {"Retry-After": str(problem.retry_after_s)}
    if isinstance(problem, NotSignedIn):
        return {"WWW-Authenticate": "Bearer"}
    return {}
