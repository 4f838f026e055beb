"""The notice templates that ship: what each post carries, what it never says, and that it is plain."""

import re
from datetime import date

import pytest

from broadcaster.domain.errors import Invalid
from broadcaster.domain.notice import fill
from broadcaster.domain.notice_lacks import lacks
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_notices
from tests.unit.shipped import LINK, LONDON, NOW, example, read

LONG, SHORT = ("website", "facebook"), ("x", "sms")
CHANNELS = LONG + SHORT
PHONE = "01632 960123"

# What shared/PEOPLE.md asks of each: in every post; for people without internet; on the website and Facebook.
# A text message and X have room for what saves lives; both carry the link to the rest.
MUST_CARRY: dict[str, tuple[list[str], list[str], list[str]]] = {
    "severe-weather": (["Amber wind warning", "Keep off the seafront"], [PHONE], ["Met Office"]),
    "flood": (
        ["Flood warning", "Keep out of flood water"],
        [f"Floodline, any hour: {PHONE}"],
        ["Environment Agency", "Do not walk or drive through"],
    ),
    "evacuation": (
        [
            "ordered by Lancashire Police",
            "Fleetwood north of Ash Road",
            "Leave by 6pm Sat 21 Nov",
            "the A585",
            "Poulton YMCA",
        ],
        [f"Help: {PHONE}"],
        ["Pets: bring them", "medicines", f"ring {PHONE}", "Do not go back"],
    ),
    "shelter-in-place": (
        ["Stay indoors", "Close doors, windows and vents", "News by 6pm Sat 21 Nov"],
        [PHONE],
        ["How long: ", "until about 10pm Saturday 21 November", "even if nothing has changed"],
    ),
    "road-closure": (
        ["A585 closed", "Between Eagland Hill and Fleetwood docks", "both directions", "Use the A588"],
        [PHONE],
        ["estimate"],
    ),
    "school-closure": (
        ["Manor Beach Primary School, Cleveleys", "collect children from the main hall by 1pm"],
        [PHONE],
        ["Meals: children who get free meals"],
    ),
    "water-supply": (
        ["Boil water before drinking", "Postcodes FY7 6 and FY7 7", "Wyre Water: boil and cool it"],
        [PHONE],
        ["Babies' feeds: ", "Dialysis at home: ", "Bottled water: Fleetwood Market"],
    ),
    "power-cut": (
        ["Ring 105", "medical equipment", "Power back (estimate): 8pm Sat 21 Nov"],
        [],
        ["This is an estimate", "ring 105 now and say so", "105 is free"],
    ),
    "heat-cold-snow": (
        ["Amber cold-health alert", "Check on neighbours"],
        [PHONE],
        ["UK Health Security Agency", "Where you can go: Fleetwood Library", "Check on neighbours, friends"],
    ),
    "service-disruption": (
        ["Council phones not working", "Use instead: our website", "Still working: the out-of-hours line"],
        [PHONE],
        [],
    ),
    "missing-person": (
        ["Sam Sample is missing", PHONE, "ref LC-0421"],
        [],
        [
            "The police say: Sam, aged 15",
            "Photo, from the police: https://police.example/",
            "Agreed for the police by their duty inspector",
            "take the name and photo down everywhere",
        ],
    ),
    "person-found": (
        ["The missing person has been found", "delete the name and photo", "LC-0421"],
        [],
        ["taken the name and photo down everywhere", "Thank you for looking"],
    ),
    "rumour-correction": (
        ["What is true about tap water", "Wyre Water confirms: it meets every standard"],
        [PHONE],
        ["Wyre Water confirmed this at 3:47pm Saturday 21 November"],
    ),
    "all-clear": (
        ["All clear from Environment Agency", "Flooding is over", "Still dangerous: mud, wet electrics"],
        [PHONE],
        ["declared the all clear at 3:47pm Saturday 21 November"],
    ),
    "sent-in-error": (
        [
            "Message 4DX9QA was sent in error",
            "You need do nothing",
            "It wrongly ordered an evacuation",
        ],
        [PHONE],
        ["If you have told others"],
    ),
}
NAMES = sorted(MUST_CARRY)
JARGON = re.compile(
    r"\b(inundat\w*|multi-agency|stakeholders?|cascad\w*|utilis\w*|commenc\w*|prior to|in the vicinity|persons|"
    r"proceed\w*|mitigat\w*|resilien\w*|ingress|egress|ongoing|precautionary|dwellings?|e\.g|i\.e|etc|"
    r"in the event of|affected properties|please be advised|at this time|facilitat\w*)\b",
    re.IGNORECASE,
)

