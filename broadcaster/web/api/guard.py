"""Who is asking: the user whose token a program sends. Cookies are never looked at, so that no page of another site can
make a browser ask in somebody's name.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.db.people import Person
from broadcaster.domain.errors import NotAllowed
from broadcaster.domain.policy import Action, require
from broadcaster.web.problems import NotSignedIn

NONE_GIVEN = "Send a token with each request, as Authorization: Bearer bcr_... Tokens are made in the console, or with `broadcaster token issue`."
NO_GOOD = "This token is not valid: mistyped, expired or revoked. Make a new one in the console, or with `broadcaster token issue`."

_bearer = HTTPBearer(auto_error=False, description="A token of a user: bcr_...", scheme_name="token")


def parts_of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def asking(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Person:
    """The user whose token this is. NotSignedIn where it is nobody's; TryLater where it asks too often."""
    if given is None:
        raise NotSignedIn(NONE_GIVEN)
    parts = parts_of(request)
    try:
        found = parts.people.who(given.credentials)
    except NotAllowed:
        raise NotSignedIn(NO_GOOD) from None
    parts.pacing.count(found)
    return found


Asking = Annotated[Person, Depends(asking)]


def who_may(action: Action) -> Callable[[Person], Person]:
    """For what takes something big in: asked before it is read. Services ask again."""

    def check(actor: Asking) -> Person:
        require(actor.name, actor.roles, action)
        return actor

    return check


#: For what only reads, and for what is asked before anything big is taken in; whatever changes something is checked by
#: its service.
reading, importing, managing, auditing = (
    Depends(who_may(each)) for each in (Action.READ, Action.IMPORT, Action.MANAGE, Action.AUDIT)
)
Auditing = Annotated[Person, auditing]
Importing = Annotated[Person, importing]
Managing = Annotated[Person, managing]
