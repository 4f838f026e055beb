"""What is asked of every act of a table: nobody without a token, none with a token that only reads, and one event for each."""

from broadcaster.db.tables import audit_event
from tests.integration.asgi import web_of
from tests.integration.programs import API, Program, program


def events(world):
    """Of what people did."""
    return [event.act for event in world.rows(audit_event) if event.actor != "system"]


def each_leaves_one_event(world, table, acts, subtests, *, for_readers=frozenset()):
    """`table` is route to (how `acts` make it ready, the event); whoever may read may do those of `for_readers`."""
    for (method, route), (ready, act) in table.items():
        with subtests.test(f"{method} {route}"):
            who, path, body, *rest = ready(acts)
            headers = rest[0] if rest else {}
            before = events(world)
            assert Program(web_of(world.parts)).ask(method, path, body, **headers).status == 401
            if act not in for_readers:
                narrow = program(world, who.name, scopes=("read",)).ask(method, path, body, **headers)
                assert (narrow.status, narrow.json["type"]) == (403, f"{API}/problems/not-allowed")
                assert "good for read only" in narrow.json["detail"]
            assert events(world) == before
            done = who.ask(method, path, body, **headers)
            world.parts.log_check.wait(30)
            assert done.status in {200, 201}, done.json
            assert events(world) == [*before, act]


def each_look_leaves_one_event(world, looks, subtests):
    """`looks` is path to (who, the event, the type of the file): nobody gets it whom it is not told of."""
    for path, (who, act, media_type) in looks.items():
        with subtests.test(path):
            before = events(world)
            assert Program(web_of(world.parts)).get(path).status == 401
            assert program(world, who.name, scopes=("lists",)).get(path).status == 403
            assert events(world) == before
            found = who.get(path)
            assert (found.status, found.headers["content-type"]) == (200, media_type)
            assert events(world) == [*before, act]
