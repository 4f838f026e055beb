"""The web process: alive or not, receipts acknowledged only once they are stored, and texts shown as texts."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from broadcaster.db.tables import receipt
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Problem, Stale, Unavailable
from broadcaster.web.app import create_app
from broadcaster.web.hooks import Intake
from broadcaster.web.problems import KINDS
from channels.base import Account, Secret
from channels.sms import Sms
from tests.integration.asgi import TESTSERVER, asking

DATABASES = ("sqlite",)


def ask(app, path, *, method="GET", body=b"", **query):
    """What the app answers to this request, to be awaited."""
    return asking(app, method, f"{path}?{urlencode(query)}", body, [TESTSERVER])


@asynccontextmanager
async def running(parts):
    app = create_app(parts)
    async with app.router.lifespan_context(app):
        yield app


def get(world, path, **query):
    async def once():
        async with running(world.parts) as app:
            return await ask(app, path, **query)

    return asyncio.run(once())


HOOK = "/hooks/live/gateway/receipt"


# --- health, front door, problems ---------------------------------------------------------------------------


def test_it_is_healthy_while_the_database_answers_and_fits(world):
    answer = get(world, "/health")
    assert (answer.status, answer.json) == (200, {"status": "up", "alarms": 0})


def test_it_is_down_and_says_why_where_the_database_is_of_another_version(world):
    async def broken():
        async with running(world.parts) as app:
            with world.database.write() as tx:
                tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            return [await ask(app, path) for path in ("/health", "/health/ready", "/health/live")]

    *looked, live = asyncio.run(broken())
    for answer in looked:
        assert answer.status == 503
        assert answer.json["status"] == "down"
        assert "newer than this version" in answer.json["detail"]
    assert (live.status, live.json) == (200, {"status": "up"})  # to start it again would mend nothing


def test_it_is_ready_without_a_broker_and_tells_that_it_is_away(world):
    broker = f"redis+socket://{world.parts.settings.broker_socket}"
    assert world.parts.settings.broker == broker
    answer = get(world, "/health/ready")
    assert (answer.status, answer.json) == (200, {"status": "up", "alarms": 0, "broker": "away"})


def test_a_browser_that_is_not_signed_in_is_led_to_the_door(world):
    answer = get(world, "/")
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?next=%2F")


PROBLEMS = [
    (Invalid, 422),
    (NotFound, 404),
    (NotAllowed, 403),
    (Stale, 409),
    (Unavailable, 503),
    (Problem, 400),
]


def test_a_problem_is_told_to_people_and_programs(world):
    kinds = {kind.__name__: kind for kind, _ in PROBLEMS}

    async def all_of_them():
        async with running(world.parts) as app:

            @app.get("/broken/{name}")
            def broken(name: str):
                raise kinds[name]("It cannot be.", details=("one", "two"))

            return [await ask(app, f"/broken/{name}") for name in kinds]

    for answer, (kind, status) in zip(asyncio.run(all_of_them()), PROBLEMS, strict=True):
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
        body = answer.json
        about = body.pop("type"), body.pop("title")
        assert body == {
            "detail": "It cannot be.",
            "status": status,
            "errors": [{"detail": "one"}, {"detail": "two"}],
        }
        assert about == next((f"/api/v1/problems/{k.name}", k.title) for k in KINDS if k.error is kind)


def test_what_is_not_there_is_not_found(world, subtests):
    for path in ["/nothing", "/docs", "/openapi.json", "/hooks", "/site/../broadcaster.db"]:
        with subtests.test(str(path)):
            assert get(world, path).status == 404


def test_the_site_is_served_for_other_sites_to_show_and_never_kept_for_long(world):
    site = world.parts.settings.site_dir
    site.mkdir(parents=True, exist_ok=True)
    (site / "alerts.json").write_text('{"alerts": []}')
    answer = get(world, "/site/alerts.json")
    assert (answer.status, answer.json) == (200, {"alerts": []})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"].startswith("max-age=30")


def test_an_alert_is_served_by_the_type_of_cap_for_receivers_refuse_others(world):
    folder = world.parts.settings.site_dir / "alerts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "7f3k2m.cap.xml").write_text("<alert/>")
    assert get(world, "/site/alerts/7f3k2m.cap.xml").headers["content-type"] == "application/cap+xml"


@pytest.mark.parametrize("name", [".lock", ".alerts/7F3K2M.json", "alerts/.draft-x"])
def test_the_memory_of_the_website_channel_is_no_page(world, name):
    path = world.parts.settings.site_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    assert get(world, f"/site/{name}").status == 404


# --- receipts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_receipt_is_acknowledged_when_it_is_stored(world, method):
    answer = get(world, HOOK, method=method, key="k-1", state="delivered")
    assert (answer.status, answer.body) == (204, b"")
    stored = world.row(receipt)
    assert (stored.delivery_uid, stored.state, stored.applied_at) == ("k-1", "delivered", None)


def test_a_receipt_in_a_body_is_read_too(world):
    body = json.dumps({"key": "k-1", "state": "undelivered", "code": "16"}).encode()
    assert get(world, HOOK, method="POST", body=body).status == 204
    assert (world.row(receipt).state, world.row(receipt).code) == ("undelivered", "16")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/hooks/live/nobody/receipt", 404),
        ("/hooks/live/page/receipt", 404),
        ("/hooks/exercise/gateway/receipt", 404),
        ("/hooks/other/gateway/receipt", 422),
        (HOOK, 204),
    ],
)
def test_only_accounts_that_give_receipts_have_an_address_for_them(world, path, status):
    assert get(world, path, key="k", state="delivered").status == status
    assert world.size(receipt) == (1 if status == 204 else 0)


def test_what_is_no_receipt_is_a_bad_request_and_not_stored(world, subtests):
    for query in [
        {"key": "k", "state": "perhaps"},
        {"key": "x" * 100, "state": "delivered"},
        {"key": "a\0b", "state": "delivered"},
    ]:
        with subtests.test(str(query)):
            assert get(world, HOOK, **query).status == 400
            assert world.size(receipt) == 0


def test_a_body_that_is_no_receipt_is_a_bad_request(world, subtests):
    for body in [b"{", b"\xff\xfe"]:
        with subtests.test(str(body)):
            assert get(world, HOOK, method="POST", body=body).status == 400
            assert world.size(receipt) == 0


def test_a_request_to_the_real_gateway_channel_that_is_no_receipt_is_a_bad_request(world, subtests):
    for query in [{}, {"key": "k"}, {"status": "1"}, {"key": "' OR 1=1", "status": "1"}]:
        with subtests.test(str(query)):
            options = {
                "gateway": "kannel",
                "base_url": "http://127.0.0.1:1",
                "sender": "WYRE",
                "username": "u",
            }
            options["receipt_url"] = "http://127.0.0.1:1/hooks/live/kannel/receipt"
            made = Sms(
                Account(
                    name="kannel",
                    channel="sms",
                    mode="live",
                    options=options,
                    secrets={"password": Secret("p")},
                )
            )
            world.channels["live"]["kannel"] = made
            assert get(world, "/hooks/live/kannel/receipt", **query).status == 400
            made.close()


def test_a_burst_of_receipts_is_stored_once_each(world):
    async def burst():
        async with running(world.parts) as app:
            asked = [ask(app, HOOK, key=f"k-{n % 400}", state="delivered") for n in range(500)]
            return await asyncio.gather(*asked)

    answers = asyncio.run(burst())
    assert {a.status for a in answers} == {204}
    assert sorted(r.delivery_uid for r in world.rows(receipt)) == sorted(f"k-{n}" for n in range(400))


def test_two_web_processes_store_the_same_burst_once(world):
    other = world.beside()

    async def burst():
        async with running(world.parts) as one, running(other) as two:
            asked = [ask(one, HOOK, key=f"k-{n}", state="delivered") for n in range(150)]
            asked += [ask(two, HOOK, key=f"k-{n}", state="delivered") for n in reversed(range(150))]
            return await asyncio.gather(*asked)

    answers = asyncio.run(burst())
    assert {a.status for a in answers} == {204}
    assert world.size(receipt) == 150


class FailingReceipts:
    """Cannot store until it is mended; otherwise the real one."""

    def __init__(self, real, error):
        self._real, self.error = real, error

    def store(self, arrived):
        if self.error:
            raise self.error
        self._real.store(arrived)


@pytest.mark.parametrize(
    ("error", "status"), [(Unavailable("The disk with the database is full."), 503), (RuntimeError("?"), 500)]
)
def test_where_storing_fails_nothing_is_acknowledged_and_the_next_ones_are_stored(world, error, status):
    failing = FailingReceipts(world.parts.receipts, error)

    async def broken_then_mended():
        async with running(world.parts) as app:
            app.state.intake = Intake(failing)
            first = await asyncio.gather(
                *(ask(app, HOOK, key=f"k-{n}", state="delivered") for n in range(20))
            )
            failing.error = None
            return first, await ask(app, HOOK, key="k-0", state="delivered")

    first, second = asyncio.run(broken_then_mended())
    assert {a.status for a in first} == {status}
    assert second.status == 204
    assert [r.delivery_uid for r in world.rows(receipt)] == ["k-0"]


def test_a_gateway_that_hangs_up_does_not_take_the_receipts_of_others_along(world):
    async def hang_up():
        async with running(world.parts) as app:
            gone = asyncio.create_task(ask(app, HOOK, key="gone", state="delivered"))
            stays = asyncio.create_task(ask(app, HOOK, key="stays", state="delivered"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            return await stays

    assert asyncio.run(hang_up()).status == 204
    assert "stays" in [r.delivery_uid for r in world.rows(receipt)]


def test_receipts_that_wait_when_the_process_ends_are_stored_before_it_does(world):
    async def end_at_once():
        async with running(world.parts) as app:
            asked = [asyncio.create_task(ask(app, HOOK, key=f"k-{n}", state="delivered")) for n in range(5)]
            await asyncio.sleep(0.005)
        return [a.status for a in await asyncio.gather(*asked)]

    statuses = asyncio.run(end_at_once())
    assert len(world.rows(receipt)) >= statuses.count(204)
    assert statuses.count(204) == 5


def test_a_receipt_that_came_by_the_web_lifts_its_delivery(world):
    released = world.release_texts(2)
    world.work_bulk()
    assert get(world, HOOK, key=world.deliveries("sms")[1].uid, state="delivered").status == 204
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 1, "delivered": 1}
