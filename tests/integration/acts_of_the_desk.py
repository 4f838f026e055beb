"""What a person does at the desk beside messages and users: incidents, the rota, delegations, templates, the policy to read, records.

For the table of acts in `test_console_acts.py`: (path, the event that it leaves, by whom, the act itself), in an order in which each
finds what it needs.
"""

from datetime import timedelta

from broadcaster.db.tables import delegation, duty, incident_action, legal_hold
from tests.builders import VALUES
from tests.integration.test_console_safety import filled
from tests.integration.test_templates import fields_of

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


GAS = "Gas leak in Dock Street"
AGREED = {"who": "Insp. Hall", "agency": "Police", "way": "telephone", "about": "Closing the road"}
PERSONAL = {"why": "personal-data", "authorised_by": "Data protection officer", **REASON}
OURS = {"ref": incident_of}

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
    ada("/manage/policy", "policy_text_set", {"words": "Warn early. Never guess."}),
    ada("/me/policy", "policy_acknowledged", {"version": "1"}),
    ada("/manage/users/{name}/sso", "sso_allowed", REASON, name="tom"),
]
ACTS_OF_THE_DESK = [*ACTS_OF_INCIDENTS, *ACTS_OF_RECORDS, *ACTS_OF_MANAGING]
