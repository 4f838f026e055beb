"""The routes of the console, and how they are filled in."""

import re

from fastapi.routing import APIRoute

from broadcaster.web.console.app import ROUTERS

FORM = b"application/x-www-form-urlencoded"
ALL_ROLES = ("officer", "approver", "auditor", "data-keeper", "administrator")


def routes(method):
    """(path) of every route of the console that takes this method."""
    found = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
    return sorted({r.path for r in found if method in r.methods})


def filled(path, **given):
    """With something in each of its blanks."""
    return re.sub(r"\{(\w+)\}", lambda blank: str(given.get(blank[1], "X")), path)