every_notice = pytest.mark.parametrize("name", NAMES)
every_channel = pytest.mark.parametrize("channel", CHANNELS)


# --- what is there -------------------------------------------------------------------------------------------


def test_the_fifteen_ship_and_no_other() -> None:
    assert sorted(shipped_notices()) == NAMES
    assert len(NAMES) == 15


@every_notice
def test_nothing_is_missing_from_a_template(name: str) -> None:
    template = shipped_notice(name)
    assert lacks(template, date(2026, 11, 21)) == ()
    assert {"website", "facebook", "x"} <= set(template.channels)
    assert all(blank.label and blank.help and blank.example for blank in template.blanks)


@every_notice
def test_the_expiry_has_a_default_unless_it_is_the_met_offices(name: str) -> None:
    (expiry,) = (blank for blank in shipped_notice(name).blanks if blank.name == "expires")
    assert bool(expiry.default) == (name != "severe-weather")
    if expiry.default:
        assert example(name, expires="").expires == example(name, expires=expiry.default).expires


@every_notice
def test_every_example_of_a_blank_can_be_typed(name: str) -> None:
    template = shipped_notice(name)
    assert fill(template, {b.name: b.example for b in template.blanks}, zone=LONDON, now=NOW)


# --- what every post carries ---------------------------------------------------------------------------------


@every_channel
@every_notice
def test_every_post_carries_what_people_need(name: str, channel: str) -> None:
    everywhere, to_ring, where_there_is_room = MUST_CARRY[name]
    text = read(channel, name)
    needed = [*everywhere]
    needed += to_ring
    needed += where_there_is_room if channel in LONG else []
    assert [each for each in needed if each not in text] == []


@every_channel
@every_notice
def test_every_post_says_what_where_until_when_who_and_reference(name: str, channel: str) -> None:
    facts, text = example(name), read(channel, name)
    for needed in (facts.headline, facts.area, facts.instruction, facts.source, "Ref 7F3K2M", LINK):
        assert needed in text
    assert re.search(r"(am|pm|midday|midnight)\b.* until (.*am|.*pm|midday|midnight)\b", text)
    assert "((" not in text
    assert "))" not in text


@every_notice
def test_a_number_to_ring_stands_in_every_text_message(name: str) -> None:
    assert re.search(rf"{PHONE}|\b105\b", read("sms", name))


# --- that it is plain ----------------------------------------------------------------------------------------


@every_channel
@every_notice
def test_no_sentence_has_more_than_25_words(name: str, channel: str) -> None:
    sentences = re.split(r"(?<=[.!?])\s+|\n", read(channel, name))
    assert [each for each in sentences if len(each.split()) > 25] == []


@every_notice
def test_no_jargon_and_no_abbreviation_that_is_not_explained(name: str) -> None:
    template = shipped_notice(name)
    asked = " ".join(f"{b.label} {b.help} {b.example} {' '.join(b.choices)}" for b in template.blanks)
    said = " ".join((*template.wording.values(), *shipped_example(name).values()))
    assert JARGON.findall(f"{said} {asked} {template.help} {' '.join(template.never)}") == []
    assert re.findall(r"\b[A-Z]{2,}\b", " ".join(template.wording.values())) == []


