"""Carries a change of where something is told to out, in the transaction of whoever decided it."""

import base64
import secrets
from functools import singledispatch
from typing import Any

from broadcaster.db import webhooks
from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.db.webhooks import Webhook
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.webhook_changes import AddWebhook, ChangeWebhook, RotateWebhook, host_of
from broadcaster.domain.webhooks import SECRET_PREFIX
from broadcaster.service.made import Made

MOST = 20


@singledispatch
def carry_out(change: Any, tx: Tx, by: Person, vault: Vault) -> Made:  # noqa: ARG001
    raise TypeError(f"nothing is known of {type(change).__name__}")


@carry_out.register
def _(change: AddWebhook, tx: Tx, by: Person, vault: Vault) -> Made:
    if len(webhooks.every(tx)) >= MOST:
        raise Invalid(f"There are {MOST} webhooks already. Remove one first. Nothing was changed.")
    uid, secret = new_uid(), _secret()
    bound = uid.encode()
    webhooks.insert(
        tx,
        uid=uid,
        url=change.url,
        types=change.types,
        bound_to=bound,
        secret_sealed=vault.seal(secret, bound),
        by=by.id,
    )
    return Made(
        act="webhook_added",
        subject=host_of(change.url),
        payload={"webhook": uid, "types": list(change.types)},
        secret=secret,
        uid=uid,
    )


@carry_out.register
def _(change: ChangeWebhook, tx: Tx, by: Person, vault: Vault) -> Made:  # noqa: ARG001 - they are all called alike
    found = _as_it_was(tx, change.uid, change.before)
    if (found.url, found.types) == (change.url, change.types):
        raise Stale("That is how it is already. Nothing was changed.")
    webhooks.change(tx, found.id, url=change.url, types=change.types)
    payload = {"webhook": found.uid, **change.in_the_log, "types": list(change.types)}
    return Made(act="webhook_changed", subject=host_of(change.url), payload=payload, uid=found.uid)


@carry_out.register
def _(change: RotateWebhook, tx: Tx, by: Person, vault: Vault) -> Made:  # noqa: ARG001
    found, secret = _as_it_was(tx, change.uid, change.url), _secret()
    webhooks.set_secret(tx, found.id, vault.seal(secret, found.bound_to))
    return Made(
        act="webhook_secret_changed",
        subject=host_of(found.url),
        payload={"webhook": found.uid},
        secret=secret,
        uid=found.uid,
    )


def _as_it_was(tx: Tx, uid: str, url: str) -> Webhook:
    found = find(tx, uid)
    if found.url != url:
        raise Stale("The webhook has changed since this was proposed. Propose it again. Nothing was changed.")
    return found


def find(tx: Tx, uid: str) -> Webhook:
    found = webhooks.find(tx, uid)
    if found is None:
        raise NotFound(
            "There is no such webhook. Nothing was changed.", command="See: broadcaster webhooks list"
        )
    return found


def _secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
