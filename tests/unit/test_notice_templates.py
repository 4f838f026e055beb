"""Notice templates themselves: what ships, what is refused, and that a stored version comes back the same."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from broadcaster.domain.blanks import BlankType
from broadcaster.domain.canonical import canonical
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.render.notices import (
    read_notice,
    read_values,
    shipped_example,
    shipped_notice,
    shipped_notices,
)


def severe_weather(**changes: Any) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(canonical(shipped_notice("severe-weather").to_json()))
    return stored | changes


def problems(data: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(Invalid) as caught:
        NoticeTemplate.from_json(data)
    return caught.value.details


def test_severe_weather_ships_and_asks_for_what_people_need() -> None:
    blanks = {blank.name: blank for blank in shipped_notices()["severe-weather"].blanks}
    assert blanks["colour"].type is BlankType.CHOICE
    assert [choice.lower() for choice in blanks["colour"].choices] == ["yellow", "amber", "red"]
    needed = {name for name, blank in blanks.items() if blank.required}
    assert needed == {"colour", "hazard", "area", "action", "expires", "next_update", "source", "phone"}


def test_every_blank_that_ships_has_a_label_a_help_and_an_example() -> None:
    for template in shipped_notices().values():
        for blank in template.blanks:
            assert blank.label, blank.name
            assert blank.help, blank.name
            assert blank.example, blank.name


def test_every_time_blank_that_ships_says_how_to_give_a_length_of_time() -> None:
    for template in shipped_notices().values():
        for blank in template.blanks:
            if blank.type is BlankType.TIME:
                assert re.search(r"\+\d+h", blank.help), blank.name


def test_phone_numbers_that_ship_are_kept_for_fiction_by_ofcom() -> None:
    for name, template in shipped_notices().items():
        for blank in template.blanks:
            if blank.type is BlankType.PHONE:
                assert re.fullmatch(r"01632 960\d{3}", blank.example)
                assert re.fullmatch(r"01632 960\d{3}", shipped_example(name)[blank.name])


def test_an_unknown_notice_is_told_the_nearest_name() -> None:
    with pytest.raises(NotFound, match='Did you mean "severe-weather"'):
        shipped_notice("sever-wether")
    with pytest.raises(NotFound, match="severe-weather"):
        shipped_example("../notices/severe-weather")


def test_a_stored_version_comes_back_the_same() -> None:
    template = shipped_notice("severe-weather")
    again = NoticeTemplate.from_json(severe_weather())
    assert again == template
    assert again.sha256 == template.sha256


def test_another_wording_is_another_version() -> None:
    template = shipped_notice("severe-weather")
    other = replace(template, wording={**template.wording, "contact": "Ring us: ((phone))."})
    assert other.sha256 != template.sha256


def test_every_fault_of_a_template_is_listed_at_once() -> None:
    data = severe_weather()
    data["wording"] |= {"contact": "((fone))", "headlin": "x", "area": "((", "expires": "at ((expires))"}
    data["blanks"][0]["choices"] = []
    found = "\n".join(problems(data))
    for expected in (
        "phone: no wording uses this blank",
        'fone: the wording uses this blank, but there is none. Did you mean "phone"?',
        'headlin: there is no such fact. Did you mean "headline"?',
        "area: (( and )) are kept for blanks",
        "expires: must be one time blank",
        "colour: a choice has choices",
    ):
        assert expected in found


@pytest.mark.parametrize("fact", ["headline", "area", "instruction", "expires", "source"])
def test_a_fact_that_every_post_needs_cannot_be_left_unworded(fact: str) -> None:
    data = severe_weather()
    del data["wording"][fact]
    assert f"{fact}: needs wording that is there whatever is left empty" in problems(data)


def test_a_needed_fact_cannot_hang_on_an_optional_blank() -> None:
    data = severe_weather()
    data["wording"]["instruction"] = "((advice))"
    assert "instruction: needs wording that is there whatever is left empty" in problems(data)


@pytest.mark.parametrize("name", ["severity", "sent_at", "sequence"])
def test_names_with_another_meaning_cannot_name_a_blank(name: str) -> None:
    data = severe_weather()
    data["blanks"][0]["name"] = name
    assert f"{name}: this name is kept for something else; choose another" in problems(data)


def test_two_blanks_of_one_name_are_refused() -> None:
    data = severe_weather()
    data["blanks"].append(data["blanks"][0])
    assert problems(data) == ("colour: there are two blanks of this name; rename one",)


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": "Terrible"}, {"channels": "website"}, {"blanks": ["colour"]}, {"wording": "text"}, {"colour": "x"},
        {"blanks": [{"name": "a", "label": "A", "type": "colour"}]}, {"blanks": [{"name": "a", "label": "A"}]},
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="template"):
        NoticeTemplate.from_json(severe_weather(**changes))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"title = ", "cannot be read: Invalid value"),
        (b"\xff", "cannot be read: 'utf-8' codec"),
        (b'title = "Storm"', 'must have "severity"'),
    ],
)
def test_a_broken_file_is_named_with_its_problem(content: bytes, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_notice(content, name="storm", file="templates/notices/storm.toml")
    assert caught.value.text.startswith("templates/notices/storm.toml")
    assert said in caught.value.text


def test_values_in_a_file_name_their_template() -> None:
    assert read_values(b'notice = "storm"\n[values]\narea = "Here"', file="a.toml") == (
        "storm",
        {"area": "Here"},
    )


@pytest.mark.parametrize(
    "content", [b"", b'notice = "a"', b"[values]", b"notice = 1\n[values]", b'notice = "a"\nx = 1\n[values]']
)
def test_a_file_of_another_shape_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"a\.toml must have notice"):
        read_values(content, file="a.toml")


def test_a_value_without_quotes_is_refused_by_its_name() -> None:
    with pytest.raises(Invalid) as caught:
        read_values(b'notice = "a"\n[values]\ngusts = 75\nstarts = 2026-11-21T18:00:00', file="a.toml")
    assert [line.split(":")[0] for line in caught.value.details] == ["gusts", "starts"]
