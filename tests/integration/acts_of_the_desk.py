"""What a person does at the desk beside messages and users: incidents, the rota, delegations, templates, the policy to read, records.

For the table of acts in `test_console_acts.py`: (path, the event that it leaves, by whom, the act itself), in an order in which each
finds what it needs.
"""

from datetime import timedelta

from broadcaster.db.tables import delegation, duty, feed, incident_action, legal_hold, webhook
from broadcaster.render.notices import shipped_example
from broadcaster.service.drills import Plan
from tests.builders import NO_HURRY, VALUES
from tests.integration.console_routes import filled
from tests.integration.planning import VALUES as PLANNED
from tests.integration.planning import written
from tests.integration.test_templates import fields_of
from tests.integration.weather import lay

REASON = {"reason": "because of the wind"}


def ada(path, event, fields=lambda _: {}, **blanks):
    """Ada sends a form to this route. What is a function is asked of the stage."""

    def act(s):
        given = {name: value(s) if callable(value) else value for name, value in blanks.items()}
        s.ada.get("/me")
        return s.ada.post(filled(path, **given), fields(s) if callable(fields) else fields)

    return path, event, "ada", act


def ref_of(state):
    return lambda s: s.ref[state]


def incident_of(s):
    """The one that ada opened, in her hands or in somebody's to whom it was offered."""
    (mine,) = [each for each in s.world.parts.incidents.listed(s.ada_herself()) if each.incident.name == GAS]
    return mine.incident.ref


def offered_to_ada(s):
    ref = incident_of(s)
    s.world.parts.incidents.offer(s.world.officer, ref, to="ada", words="All quiet")
    return ref


def closed_incident(s):
    (mine,) = [
        each
        for each in s.world.parts.incidents.listed(s.ada_herself(), closed=True)
        if each.incident.name == GAS
    ]
    return mine.incident.ref


def newest(table, column):
    return lambda s: getattr(s.world.rows(table)[-1], column)


def laid(s):
    """A warning that waits, of the feed that is watched."""
    return lay(s.world, newest(feed, "id")(s)).uid


def hours(s, ahead):
    """As a browser sends it."""
    return (
        f"{(s.world.now() + timedelta(hours=ahead)).astimezone(s.world.parts.settings.zone):%Y-%m-%dT%H:%M}"
    )


def from_now(**fields):
    return lambda s: {**fields, "starts": hours(s, -1), "ends": hours(s, 8)}


def edited_template(s):
    """What the form of a template shows, with one word changed."""
    form = fields_of(s.ada.get("/manage/templates/flood/edit").text)
    return {**form, "wording-area": "((area)) and all around", "act": "put", **REASON}


def held_kind(s):
    """Of the one message that is held, since olive has decided about the others."""
    for each in s.world.parts.storm.weather(s.world.officer).held:
        s.world.parts.storm.decide(s.world.officer, each.ref, "drop", "old")
    s.world.release(channels=("website",), **NO_HURRY)
    return "severe-weather"


GAS = "Gas leak in Dock Street"
AGREED = {"who": "Insp. Hall", "agency": "Police", "way": "telephone", "about": "Closing the road"}
PERSONAL = {"why": "personal-data", "authorised_by": "Data protection officer", **REASON}
OURS = {"ref": incident_of}


def ready_to_be_taken_back(s):
    """A message that was sent, and what lies ready with it."""
    compose, name = s.world.parts.compose, "severe-weather"
    drafted = compose.draft(
        s.world.officer,
        template=s.world.parts.templates.current(name),
        values=shipped_example(name),
        channels=("website",),
    )
    return s.world.approve(compose.submit(s.world.officer, drafted.ref)).ref


