"""What a notice template tells and refuses an officer, what it may lack, and how the command line shows all that."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.domain.canonical import canonical, sha256
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Facts
from broadcaster.domain.notice import NoticeTemplate, fill
from broadcaster.domain.notice_lacks import lacks
from broadcaster.domain.refusal import Refusal, Shape
from broadcaster.render.notices import read_notice, shipped_example, shipped_notice

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 21, 15, 47, tzinfo=UTC)
TODAY = date(2026, 11, 21)
FLOOD = Path(__file__).parents[2] / "templates" / "notices" / "flood.toml"
LATER = {"languages", "help", "never", "refused", "must_keep", "review_by"}


def flood(**changes: Any) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(canonical(shipped_notice("flood").to_json()))
    return stored | changes


def of_the_first_days() -> dict[str, Any]:
    """A template as it was stored before there were guidance, defaults and times ahead."""
    stored = {key: value for key, value in flood().items() if key not in LATER}
    stored["blanks"] = [
        {k: v for k, v in blank.items() if k not in {"default", "ahead"}} for blank in stored["blanks"]
    ]
    return stored


def faults(data: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(Invalid) as caught:
        NoticeTemplate.from_json(data)
    return caught.value.details


def filled(**changes: str) -> Facts:
    values = {**shipped_example("flood"), **changes}
    return fill(shipped_notice("flood"), values, zone=LONDON, now=NOW)


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments), prog_name="broadcaster")


# --- the format ----------------------------------------------------------------------------------------------


def test_a_template_stored_in_the_first_days_loads_and_keeps_its_digest() -> None:
    stored = of_the_first_days()
    again = NoticeTemplate.from_json(stored)
    assert again.to_json().keys() == stored.keys()
    assert again.sha256 == sha256(stored)
    assert again.refused == ()
    assert again.never == ()


def test_guidance_comes_back_from_what_was_stored() -> None:
    template = shipped_notice("flood")
    again = NoticeTemplate.from_json(flood())
    assert again == template
    assert again.sha256 == template.sha256
    assert again.refused[0].words
    assert again.review_by == "2027-11-01"


def test_other_guidance_is_another_version() -> None:
    template = shipped_notice("flood")
    assert replace(template, never=("Guesses.",)).sha256 != template.sha256


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"review_by": "next year"}, "review_by: must be a date such as 2027-11-01"),
        ({"review_by": "2027-11-01 10:00:00"}, "review_by: must be a date such as 2027-11-01"),
        ({"must_keep": ["contacts"]}, 'must_keep: there is no wording for contacts. Did you mean "contact"?'),
        ({"must_keep": ["area"]}, "must_keep: area is always kept; take it out"),
        (
            {"refused": [{"why": "", "words": ["safe"]}]},
            "refused: needs a why, which says what to write instead",
        ),
        ({"refused": [{"why": "Never."}]}, "refused: needs words or shapes"),
        (
            {"refused": [{"why": "Never.", "words": ["safe"], "blanks": ["aria"]}]},
            'refused: there is no blank "aria"; take it out or mend the name',
        ),
    ],
)
def test_guidance_that_cannot_be_used_says_what_to_do(changes: dict[str, Any], fault: str) -> None:
    assert faults(flood(**changes)) == (fault,)


@pytest.mark.parametrize(
    "refused",
    [["safe"], [{"words": ["safe"]}], [{"why": "x", "words": "safe"}], [{"why": "x", "shapes": ["round"]}]],
)
def test_a_refusal_of_another_shape_is_no_template(refused: list[Any]) -> None:
    with pytest.raises(Invalid, match="template"):
        NoticeTemplate.from_json(flood(refused=refused))


def test_a_default_that_cannot_be_read_is_a_fault_of_the_template() -> None:
    data = flood()
    (expires,) = (blank for blank in data["blanks"] if blank["name"] == "expires")
    expires["default"] = "+12x"
    assert faults(data)[0].startswith("expires: its default must be a date and time")


def test_only_a_time_can_be_ahead() -> None:
    data = flood()
    data["blanks"][0]["ahead"] = True
    assert faults(data) == (f"{data['blanks'][0]['name']}: only a time can be ahead; take it out",)


def test_what_is_kept_beside_the_five_is_what_the_template_adds() -> None:
    assert shipped_notice("flood").must_keep == ("starts", "contact")


# --- filling in ----------------------------------------------------------------------------------------------


def test_an_empty_blank_takes_its_default_and_an_answer_replaces_it() -> None:
    assert filled(expires="").expires == "2026-11-22T04:00:00+00:00"
    assert filled(expires="+24h").expires == "2026-11-22T16:00:00+00:00"
    assert "comes from the SEPA" in filled(agency="SEPA").details


def test_now_is_this_minute() -> None:
    assert filled(starts="Now").starts == "2026-11-21T15:47:00+00:00"


@pytest.mark.parametrize("passed", ["now", "+0h", "2026-11-21T15:46", "2026-11-20T18:00"])
def test_a_time_that_must_lie_ahead_is_refused_once_it_has_passed(passed: str) -> None:
    moment = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    with pytest.raises(Invalid) as caught:
        values = {**shipped_example("flood"), "next_update": passed}
        fill(shipped_notice("flood"), values, zone=LONDON, now=moment)
    assert "give a time that is still to come" in caught.value.details[0]


def test_times_are_short_where_every_character_counts_and_long_elsewhere() -> None:
    values = shipped_example("shelter-in-place")
    facts = fill(shipped_notice("shelter-in-place"), values, zone=LONDON, now=NOW)
    assert "News by 6pm Sat 21 Nov." in facts.instruction
    assert "by 6pm Saturday 21 November" in facts.details


def test_every_refusal_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        filled(expect="The bridge is safe and 3 people died.", action="It is not the fault of the agency.")
    assert [line.split(". ")[0] for line in caught.value.details] == [
        'expect: has "safe" in it',
        'expect: has "3 people died" in it',
        'action: has "fault of" in it',
    ]


@pytest.mark.parametrize("kept", ["unsafe", "safeguard", "Safe-T Ltd"])
def test_a_refused_word_is_a_whole_word(kept: str) -> None:
    refusal = Refusal(why="x", words=("safe",))
    assert bool(refusal.found_in(kept)) == (kept == "Safe-T Ltd")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("come to FY7 6AB now", "FY7 6AB"),
        ("sw1a1aa", "sw1a1aa"),
        ("at 7 Old Mill Lane", "7 Old Mill Lane"),
        ("FY7 and FY7 6", ""),
        ("Bus 14 runs through Hambleton on Breck Road", ""),
        ("20 people wait on Lord Street", ""),
        ("the A585 to Poulton", ""),
        ("by 6pm Sat 21 Nov", ""),
    ],
)
def test_an_address_is_told_by_its_shape(text: str, found: str) -> None:
    assert Refusal(why="x", shapes=(Shape.ADDRESS,)).found_in(text) == found


# --- what is lacking -----------------------------------------------------------------------------------------


def test_everything_that_is_lacking_is_listed() -> None:
    data = of_the_first_days() | {"channels": []}
    data["blanks"][0] |= {"help": "", "example": ""}
    name = data["blanks"][0]["name"]
    found = [line.split(":")[0] for line in lacks(NoticeTemplate.from_json(data), TODAY)]
    assert found == ["help", "never", "channels", "review_by", name, name]


def test_a_review_is_due_after_its_day_and_not_on_it() -> None:
    template = shipped_notice("flood")
    assert lacks(template, date(2027, 11, 1)) == ()
    (line,) = lacks(template, date(2027, 11, 2))
    assert line == "review_by: 2027-11-01 has passed; read the wording anew and set a later day"


def test_a_template_without_any_number_to_ring_is_told_so() -> None:
    data = flood()
    del data["wording"]["contact"]
    data |= {"must_keep": [], "languages": {}}
    data["blanks"] = [blank for blank in data["blanks"] if blank["name"] != "floodline"]
    assert lacks(NoticeTemplate.from_json(data), TODAY) == (
        "contact: give people without internet a number to ring",
    )


# --- the command line ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["evacuation", "missing-person"])
def test_a_template_is_shown_with_what_it_never_says(name: str) -> None:
    template = shipped_notice(name)
    shown = run("template", "show", name).stdout
    for needed in (template.help, *template.never, "2027-11-01", "refuge", "If you give nothing: +"):
        assert needed in shown
    lines = shown.splitlines()
    assert "Never say:" in lines
    assert max(len(line) for line in lines if not line.startswith("Some blanks refuse")) < 300


def test_the_list_and_the_json_say_when_a_template_is_read_anew() -> None:
    listed = run("template", "list").stdout.splitlines()
    assert sum("2027-11-01" in line for line in listed) == 15
    shown = json.loads(run("template", "show", "evacuation", "--json").stdout)
    assert NoticeTemplate.from_json({k: v for k, v in shown.items() if k != "example"})
    assert shown["review_by"] == "2027-11-01"


def test_check_finds_nothing_against_what_ships_until_a_review_is_due(tmp_path: Path) -> None:
    file = tmp_path / "flood.toml"
    file.write_text(FLOOD.read_text().replace("review_by = 2027", "review_by = 2999"))
    done = run("template", "check", str(file))
    assert (done.exit_code, done.stdout) == (0, "flood: nothing is missing\n")
    assert len(json.loads(run("template", "check", "--json").stdout)) == 15


def test_check_says_what_a_file_lacks(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    content = FLOOD.read_text().replace("review_by = 2027-11-01", "review_by = 2020-01-31")
    file.write_text(content)
    done = run("template", "check", str(file))
    assert done.exit_code == 1
    assert "ours: lacks something\n  review_by: 2020-01-31 has passed" in done.stdout
    assert json.loads(run("template", "check", str(file), "--json").stdout)["ours"][0].startswith("review_by")


def test_check_of_a_broken_or_absent_file_says_why(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(FLOOD.read_text().replace('must_keep = ["', 'must_keep = ["x", "'))
    done = run("template", "check", str(file))
    assert done.exit_code == 1
    assert "must_keep: there is no wording for x" in done.stderr
    assert "cannot be read" in run("template", "check", str(tmp_path / "absent.toml")).stderr


def test_a_toml_date_is_a_review_day() -> None:
    content = FLOOD.read_text().replace("review_by = 2027-11-01", "review_by = 2028-02-29")
    assert read_notice(content.encode(), name="flood", file="flood.toml").review_by == "2028-02-29"
