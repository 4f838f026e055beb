"""What a person does about the approval clock, for the table of acts in `test_console_acts.py`."""

from datetime import timedelta

from broadcaster.db.tables import break_glass, election_period, page_request, pre_authorisation
from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.message import Mode
from broadcaster.service.alarms import raise_alarm
from broadcaster.service.findings import Finding
from tests.integration.acts_of_the_desk import REASON, ada, from_now, newest
from tests.integration.authorised import EVENT, NAME, authorise, bounds, draft, switch
from tests.integration.authorised import REASON as WHY


def waits(s):
    """Somebody is paged about it."""
    s.ref["paged"] = s.world.submit(channels=("website",)).ref
    s.world.parts.paging.look()
    return s.ref["paged"]


def cannot_wait(s):
    """Somebody technical is paged about an alarm."""
    with s.world.database.write() as tx:
        raise_alarm(
            tx, Finding(code=AlarmCode.ACCOUNT_PAUSED, subject="live/page", text="The token has expired.")
        )
    return newest(page_request, "uid")(s)


def within_bounds(s):
    authorise(s.world)
    ref = s.world.parts.compose.submit(s.world.officer, draft(s.world)).ref
    s.ref["alone"] = ref
    return ref


def nobody_answers(s):
    switch(s.world, "break-glass", "public-50000")
    s.ref["glass"] = s.world.submit(channels=("website",)).ref
    return s.ref["glass"]


def to_review(s):
    """Of olive's, in an exercise."""
    ref = s.world.draft(channels=("website",), mode=Mode.EXERCISE)
    made = s.world.parts.compose.submit(s.world.officer, ref)
    s.world.parts.send_alone.break_glass(s.world.officer, ref, made.manifest_sha256, WHY)
    return newest(break_glass, "uid")(s)


def proposed(s):
    ends = s.world.now() + timedelta(days=9)
    anna = s.world.person("anna", "approver")
    return s.world.parts.pre_authorise.propose(anna, NAME, bounds(), ends_at=ends, reason="plan").ref


def as_typed(s):
    """The form of a proposal."""
    given = {"template": NAME, "events": EVENT, "channels": "website", **REASON}
    for name, bound in bounds().blanks.items():
        given[f"choices-{name}"], given[f"hours-{name}"] = "\n".join(bound.choices), str(bound.hours or "")
    return {**given, "ends": from_now()(s)["ends"]}


def newest_hash(s):
    return {"sha256": newest(pre_authorisation, "sha256")(s)}


ACTS_OF_THE_CLOCK = [
    ada("/messages/{ref}/on-it", "page_acknowledged", ref=waits),
    ada("/pages/{uid}/on-it", "page_acknowledged", uid=cannot_wait),
    ada(
        "/messages/{ref}/alone",
        "message_approved_and_released",
        lambda s: {"real": "yes", "event": EVENT, "hash": s.hash_of("alone")},
        ref=within_bounds,
    ),
    ada(
        "/messages/{ref}/break-glass",
        "message_approved_and_released",
        lambda s: {"real": "yes", "reason": WHY, "hash": s.hash_of("glass")},
        ref=nobody_answers,
    ),
    ada(
        "/break-glass/{uid}/review",
        "break_glass_reviewed",
        {"verdict": "avoidable", "finding": "Anna was at her desk."},
        uid=to_review,
    ),
    ada("/manage/pre-authorised", "pre_authorisation_proposed", as_typed),
    ada("/manage/pre-authorised/{ref}/confirm", "pre_authorisation_confirmed", newest_hash, ref=proposed),
    ada(
        "/manage/pre-authorised/{ref}/end",
        "pre_authorisation_ended",
        REASON,
        ref=newest(pre_authorisation, "ref"),
    ),
    ada("/manage/elections", "election_period_set", from_now()),
    ada("/manage/elections/names", "election_names_changed", {"names": "Cllr Jo Swan\nSam Reed"}),
    ada("/manage/elections/{ref}/end", "election_period_ended", ref=newest(election_period, "ref")),
]
