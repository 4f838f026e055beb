"""People with passwords and second factors, for tests of signing in."""

from typing import Any, NamedTuple

import pyotp

from broadcaster.db import credentials, people, tokens
from broadcaster.db.people import Person
from broadcaster.domain.errors import Problem
from broadcaster.service.people import new_token
from broadcaster.service.sessions import Opened
from tests.builders import ALWAYS, World
from tests.soft_key import SoftKey

PASSWORD = "seven wet gulls at noon"
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class App(NamedTuple):
    """An authenticator app that shows what the database's clock says."""

    world: World
    secret: str

    def code(self, *, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(self.world.now(), counter_offset=steps)

    def next_code(self) -> str:
        """Of a step that no code was given of yet."""
        self.world.clock.advance(30)
        return self.code()


def person(world: World, name: str, *roles: str, password: str = PASSWORD) -> Person:
    """A user who has a password and nothing else."""
    with world.database.write() as tx:
        made = people.insert(tx, name=name, roles=frozenset(roles))
        credentials.set_password(tx, made.id, world.parts._hashing.hash(password))
    return made


def with_app(world: World, name: str, *roles: str) -> App:
    """A user with a password and an app; the codes on paper are in nobody's hands."""
    who = person(world, name, *roles)
    enrolment = world.parts.factors.begin_totp(who)
    app = App(world, enrolment.secret)
    world.parts.factors.finish_totp(who, app.code())
    world.clock.advance(30)
    return app


def with_key(world: World, name: str, *roles: str, **given: Any) -> SoftKey:
    who = person(world, name, *roles)
    key = SoftKey(**given)
    opened = enter(world, who.name)
    done = world.parts.passkeys.finish(
        opened.cookie, key.create(world.parts.passkeys.begin(opened.session)), name="My key"
    )
    world.parts.sessions.sign_out(done.opened.cookie)
    return key


def enter(world: World, name: str, password: str = PASSWORD, **given: Any) -> Opened:
    """Through the first door: name and password."""
    return world.parts.sign_in.with_password(name, password, **{"address": HERE, **given})


def all_the_way(world: World, app: App, name: str, **given: Any) -> Opened:
    opened = enter(world, name, **given)
    return world.parts.sign_in.with_code(opened.cookie, app.next_code())


def token_of(world: World, who: Person) -> str:
    """For the command line."""
    text, sha256 = new_token()
    with world.database.write() as tx:
        tokens.insert(tx, person_id=who.id, sha256=sha256, expires_at=ALWAYS)
    return text


def outcome(act: Any) -> Any:
    """What it returned, or the problem that it raised."""
    try:
        return act()
    except Problem as problem:
        return problem
