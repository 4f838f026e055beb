"""Notices in several languages: what is said anew, what is said once, and what a machine can see that differs."""

from dataclasses import replace

import pytest

from broadcaster.domain.checks.agreement import check_agreement, tokens
from broadcaster.domain.errors import Invalid
from broadcaster.domain.languages import LanguagePolicy, Speaking, Spoken, fill_all
from broadcaster.domain.message import Mode
from broadcaster.domain.mutations import forms_of
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.times import time_in_words
from broadcaster.domain.tongues import TONGUES, WELSH
from broadcaster.domain.translation import SAID_ANEW
from broadcaster.render.names import bilingual_names
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_notices
from broadcaster.render.posts import Renderer, together
from broadcaster.service.room import room_of
from tests.unit.shipped import LINK, LONDON, NOW, opened

BOTH = [(name, code) for name, template in shipped_notices().items() for code in template.languages]


def said_in(name, code, **changed):
    """The example, with stand-ins for what a translator would write: numbers and links as they are in the English."""
    template, values = shipped_notice(name), shipped_example(name)
    for blank in template.blanks:
        if (
            blank.type in SAID_ANEW
            and blank.name not in template.languages[code].same
            and values.get(blank.name)
        ):
            digits = " ".join(tokens(values[blank.name]).elements())
            values[f"{blank.name}.{code}"] = f"Geiriau {digits}".strip()[: blank.max_chars]
    values |= changed
    return fill_all(template, values, ("en", code), zone=LONDON, now=NOW)


def differences(name, code, names=None, **changed):
    filled = said_in(name, code, **changed)
    found = check_agreement(
        filled.facts, filled.spoken.facts[code], language=code, main_language="en", names=names or {}
    )
    return [each.line for each in found]


@pytest.mark.parametrize(("name", "code"), BOTH)
def test_the_shipped_wording_says_the_same_numbers_times_and_links(name, code):
    assert differences(name, code) == []


@pytest.mark.parametrize(("name", "code"), BOTH)
def test_the_shipped_wording_can_be_rendered_for_every_channel(name, code):
    filled = said_in(name, code)
    for channel in ("website", "facebook", "x", "sms"):
        made = opened(channel)
        post = Renderer().render(
            filled.spoken.facts[code],
            channel=channel,
            account="wyre",
            reference="7F3K2M",
            link=LINK,
            mode=Mode.LIVE,
            language=code,
            zone=LONDON,
            room=room_of(made, kept=shipped_notice(name).must_keep),
        )
        assert made.check(post.at_widest()) == []
        assert (post.language, f"sequence_{code}" in post.late_slots()) == (code, True)
        assert "until" not in post.text


def test_what_differs_is_named_with_what_to_do():
    said = {
        "action": "Leave by 6pm. Ring 01632 960 123.",
        "advice": "See https://a.example/1. 2.5 m, 1,000 people.",
    }
    same = {
        "action.cy": "Gadewch erbyn 18:00. Ffoniwch 01632 960123.",
        "advice.cy": "https://a.example/1: 1.000, 2,5 m.",
    }
    assert differences("severe-weather", "cy", **said, **same) == []
    wrong = {**same, "action.cy": "Gadewch erbyn 19:00. Ffoniwch 01632 960124."}
    cure = "Make them equal. Write times like 6pm or 18:00 in both, and numbers in digits."
    assert differences("severe-weather", "cy", **said, **wrong) == [
        f"instruction (Welsh): lacks 18:00, 01632960123, which English has. {cure}",
        f"instruction (Welsh): has 19:00, 01632960124, which English lacks. {cure}",
    ]
    less = {**same, "advice.cy": "https://a.example/2: 1000, 25 m."}
    assert len(differences("severe-weather", "cy", **said, **less)) == 2


@pytest.mark.parametrize(
    ("english", "welsh", "agree"),
    [
        ("Cardiff and Barry", "Caerdydd a'r Barri", True),
        ("from Cardiff to Swansea", "o Gaerdydd i Abertawe", True),
        ("in Bridgend", "ym Mhen-y-bont ar Ogwr", True),
        ("Cardiff and Barry", "Caerdydd", False),
        ("Barry", "Caerdydd a'r Barri", False),
        ("Cardiff", "Cardiff", False),
        ("Fleetwood", "Fleetwood", True),
    ],
)
def test_places_are_compared_through_the_list_of_names(english, welsh, agree):
    said = {"area": english, "area.cy": welsh}
    assert (differences("severe-weather", "cy", bilingual_names(None)["cy"], **said) == []) is agree


def test_a_name_that_welsh_does_not_change_has_one_form():
    assert forms_of("Chepstow") == {"Chepstow"}
    assert forms_of("Y Barri") == {"Barri", "Farri", "Marri"}


