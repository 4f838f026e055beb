"""Watching the feeds of weather services: what is laid before the officers, once, and never more than that."""

import pytest

from broadcaster.db.tables import audit_event, feed, feed_warning, incident, incident_decision, message
from broadcaster.domain.errors import Invalid, NotAllowed, Stale
from broadcaster.domain.watching import Rule
from tests.integration.weather import FEED, WIND, Fetching, look, watch, watching

DATABASES = ("sqlite",)

#: Where databases differ, test_feeds_databases.py has both.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FILLED = {"next_update": "+3h", "source": "Duty officer, Wyre Council", "phone": "01632 960123"}


@pytest.fixture
def source():
    return Fetching()


def waiting(world):
    return world.parts.feed_warnings.waiting(world.officer)


def states(world):
    return [(row.kind, row.state) for row in sorted(world.rows(feed_warning), key=lambda r: r.id)]


def test_a_warning_that_concerns_us_lies_before_the_officers_filled_in(world, source):
    uid = watch(world, source)
    source.issue()
    source.issue(event="snow", headline="Yellow warning of snow")
    source.issue(severity="Minor")
    source.issue(area="Cornwall")
    source.issue(status="Test")
    source.issue(status="Exercise")
    found = look(world, uid)
    assert (found.warnings, found.laid, found.said) == (6, 1, "")
    (mine,) = waiting(world)
    shown = world.parts.feed_warnings.one(world.officer, mine.uid)
    values = dict(shown.filled.values)
    assert len(values.pop("expires")) == len("2026-11-21T18:00")
    assert values == {
        "colour": "Amber",
        "hazard": "wind",
        "area": "North West England",
        "action": "Keep off the seafront. Avoid driving.",
        "expect": "Gusts of up to 75 mph are expected near the coast, with large waves over the sea wall.",
        "severity": "Severe",
        "urgency": "Expected",
        "certainty": "Likely",
    }
    assert shown.filled.unfit == ()
    assert world.rows(message) == []
    assert world.acts().count("warning_heard") == 1


def test_the_officer_who_takes_it_over_is_its_author_and_cannot_approve_it(world, source):
    uid = watch(world, source)
    source.issue()
    look(world, uid)
    (mine,) = waiting(world)
    with pytest.raises(NotAllowed):
        world.parts.feed_warnings.take(world.approver, mine.uid, values=FILLED, channels=("website",))
    before = len(world.rows(audit_event))
    with pytest.raises(Invalid, match="cannot be filled in"):
        world.parts.feed_warnings.take(world.officer, mine.uid, values={}, channels=("website",))
    assert [each.uid for each in waiting(world)] == [mine.uid]
    made = world.parts.feed_warnings.take(world.officer, mine.uid, values=FILLED, channels=("website",))
    assert len(world.rows(audit_event)) == before + 1
    assert world.row(message, ref=made.ref).author_id == world.officer.id
    assert waiting(world) == []
    with pytest.raises(Stale, match="written from already, by olive"):
        world.parts.feed_warnings.dismiss(world.officer, mine.uid, reason="too late")
    submitted = world.parts.compose.submit(world.officer, made.ref)
    both = world.person("olive", "officer")
    with pytest.raises(NotAllowed):
        world.parts.approve.approve(both, submitted.ref, submitted.manifest_sha256)
    world.parts.approve.approve(world.approver, submitted.ref, submitted.manifest_sha256)


def test_to_dismiss_it_takes_a_reason_and_stands_among_the_decisions_of_an_incident(world, source):
    uid = watch(world, source)
    source.issue()
    look(world, uid)
    (mine,) = waiting(world)
    with world.refused(Invalid, "Give a reason"):
        world.parts.feed_warnings.dismiss(world.officer, mine.uid, reason="  ")
    auditor = world.person("audrey", "auditor")
    with world.refused(NotAllowed, "keep the record of an incident"):
        world.parts.feed_warnings.dismiss(auditor, mine.uid, reason="no")
    assert world.approver
    ref = world.parts.feed_warnings.dismiss(world.officer, mine.uid, reason="Only the hills of Cumbria.")
    whole = world.parts.incidents.whole(world.officer, ref)
    (decision,) = whole.decisions
    assert (decision.kind, decision.reason) == ("not-to-warn", "Only the hills of Cumbria.")
    assert "Met Office" in decision.what
    assert "Amber warning of wind" in decision.what
    assert whole.incident.closed_at is not None
    assert world.acts()[-1] == "warning_dismissed"
    with world.refused(Stale, "dismissed already, by olive"):
        world.parts.feed_warnings.dismiss(world.approver, mine.uid, reason="again")


def test_to_dismiss_it_can_stand_in_an_incident_that_is_open(world, source):
    uid = watch(world, source)
    source.issue()
    look(world, uid)
    opened = world.parts.incidents.open(world.officer, name="Storm Ada")
    (mine,) = waiting(world)
    assert (
        world.parts.feed_warnings.dismiss(world.officer, mine.uid, reason="In hand.", incident=opened.ref)
        == opened.ref
    )
    assert len(world.rows(incident)) == 1
    assert world.row(incident_decision, incident_id=opened.id).reason == "In hand."