#: What follows a message that was sent.
ACTS_OF_FOLLOWING = [
    ada(
        "/messages/{ref}/follow-up/{purpose}",
        "message_drafted",
        {**{f"blank-{name}": value for name, value in VALUES.items()}, "channels": "website"},
        ref=ref_of("sent"),
        purpose="update",
    ),
    ada("/messages/{ref}/sent-in-error", "sent_in_error_sent", REASON, ref=ready_to_be_taken_back),
    ada("/messages/{ref}/let-end", "message_let_end", REASON, ref=ref_of("sent")),
]
ACTS_OF_INCIDENTS = [
    ada("/incidents", "incident_opened", {"name": "Gas leak", "lead_agency": "Fire"}),
    ada(
        "/incidents/{ref}/change",
        "incident_changed",
        {"name": GAS, "lead_agency": "Fire and rescue"},
        ref=lambda s: s.world.parts.incidents.listed(s.ada_herself())[0].incident.ref,
    ),
    ada(
        "/incidents/{ref}/decide",
        "incident_decided",
        {"kind": "not-to-warn", "what": "Wait and see", **REASON},
        **OURS,
    ),
    ada("/incidents/{ref}/agreed", "incident_agreed", lambda s: {**AGREED, "at": s.clock()}, **OURS),
    ada("/incidents/{ref}/to-do", "incident_action_noted", {"task": "Ring the mast", "doer": "Sam"}, **OURS),
    ada(
        "/incidents/{ref}/done/{action_id}",
        "incident_action_done",
        **OURS,
        action_id=newest(incident_action, "id"),
    ),
    ada(
        "/messages/{ref}/incident",
        "message_moved_to_incident",
        lambda s: {"incident": incident_of(s)},
        ref=ref_of("changing"),
    ),
    ada("/incidents/{ref}/offer", "hand_over_offered", {"to": "zoe", "words": "All quiet"}, **OURS),
    ada("/incidents/{ref}/take-back", "hand_over_withdrawn", **OURS),
    ada("/incidents/{ref}/accept", "hand_over_accepted", ref=offered_to_ada),
    ada("/incidents/{ref}/close", "incident_closed", {"end_reason": "The leak is mended"}, **OURS),
    ada("/incidents/{ref}/reopen", "incident_reopened", {"end_reason": "It leaks"}, ref=closed_incident),
]


def planned(*, submitted=False, approved=False):
    """A schedule that olive wrote, and perhaps handed over, and anna approved; its reference."""

    def made(s):
        world = s.world
        ref = world.parts.schedule_writing.add(world.officer, written(**on_mondays(s))).ref
        if submitted or approved:
            digest = world.parts.schedule_writing.submit(world.officer, ref)
        if approved:
            world.parts.schedule_approval.approve(world.approver, ref, digest)
        s.planned = ref
        return ref

    return made


def next_run(s):
    (first,) = s.world.parts.schedules.one(s.planned, upcoming=1).upcoming
    return {"planned": first.planned.at.isoformat(), "skip_reason": "bank holiday"}


def hash_of_planned(s):
    return {"hash": s.world.parts.schedules.one(s.planned, upcoming=0).newest.bounds_sha256, "real": "yes"}


THIS_ONE = {"ref": lambda s: s.planned}


def on_mondays(s):
    """From last week on, for a year."""
    today = s.world.now().replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
    return {"starts": today - timedelta(days=7), "last": (today + timedelta(days=365)).date()}


def form_of_planning(s):
    plan = on_mondays(s)
    return {
        "name": "Tip closed",
        "starts": plan["starts"].isoformat(timespec="minutes"),
        "last": plan["last"].isoformat(),
        "repeat": "weekly",
        "grace": "60",
        "zone": "Europe/London",
        "channels": "website",
        **{f"blank-{name}": value for name, value in PLANNED.items()},
    }


ACTS_OF_SCHEDULES = [
    ada("/schedules/new/{name}", "schedule_written", form_of_planning, name="service-disruption"),
    ada("/schedules/{ref}/change", "schedule_changed", form_of_planning, ref=planned()),
    ada("/schedules/{ref}/submit", "schedule_submitted", ref=planned()),
    ada("/schedules/{ref}/return", "schedule_returned", REASON, ref=planned(submitted=True)),
    ada("/schedules/{ref}/reject", "schedule_rejected", REASON, ref=planned(submitted=True)),
    ada("/schedules/{ref}/approve", "schedule_approved", hash_of_planned, ref=planned(submitted=True)),
    ada("/schedules/{ref}/skip", "schedule_run_left_out", next_run, **THIS_ONE),
    ada("/schedules/{ref}/put-back", "schedule_run_put_back", next_run, **THIS_ONE),
    ada("/schedules/{ref}/pause", "schedule_paused", {"pause_reason": "storm"}, **THIS_ONE),
    ada("/schedules/{ref}/resume", "schedule_resumed", **THIS_ONE),
    ada("/schedules/{ref}/end", "schedule_ended", {"end_reason": "open again"}, **THIS_ONE),
    ada("/schedules/calendar/address", "calendar_address_made"),
    ada("/schedules/calendar/address/end", "calendar_address_ended"),
]
ACTS_OF_RECORDS = [
    ada("/audit/pack", "inquiry_pack_exported", lambda s: {"ref": s.ref["sent"]}),
    ada("/manage/records/export", "records_exported", {"form": "csv"}),
    ada(
        "/manage/records/hold",
        "hold_placed",
        lambda s: {"kind": "message", "about": s.ref["running"], **REASON},
    ),
    ada("/manage/records/{ref}/lift", "hold_lifted", REASON, ref=newest(legal_hold, "ref")),
    ada(
        "/messages/{ref}/redact",
        "message_redacted",
        {"words": VALUES["area"], "sure": "yes", **PERSONAL},
        ref=ref_of("running"),
    ),
]
ACTS_OF_MANAGING = [
    ada("/manage/rota", "duty_entered", from_now(name="ada", role="approver")),
    ada("/manage/rota/{uid}/seen", "duty_acknowledged", uid=newest(duty, "uid")),
    ada("/manage/rota/contact", "contact_changed", {"phone": "01632 960123", "mail": "ada@wyre.example"}),
    ada("/manage/rota/{uid}/remove", "duty_removed", uid=newest(duty, "uid")),
    ada(
        "/manage/delegations",
        "delegation_given",
        from_now(name="tom", templates="flood", scheme="Scheme of delegation 2026, 4.2"),
    ),
    ada("/manage/delegations/{ref}/end", "delegation_ended", REASON, ref=newest(delegation, "ref")),
    ada("/manage/templates/{name}/edit", "template_edited", edited_template, name="flood"),
    ada("/manage/templates/{name}/put-back", "template_put_back", {"version": "0", **REASON}, name="flood"),
    ada("/manage/templates/{name}/retire", "template_retired", REASON, name="road-closure"),
    ada("/manage/policy", "policy_text_set", {"words": "Warn early. Never guess."}),
    ada("/me/policy", "policy_acknowledged", {"version": "1"}),
    ada("/manage/users/{name}/sso", "sso_allowed", REASON, name="tom"),
]


