"""Through which account a target's deliveries went: what a receipt or an answer must have come back through.

The one place to widen where a target may have several accounts.
"""

from sqlalchemy import ColumnElement

from broadcaster.db.tables import target


def sent_through(account_id: ColumnElement[int] | int) -> ColumnElement[bool]:
    """For a query that has `target` in it."""
    return target.c.account_id == account_id