def test_what_the_source_says_later_of_a_message_is_shown_on_it_and_laid_before_the_officers(world, source):
    uid = watch(world, source)
    first = source.issue()
    look(world, uid)
    (mine,) = waiting(world)
    made = world.parts.feed_warnings.take(world.officer, mine.uid, values=FILLED, channels=("website",))
    milder = source.issue(kind="Update", refers_to=first["identifier"], severity="Minor")
    look(world, uid)
    assert [each.kind for each in waiting(world)] == [
        "Update"
    ]  # less grave than the rule asks for, and still news
    source.issue(kind="Cancel", refers_to=milder["identifier"])
    look(world, uid)
    (cancel,) = waiting(world)
    shown = world.parts.feed_warnings.one(world.officer, cancel.uid)
    assert (cancel.kind, shown.about) == ("Cancel", (made.ref,))
    said = world.parts.feed_warnings.of_message(world.officer, made.ref)
    assert [each.kind for each in said] == ["Alert", "Update", "Cancel"]
    record = world.parts.feed_warnings.dismiss(world.officer, cancel.uid, reason="All clear is written.")
    assert record == world.parts.incidents.of_message(world.officer, made.ref).ref


def test_an_update_of_what_was_dismissed_is_laid_before_them_again(world, source):
    uid = watch(world, source)
    first = source.issue()
    look(world, uid)
    world.parts.feed_warnings.dismiss(world.officer, waiting(world)[0].uid, reason="Far away.")
    source.issue(kind="Update", refers_to=first["identifier"], severity="Extreme")
    look(world, uid)
    assert [each.kind for each in waiting(world)] == ["Update"]


def test_what_ends_before_anybody_decides_is_on_record(world, source):
    uid = watch(world, source)
    source.issue(hours=100_000)
    look(world, uid)
    world.parts.feeds.lapse()
    assert len(waiting(world)) == 1
    world.change(feed_warning, {"ends_at": world.now()}, id=waiting(world)[0].id)
    assert (world.parts.feeds.lapse(), world.parts.feeds.lapse()) == (1, 0)
    assert states(world) == [("Alert", "lapsed")]
    assert world.acts()[-1] == "warning_lapsed"


FAULTS = {
    "broken": "it is no whole XML",
    "huge": "too_much",
    "500": "answered_500",
    "entities": "it has a document type, which no feed needs and attacks do",
    "html": "it is neither Atom, RSS nor CAP",
}


def test_a_source_that_fails_is_asked_later_and_later_and_then_told_of(world, source, subtests):
    uid = watch(world, source)
    for kind, said in FAULTS.items():
        with subtests.test(kind):
            source.fail(kind)
            assert look(world, uid).said == said
    (row,) = world.rows(feed)
    assert (row.tries, row.failing_since is not None, row.said) == (5, True, FAULTS["html"])
    with world.database.read() as tx:
        assert (row.next_at - tx.now()).total_seconds() > 900
    world.parts.alarms.look()
    assert not [a for a in world.parts.alarms.watch().alarms if a.code == "feed_failing"]
    world.clock.advance(3_601)
    world.parts.alarms.look()
    (alarm,) = [a for a in world.parts.alarms.watch().alarms if a.code == "feed_failing"]
    assert "Met Office" in alarm.text
    source.fail("")
    source.issue(hours=100_000)
    assert look(world, uid).laid == 1
    world.parts.alarms.look()
    assert not [a for a in world.parts.alarms.watch().alarms if a.code == "feed_failing"]


def test_a_source_that_is_silent_for_longer_than_it_should_be_is_told_of(world, source):
    uid = watch(world, source, silent_h=2)
    look(world, uid)
    world.clock.advance(2 * 3_600 + 1)
    look(world, uid)
    world.parts.alarms.look()
    assert [a.code for a in world.parts.alarms.watch().alarms if a.subject == "Met Office"] == [
        "feed_failing"
    ]


def test_an_alert_that_cannot_be_fetched_keeps_no_other_back_and_is_asked_for_again(world, source):
    uid = watch(world, source)
    first = source.issue()
    source.pages[f"http://weather.example/weather/{first['identifier']}.cap.xml"] = "ReadTimeoutError"
    source.issue(headline="Red warning of wind")
    found = look(world, uid)
    assert (found.laid, found.said) == (1, "linked alert: ReadTimeoutError")
    source.pages.clear()
    found = look(world, uid)
    assert (found.laid, found.said) == (1, "")


def test_only_administrators_say_what_is_watched_and_each_change_is_one_event(world, source):
    service = watching(world, source)
    given = {"name": "Met Office", "url": FEED, "every_s": 60, "rules": (WIND,)}
    for who in (world.officer, world.approver):
        with world.refused(NotAllowed, "Only an administrator"):
            service.add(who, **given)
    uid = service.add(world.administrator, **given)
    for wrong, told in (
        ({"name": "met office"}, "there is a feed"),
        ({"every_s": 1}, "every: give"),
        ({"rules": ()}, "rules: give"),
        ({"rules": (Rule(template="severe-wether"),)}, "severe-weather"),
        ({"rules": (Rule(template="severe-weather", blanks={"colr": "x"}),)}, "has no blank colr"),
    ):
        with pytest.raises(Invalid) as caught:
            service.add(world.administrator, **{**given, "name": "Other", **wrong})
        assert told in " ".join([caught.value.text, *caught.value.details])
    service.change(world.administrator, uid, url=FEED, every_s=120, rules=(WIND,))
    service.remove(world.administrator, "Met Office")
    acts = [act for act in world.acts() if act.startswith("feed_")]
    assert acts == ["feed_added", "feed_changed", "feed_removed"]
    assert service.listed(world.administrator) == []
    source.issue()
    assert (service.look(), source.asked) == (0, [])