def drill_in(state):
    """The newest drill that has come so far."""
    return lambda s: [d for d in s.world.parts.drills.listed(s.ada_herself()) if d.state == state][-1].ref


def planned_drill(s):
    fields = {"name": "Storm surge", "scenario": "The wall is low.", "template": "flood", "parts": "ada"}
    return {**fields, "starts": hours(s, 2)}


def another_drill(s):
    fields = {name: value for name, value in planned_drill(s).items() if name != "starts"}
    given = Plan(**{**fields, "parts": ["ada"]}, starts_at=s.world.later(3600))
    return s.world.parts.drills.plan(s.world.officer, given)


ACTS_OF_DRILLS = [
    ada("/drills", "drill_planned", planned_drill),
    ada("/drills/{ref}/start", "drill_started", ref=drill_in("planned")),
    ada("/drills/{ref}/end", "drill_ended", REASON, ref=drill_in("running")),
    ada("/drills/{ref}/cancel", "drill_cancelled", REASON, ref=another_drill),
]
ACTS_OF_THE_STORM = [
    ada("/storm/on", "storm_mode_on", REASON),
    ada(
        "/storm/held/{ref}",
        "held_decided",
        {"decision": "go-on"},
        ref=lambda s: s.world.release(channels=("website",), **NO_HURRY).ref,
    ),
    ada(
        "/storm/kinds/{kind}",
        "held_decided",
        {"decision": "drop", "why": "The storm is over"},
        kind=held_kind,
    ),
    ada("/storm/off", "storm_mode_off", REASON),
]
WATCHED = {"name": "Met Office", "url": "https://weather.example/atom.xml", "template": "severe-weather"}
ACTS_OF_FEEDS = [
    ada("/manage/feeds", "feed_added", WATCHED),
    ada("/warnings/{warning}/dismiss", "warning_dismissed", REASON, warning=laid),
    ada("/manage/feeds/{uid}/remove", "feed_removed", uid=newest(feed, "uid")),
]
THIS_HOOK = {"uid": newest(webhook, "uid")}
ACTS_OF_WEBHOOKS = [
    ada("/manage/webhooks", "webhook_added", {"url": "https://localhost/", "types": "alarm.raised"}),
    ada("/manage/webhooks/{uid}/change", "webhook_changed", {"url": "https://localhost/new"}, **THIS_HOOK),
    ada("/manage/webhooks/{uid}/rotate", "webhook_secret_changed", **THIS_HOOK),
    ada("/manage/webhooks/{uid}/test", "webhook_tested", **THIS_HOOK),
    ada("/manage/webhooks/{uid}/remove", "webhook_removed", **THIS_HOOK),
]
ACTS_OF_THE_DESK = [
    *ACTS_OF_INCIDENTS,
    *ACTS_OF_SCHEDULES,
    *ACTS_OF_RECORDS,
    *ACTS_OF_MANAGING,
    *ACTS_OF_DRILLS,
    *ACTS_OF_THE_STORM,
    *ACTS_OF_FEEDS,
    *ACTS_OF_WEBHOOKS,
]