def test_times_stand_in_the_words_of_each_language():
    at = NOW.replace(hour=18, minute=5)
    assert time_in_words(at, tongue=WELSH) == "6:05pm ddydd Sadwrn 21 Tachwedd"
    assert time_in_words(at, short=True, tongue=WELSH) == "6:05pm Sad 21 Tach"
    assert time_in_words(at, tongue=TONGUES["es"]) == "sábado 21 de noviembre, 18:05 h"
    assert time_in_words(NOW.replace(hour=0, minute=0), tongue=WELSH) == "00:00 ddydd Sadwrn 21 Tachwedd"


def test_prose_is_needed_in_each_language_and_all_else_once():
    with pytest.raises(Invalid) as caught:
        said_in(
            "severe-weather",
            "cy",
            **{"action.cy": "", "advice.cy": "", "phone": "x", "phone.cy": "1", "area.es": "A"},
        )
    told = sorted(caught.value.details)
    assert told == [
        "action.cy: is needed in Welsh too; fill it in, or leave Welsh out for now",
        "advice.cy: is filled in in English only; say it in Welsh too, or leave both empty",
        "phone.cy: is the same in every language; fill it in once, in the template's own",
        "phone: must be a phone number, such as 01632 960123",
    ]


def test_what_the_list_of_names_has_whole_need_not_be_typed_again():
    template, values = shipped_notice("severe-weather"), said_in_values()
    del values["source.cy"]
    names = {"cy": {"Duty officer, Wyre Council": "Swyddog, Cyngor Wyre"}}
    filled = fill_all(template, values, ("cy", "en"), zone=LONDON, names=names, now=NOW)
    assert filled.spoken.facts["cy"].source == "Swyddog, Cyngor Wyre"
    assert filled.spoken.facts["cy"].headline == "Rhybudd Oren: Geiriau"
    assert Spoken.from_json(filled.spoken.to_json()) == filled.spoken


def said_in_values():
    template, values = shipped_notice("severe-weather"), shipped_example("severe-weather")
    prose = [b.name for b in template.blanks if b.type in SAID_ANEW]
    return values | {f"{name}.cy": "Geiriau" for name in prose if name in values}


def test_an_installation_says_in_which_order_languages_stand():
    template = shipped_notice("severe-weather")
    welsh_first = LanguagePolicy(order=("cy", "en"))
    assert welsh_first.order_for(template) == ("cy", "en")
    assert welsh_first.order_for(template, ()) == ()
    assert welsh_first.left_out(template, ()) == ["cy"]
    assert welsh_first.order_for(template, ("es",)) == ("en", "es")
    assert LanguagePolicy().order_for(template) == ()
    assert LanguagePolicy().order_for(template, ("CY",)) == ("en", "cy")


def test_who_speaks_what_is_written_as_one_word():
    spoken = Spoken(order=("cy", "en", "es"), facts=dict.fromkeys(("cy", "es"), said_in("flood", "cy").facts))
    assert [str(spoken.speaking(code)) for code in spoken.order] == ["cy", "-cy -es", "es"]
    assert Speaking.read("-cy -es") == spoken.speaking("en")
    assert str(Spoken().speaking("en")) == ""


def test_two_languages_make_one_post_only_where_all_of_it_fits():
    filled = said_in("road-closure", "cy")
    posts = [
        Renderer().render(
            facts,
            channel="facebook",
            account="a",
            reference="R",
            link="",
            mode=Mode.EXERCISE,
            language=code,
            zone=LONDON,
        )
        for code, facts in (("cy", filled.spoken.facts["cy"]), ("en", filled.facts))
    ]
    whole = together(posts, lambda post: len(post.text) < 5000)
    assert whole.language == "mul"
    assert whole.late_slots() == ["sent_at", "sequence", "sequence_cy"]
    assert whole.text.startswith("EXERCISE / YMARFER")
    assert whole.text.endswith("EXERCISE")
    assert together(posts, lambda post: len(post.text) < 100) is None
    assert together([replace(posts[0], left_out=("details",)), posts[1]], lambda _: True) is None


def test_a_translation_that_could_say_something_else_is_refused():
    content = shipped_notice("severe-weather").to_json()
    other = content["languages"]["cy"]
    wrong = {
        **other,
        "wording": {**other["wording"], "headline": "Rhybudd", "starts": "((starts))"},
        "choices": {},
    }
    with pytest.raises(Invalid) as caught:
        NoticeTemplate.from_json({**content, "languages": {"cy": wrong, "pl": other}})
    assert [each.partition(":")[0] for each in caught.value.details] == [
        "headline.cy",
        "starts.cy",
        "colour.cy",
        "languages",
    ]
