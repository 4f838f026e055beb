"""A console over fake platforms, served by this process: people of every role, and messages in every state there is, all made
through the services. It starts in a second, where a whole installation takes ten."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import uvicorn

from broadcaster.db import accounts, feeds, people, proposals, webhooks
from broadcaster.db.tables import target
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused
from broadcaster.domain.message import Mode
from broadcaster.domain.readiness import Readiness, ReadinessState
from broadcaster.domain.sight import Sight
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.service.drills import Plan
from broadcaster.web.app import create_app
from tests.builders import ALWAYS, NO_HURRY, World, a_world, number
from tests.fakes import FakeProbed
from tests.installation import free_port, wait_for
from tests.integration.authorised import bounds
from tests.integration.identities import App, all_the_way, enter, person, with_app
from tests.integration.pictures import picture
from tests.integration.planning import written
from tests.integration.weather import WIND, lay

SILENCE = OutcomeUnknown("read_timeout", "The platform did not answer within ten seconds.")
RUDE = Refused("policy", "The platform finds it against its rules. Reword it, or post it by hand.")
BUSY = NotSent("busy", "The platform is busy.")
ROLES = {
    "olive": ("officer",),
    "oscar": ("officer",),
    "anna": ("approver",),
    "rita": ("auditor", "data-keeper"),
    "kim": ("data-keeper",),
    "adam": ("administrator",),
    "bea": ("administrator",),
}
PEOPLE = 214


@dataclass(kw_only=True)
class Scene:
    """`refs` are messages by their state, `places` what else stands in addresses."""

    world: World
    address: str
    apps: dict[str, App] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    places: dict[str, object] = field(default_factory=dict)

    def cookie_of(self, name):
        """Somebody who has signed in just now, all the way."""
        app = self.apps.get(name)
        return (all_the_way(self.world, app, name) if app else enter(self.world, name)).cookie

    def draft(self, template="severe-weather", *, by="olive", audience="residents", **more):
        notice = shipped_notice(template)
        values = {**shipped_example(template), **more.pop("values", {})}
        channels = more.pop("channels", notice.channels)
        audience = audience if "sms" in channels else ""
        made = self.world.parts.compose.draft(
            self.who(by), template=notice, values=values, channels=channels, audience=audience, **more
        )
        return made.ref

    def submit(self, template="severe-weather", **more):
        return self.world.parts.compose.submit(self.who("olive"), self.draft(template, **more))

    def release(self, template="severe-weather", **more):
        submitted = self.submit(template, **more)
        ref = self.world.parts.approve.approve(self.who("anna"), submitted.ref, submitted.manifest_sha256).ref
        self.world.parts.plan.plan(self.world.broadcast_id(ref))
        return ref

    def who(self, name):
        return self.world.people[name]

    def work(self):
        self.world.work_public()
        self.world.work_bulk()

    def place(self, ref, channel):
        return self.world.row(target, broadcast_id=self.world.broadcast_id(ref), channel=channel).id


@contextmanager
def served(parts):
    """The address of the app over these parts."""
    port = parts.settings.web_port
    config = uvicorn.Config(
        create_app(parts), port=port, log_config=None, timeout_graceful_shutdown=1, lifespan="on"
    )  # its own way of logging would stay with the tests that come after
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield f"http://localhost:{port}"  # the name that passkeys are made for
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def a_scene(database_url, folder):
    settings = {"organisation": "Wyre Council", "web_port": free_port()}
    with a_world(database_url, folder, **settings) as world, served(world.parts) as address:
        scene = Scene(world=world, address=address)
        _add_people(scene)
        _release_all(scene)
        _write_all(scene)
        _manage(scene)
        _open_an_incident(scene)
        _start_the_clock(scene)
        _practise(scene)
        _plan_ahead(scene)
        _watch_a_feed(scene)
        _tell_a_program(scene)
        world.parts.seal.seal()
        yield scene


def _plan_ahead(scene):
    """One that is approved, with a run left out, and one that waits for approval."""
    parts, olive, anna = scene.world.parts, scene.who("olive"), scene.who("anna")
    today = scene.world.now().replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
    plan = {"starts": today, "rule": "FREQ=DAILY", "last": (today + timedelta(days=200)).date()}
    for name in ("planned", "plan"):
        scene.refs[name] = parts.schedule_writing.add(olive, written(**plan)).ref
        digest = parts.schedule_writing.submit(olive, scene.refs[name])
        if name == "planned":
            parts.schedule_approval.approve(anna, scene.refs[name], digest)
            second = parts.schedules.one(scene.refs[name], upcoming=2).upcoming[1]
            parts.schedule_course.skip(olive, scene.refs[name], second.planned.at, "bank holiday")


def _add_people(scene):
    world = scene.world
    for name, roles in ROLES.items():
        if {"approver", "administrator"} & set(roles):
            scene.apps[name] = with_app(world, name, *roles)
        else:
            person(world, name, *roles)
        with world.database.read() as tx:
            world.people[name] = replace(people.by_name(tx, name), factor_at=ALWAYS)
    world.add_audience("residents", PEOPLE, purpose="flood and storm warnings")


def _release_all(scene):
    """What was sent, with all that goes wrong on the way. The clock goes on by hours meanwhile."""
    world, refs = scene.world, scene.refs
    world.gateway.by_address = {number(n): RUDE if n % 2 else SILENCE for n in range(1, 24)}
    world.page.answers.append(SILENCE)
    world.feed.answers.append(RUDE)
    refs["mended"] = scene.release("flood", values=NO_HURRY, images=[picture(side=800)])
    scene.work()
    world.gateway.by_address = {}
    for _ in range(4):
        world.clock.advance(65)
        world.parts.read_back.look("live")
    world.clock.advance(3600)
    world.parts.reconcile.look_into()
    refs["stopped"] = scene.release("shelter-in-place")
    world.page.always = BUSY
    scene.work()
    world.parts.recall.stop(scene.who("olive"), refs["stopped"], "The wrong street")
    world.page.always = None
    refs["done"] = scene.release("water-supply")
    scene.work()
    world.clock.advance(61)
    world.feed.seen.append(Sight.DIFFERS)
    world.parts.sightings.look("live")
    world.parts.sweep.end_what_is_over()
    refs["sending"] = scene.release("evacuation")
    world.page.always = BUSY
    world.work_public()
    world.once(Lane.BULK)
    world.page.always = None


def _write_all(scene):
    """What nobody has released, in each of its states."""
    world, refs = scene.world, scene.refs
    approving, anna = world.parts.approve, scene.who("anna")
    back = scene.submit("road-closure")
    approving.send_back(anna, back.ref, "Which road is it? There are two of that name.")
    refs["returned"] = back.ref
    refused = scene.submit("rumour-correction")
    approving.reject(anna, refused.ref, "The police say it is true.")
    refs["rejected"] = refused.ref
    late = scene.submit("power-cut")
    world.clock.advance(31 * 60)
    world.parts.sweep.expire_submissions()
    refs["expired"] = late.ref
    refs["draft"] = scene.draft("school-closure", images=[picture("blue", side=800)])
    refs["waiting"] = scene.submit(images=[picture(side=800)]).ref
    refs["exercise"] = scene.submit("heat-cold-snow", mode=Mode.EXERCISE, channels=("website",)).ref


def _manage(scene):
    world, places = scene.world, scene.places
    mended = scene.refs["mended"]
    places["facebook"], places["x"] = scene.place(mended, "facebook"), scene.place(mended, "x")
    places["sms"] = scene.place(mended, "sms")
    places["uid"] = next(
        each.uid for each in world.deliveries("facebook") if str(each.state).startswith("unknown")
    )
    adam, bea = scene.who("adam"), scene.who("bea")
    world.parts.opt_outs.add(scene.who("kim"), "+447700900007", purpose="", reason="asked")
    places["code"] = world.parts.proposals.add_user(
        adam, "nia", ["officer"], reason="starts tonight"
    ).invitation
    world.parts.proposals.add_user(adam, "zed", ["auditor"], reason="was here for the audit")
    world.parts.proposals.disable_user(adam, "zed", reason="has left")
    with world.database.write() as tx:
        proposals.set_switch(tx, "second-administrator", "on")
        row = accounts.ensure(tx, mode="live", channel="mastodon", name="town")
        accounts.pause(tx, row.id, "The token was refused.")
    world.parts.proposals.change_roles(adam, "oscar", ["officer", "approver"], reason="covers nights")
    world.parts.proposals.disable_user(bea, "rita", reason="is on leave")
    world.parts.people.issue_token(adam, name="adam", days=30, label="laptop of the office")
    world.channels["live"]["town"] = FakeProbed("mastodon", "town")  # no template asks for these two
    hall = world.channels["live"]["hall"] = FakeProbed("bluesky", "hall")
    hall.readiness = Readiness(
        state=ReadinessState.NOT_READY, code="key", operator_text="Its key has ended. Make a new one."
    )
    world.parts.checks.check()


def _start_the_clock(scene):
    """Somebody was paged and is on it, something was sent without a second person, and wording waits to be authorised."""
    world, olive, anna = scene.world, scene.who("olive"), scene.who("anna")
    with world.database.write() as tx:
        proposals.set_switch(tx, "break-glass", "texts-50000")
    world.parts.rota.set_contact(anna, phone="07700 900123", mail="")
    sent = scene.submit("severe-weather", channels=("sms",), audience="residents")
    reason = "The river is over the wall, and nobody answers."
    world.parts.send_alone.break_glass(olive, sent.ref, sent.manifest_sha256, reason)
    scene.places["glass"] = world.parts.reviews.listed(olive).found[0].uid
    world.parts.paging.look()
    world.parts.paging.send()
    world.parts.paging.settle()
    world.parts.paging.acknowledge(anna, scene.refs["waiting"])
    ends = world.now() + timedelta(days=90)
    adam = scene.who("adam")
    world.parts.pre_authorise.propose(adam, "flood", bounds(), ends_at=ends, reason="Winter plan 2026")
    world.parts.templates.retire(adam, "missing-person", reason="The police tell it themselves.")
    world.parts.pre_election.set_names(adam, ["Cllr Jo Swan", "Sam Reed"])
    world.parts.pre_election.set(adam, starts_at=world.now(), ends_at=ends)


def _watch_a_feed(scene):
    """One that has warned of something, and one that cannot be read."""
    world, adam = scene.world, scene.who("adam")
    given = {"every_s": 60, "rules": (WIND,)}
    world.parts.feeds.add(adam, name="Gale watch", url="https://gale.example/feed.xml", **given)
    with world.database.write() as tx:
        feeds.went_wrong(tx, feeds.every(tx)[0], said="answered_500", again_s=60)
    world.parts.feeds.add(adam, name="Met Office", url="https://weather.example/atom.xml", **given)
    with world.database.read() as tx:
        watched = next(each for each in feeds.every(tx) if each.name == "Met Office")
    scene.places["warning"] = lay(world, watched.id).uid


def _tell_a_program(scene):
    """One that does not answer; and another that waits for a second administrator."""
    world, adam, bea = scene.world, scene.who("adam"), scene.who("bea")
    made = world.parts.webhooks.add(adam, "https://hooks.example.org/alerts", types=["alarm.raised"])
    world.parts.proposals.confirm(bea, made.ref)
    with world.database.write() as tx:
        (hook,) = webhooks.every(tx)
        told, _ = webhooks.add_message(tx, hook.id, kind="alarm.raised", content="{}")
        webhooks.failed(tx, told, hook.id, "ConnectTimeoutError", next_at=tx.now())
    world.parts.webhooks.rotate(bea, hook.uid)


def _open_an_incident(scene):
    """With something of all that it can have, and offered to the approver."""
    incidents, olive, now = scene.world.parts.incidents, scene.who("olive"), scene.world.now()
    ref = incidents.open(olive, name="Storm Darragh", lead_agency="Lancashire Police").ref
    incidents.decide(olive, ref, kind="not-to-warn", what="No text tonight", reason="It stays below the wall")
    said = {"who": "Insp. Hall", "agency": "Police", "way": "by telephone", "about": "closing the promenade"}
    incidents.agreed(olive, ref, at=now, **said)
    incidents.to_do(olive, ref, what="Ring the caravan site", who="Sam", until=now)
    incidents.offer(olive, ref, to="anna", words="High water 04:10")
    scene.refs["incident"] = ref


def _practise(scene):
    """A drill that runs, with all but the correction done, and one to come."""
    world, olive = scene.world, scene.who("olive")
    plan = Plan(
        name="Storm surge at night",
        scenario="High water at 04:10.\nThe sea wall at Rossall is low.",
        template="severe-weather",
        starts_at=world.later(3600),
        parts=["olive", "anna"],
        injects=["0 The mast reports 90 mph", "30 The wall is overtopped"],
        asks_correction=True,
    )
    drill = world.parts.drills.start(olive, world.parts.drills.plan(olive, plan))
    more = {"mode": Mode.EXERCISE, "incident": drill.incident, "channels": ("website",)}
    submitted = scene.submit("severe-weather", **more)
    world.parts.approve.approve(scene.who("anna"), submitted.ref, submitted.manifest_sha256)
    world.work(Lane.PUBLIC, mode=Mode.EXERCISE)
    scene.refs["drill"] = drill.ref
    scene.refs["next drill"] = world.parts.drills.plan(olive, replace(plan, every_months=3))


def switch_storm_mode_on(scene):
    """It holds two of a kind: the strip is over every page."""
    for _ in range(2):
        scene.release("road-closure")
    scene.world.parts.storm.switch_on(scene.who("olive"), "Red wind warning from 18:00")