@every_notice
def test_a_template_keeps_to_what_it_refuses(name: str) -> None:
    template = shipped_notice(name)
    choices = [choice for blank in template.blanks for choice in blank.choices]
    found = []
    for refusal in template.refused:
        beside = [
            text
            for text in template.wording.values()
            if not refusal.blanks or any(f"(({blank}))" in text for blank in refusal.blanks)
        ]
        found += [refusal.found_in(text) for text in (*beside, *choices)]
    assert [each for each in found if each] == []


# --- what never appears --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "blank", "typed", "refused"),
    [
        ("missing-person", "police_wording", "Sam has dementia.", "dementia"),
        ("missing-person", "police_wording", "Sam left a care home at noon.", "care home"),
        ("missing-person", "police_wording", "Sam lives at 12 Lord Street.", "12 Lord Street"),
        ("missing-person", "area", "Near FY7 6AB", "FY7 6AB"),
        ("missing-person", "police_wording", "A suspect is with Sam.", "suspect"),
        ("missing-person", "police_wording", "Sam may be in a refuge.", "refuge"),
        ("evacuation", "boundary", "14a Lord Street and the rest", "14a Lord Street"),
        ("evacuation", "rest_centre", "The women's refuge", "refuge"),
        ("evacuation", "advice", "Dock Road is left  empty.", "left  empty"),
        ("evacuation", "route", "the A585, which is Safe", "Safe"),
        ("evacuation", "reason", "Three people are injured.", "Three people are injured"),
        ("flood", "expect", "2 dead so far.", "2 dead"),
        ("shelter-in-place", "advice", "There is no danger upstairs.", "no danger"),
        ("road-closure", "reason", "A lorry was speeding.", "speeding"),
        ("school-closure", "reason", "A pupil has measles.", "pupil has"),
        ("water-supply", "postcodes", "FY7 6AB", "FY7 6AB"),
        ("power-cut", "warm_places", "We promise power by ten.", "promise"),
        ("rumour-correction", "topic", "the fake water scare", "fake"),
        ("all-clear", "dangers", "nothing", "nothing"),
        ("all-clear", "advice", "It is safe to return.", "safe"),
        ("sent-in-error", "wrong", "A member of staff pressed it.", "member of staff"),
        ("severe-weather", "advice", "The pier is safe.", "safe"),
    ],
)
def test_what_never_appears_is_refused_with_its_reason(
    name: str, blank: str, typed: str, refused: str
) -> None:
    with pytest.raises(Invalid) as caught:
        example(name, **{blank: typed})
    (problem,) = caught.value.details
    assert problem.startswith(f'{blank}: has "{refused}" in it. ')
    assert len(problem) > len(f'{blank}: has "{refused}" in it. ') + 20  # and says what to do


@pytest.mark.parametrize(
    ("name", "blank", "typed"),
    [
        ("evacuation", "rest_centre_details", "Poulton YMCA, 14 Breck Road, FY6 7PU."),
        ("evacuation", "reason", "Bring injured people to the fire crews."),
        ("water-supply", "postcodes", "FY7 6, FY7 7 and FY8"),
        ("missing-person", "police_wording", "Sam was last seen by Fleetwood Hospital."),
        ("missing-person", "police_wording", "Sam, 15, has been gone for 2 days and wears a safety vest."),
        ("flood", "advice", "Sandbags are at Safehaven Hall, 12 Station Road."),
    ],
)
def test_what_people_need_is_not_refused(name: str, blank: str, typed: str) -> None:
    assert example(name, **{blank: typed})


@every_notice
def test_the_officer_is_told_what_it_never_says(name: str) -> None:
    never = " ".join(shipped_notice(name).never).lower()
    assert "home address" in never or name == "road-closure"
    assert "dead or hurt people" in never
    assert "blame" in never


@every_notice
def test_no_news_is_promised_for_a_time_that_has_passed(name: str) -> None:
    for blank in shipped_notice(name).blanks:
        if blank.name in {"next_update", "leave_by", "estimate"}:
            with pytest.raises(Invalid) as caught:
                example(name, **{blank.name: "2026-11-21T15:00"})
            assert caught.value.details[0].startswith(f"{blank.name}: has passed (3pm Saturday 21 November)")
