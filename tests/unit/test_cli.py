"""The command line where no database is needed: help, usage errors, templates, facts files, and how texts are shown."""

import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from broadcaster.cli import show
from broadcaster.cli.facts import read_facts, single_values
from broadcaster.cli.main import COMMANDS, app, load
from broadcaster.cli.message_view import as_json_data
from broadcaster.cli.show import in_words, payload, totals
from broadcaster.cli.terminal import local
from broadcaster.cli.visible import visible
from broadcaster.domain.audience import AudienceVersion
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import Invalid
from broadcaster.domain.media import Image
from broadcaster.domain.message import MessageState, Mode
from broadcaster.domain.post import Post
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_notices
from broadcaster.service.proof import Proof, ProofPost
from broadcaster.service.report import Status, TargetStatus
from channels.base import CheckProblem

LONDON = ZoneInfo("Europe/London")
HEAVY = ("sqlalchemy", "celery", "pydantic", "broadcaster.bootstrap")


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments), prog_name="broadcaster")


def commands():
    """Every command as the words that call it."""
    for name in COMMANDS:
        found = load(name)
        for inner in getattr(found, "commands", {}) or [""]:
            yield [name, inner] if inner else [name]


# --- help and usage ------------------------------------------------------------------------------------------


def test_help_names_every_command():
    done = run("--help")
    assert done.exit_code == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


def test_help_loads_nothing_heavy():
    code = f"import sys, broadcaster.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(words):
    done = run(*words, "--help")
    assert done.exit_code == 0
    assert f"Example: broadcaster {' '.join(words)}" in " ".join(done.stdout.split())


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_that_prints_data_knows_json(words):
    already_lines = tuple(words) == ("audit", "export")  # of JSON
    is_one_form_only = words[0] in {"up", "demo"} or already_lines
    assert ("--json" in run(*words, "--help").stdout) != is_one_form_only


@pytest.mark.parametrize("name", [n for n in COMMANDS if not hasattr(load(n), "commands")])
def test_the_summary_in_the_list_is_of_the_same_command(name):
    assert load(name).name == name


def test_no_command_shows_the_help():
    assert "Commands:" in run().output


def test_mistyped_command_is_told_the_nearest():
    done = run("mesage")
    assert done.exit_code == 2
    assert "Did you mean 'message'" in done.stderr


def test_mistyped_fault_is_told_the_nearest_and_starts_nothing():
    done = run("demo", "--fault", "kil")
    assert done.exit_code == 2
    assert 'Did you mean "kill"?' in done.stderr


def test_usage_errors_are_json_where_json_is_asked_for():
    done = run("message", "approve", "7F3K2M", "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "--hash" in json.loads(done.stderr)["error"]


@pytest.mark.parametrize(
    "words",
    [("stop", "7F3K2M"), ("message", "return", "7F3K2M"), ("message", "reject", "7F3K2M")],
    ids=" ".join,
)
def test_a_reason_is_required(words):
    done = run(*words)
    assert done.exit_code == 2
    assert "--reason" in done.stderr


def test_watching_needs_a_message():
    assert run("status", "--watch").exit_code == 2


def test_unexpected_error_is_a_sentence_and_a_traceback_only_with_debug(monkeypatch):
    monkeypatch.setattr("broadcaster.cli.templates.shipped_notices", lambda: 1 / 0)
    plain, debug = run("template", "list"), run("--debug", "template", "list")
    assert (plain.exit_code, debug.exit_code) == (1, 1)
    assert "ZeroDivisionError" in plain.stderr
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr


# --- settings ------------------------------------------------------------------------------------------------


def test_bad_settings_are_all_listed(monkeypatch):
    monkeypatch.setenv("BROADCASTER_TIMEZONE", "Mars/Olympus")
    monkeypatch.setenv("BROADCASTER_WEB_PORT", "99999")
    monkeypatch.setenv("BROADCASTER_WEB_PROT", "8000")
    done = run("status", "--json")
    assert done.exit_code == 1
    details = " ".join(json.loads(done.stderr)["details"])
    assert all(word in details for word in ("Mars/Olympus", "BROADCASTER_WEB_PORT", "BROADCASTER_WEB_PROT"))
    assert 'Did you mean "BROADCASTER_WEB_PORT"' in details


# --- templates -----------------------------------------------------------------------------------------------


def test_templates_are_listed_as_text_and_as_json():
    assert all(name in run("template", "list").stdout for name in shipped_notices())
    assert [t["name"] for t in json.loads(run("template", "list", "--json").stdout)] == list(
        shipped_notices()
    )


def test_a_template_shows_each_blank_with_label_help_and_example():
    shown = run("template", "show", "severe-weather").stdout
    for blank in shipped_notice("severe-weather").blanks:
        needed = "needed" if blank.required else "may be left out"
        assert f"{blank.name} ({blank.type}, {needed}): {blank.label}" in shown
        assert blank.help in shown
        assert blank.example in shown


def test_the_facts_file_that_a_template_shows_can_be_used():
    shown = run("template", "show", "severe-weather").stdout
    toml = shown[shown.index("# facts.toml") :]
    assert tomllib.loads(toml) == shipped_example("severe-weather")


def test_mistyped_template_is_told_the_nearest():
    done = run("template", "show", "severe-wether")
    assert done.exit_code == 1
    assert 'Did you mean "severe-weather"?' in done.stderr


# --- facts ---------------------------------------------------------------------------------------------------


@pytest.fixture
def facts(tmp_path):
    def write(name: str, content: str | bytes):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_facts(path, template="flood")

    return write


def test_facts_are_read_from_toml_and_json_and_from_an_example(facts):
    assert facts("f.toml", 'area = "Fleetwood"') == {"area": "Fleetwood"}
    assert facts("f.json", '{"area": "Fleetwood"}') == {"area": "Fleetwood"}
    assert facts("g.toml", 'notice = "flood"\n[values]\narea = "Fleetwood"') == {"area": "Fleetwood"}
    assert facts("h.toml", b"\xef\xbb\xbfarea = 'Fleetwood'") == {"area": "Fleetwood"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.toml", "area = ", "cannot be read"),
        ("f.toml", b"area = '\xff'", "not UTF-8"),
        ("f.json", '{"area": "Fleetwood", "area": "Wyre"}', "area is given twice"),
        ("f.json", '["area"]', "names and values"),
        ("f.toml", 'notice = "fire"\n[values]\narea = "x"', 'for the notice template "fire"'),
        ("f.toml", 'phone = "1"\n[values]\narea = "x"', "more beside its values"),
    ],
)
def test_facts_that_cannot_be_used_are_refused_with_the_reason(facts, name, content, said):
    with pytest.raises(Invalid, match=said):
        facts(name, content)


def test_missing_facts_file_is_refused(tmp_path):
    with pytest.raises(Invalid, match="No such file"):
        read_facts(tmp_path / "none.toml", template="flood")


def test_single_values_keep_equals_signs_in_the_value():
    assert single_values(["area=Fleetwood", "link=https://a.example/?b=c"]) == {
        "area": "Fleetwood",
        "link": "https://a.example/?b=c",
    }


@pytest.mark.parametrize("given", [["area"], ["=Fleetwood"], ["area=a", "area=b"]])
def test_single_values_that_say_nothing_or_two_things_are_usage_errors(given):
    with pytest.raises(typer.BadParameter):
        single_values(given)


# --- what a terminal shows -----------------------------------------------------------------------------------


def test_characters_that_steer_or_hide_are_made_visible():
    assert visible("a\x1b[31mb\u202ec\u200bd\ne") == "a<U+001B>[31mb<U+202E>c<U+200B>d\ne"
    assert visible("👩\u200d🚒 ŵ é") == "👩\u200d🚒 ŵ é"


def test_times_are_local_with_the_abbreviation():
    assert local(datetime(2026, 7, 1, 12, 0, tzinfo=UTC), LONDON) == "2026-07-01 13:00:00 BST"
    assert local("2026-11-21T12:00:00+00:00", LONDON) == "2026-11-21 12:00:00 GMT"
    assert local(None, LONDON) == ""


def post(channel: str, text: str, *, problems: tuple[CheckProblem, ...] = (), link: str = "") -> ProofPost:
    made = Post(channel=channel, account=channel, title="Title only for pages", text=text, link=link)
    title = {"x": "X", "facebook": "Facebook Page", "sms": "SMS", "website": "Website"}[channel]
    return ProofPost(
        account=channel, channel=channel, title=title, speaks_as="us", post=made, problems=problems
    )


def proof(
    *posts: ProofPost, mode: Mode = Mode.LIVE, audience: AudienceVersion | None = None, problems=()
) -> Proof:
    return Proof(
        ref="7F3K2M",
        version=1,
        mode=mode,
        state=MessageState.SUBMITTED,
        expires="2026-11-21T18:00:00+00:00",
        posts=posts,
        audience=audience,
        problems=problems,
    )


def drawn(renderable, width: int = 100) -> str:
    console = Console(width=width, file=None, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


RESIDENTS = AudienceVersion(id=1, uid="u", name="residents", no=3, sha256="0" * 64, size=10_214)
FACTS = {"instruction": "Go upstairs.", "area": "Fleetwood", "source": "Duty officer"}


def test_an_approver_reads_things_in_the_order_of_their_weight():
    shown = drawn(
        show.proof(
            proof(
                post("x", "The text."), post("sms", "The SMS."), audience=RESIDENTS, problems=("too long",)
            ),
            FACTS,
            LONDON,
        )
    )
    order = (
        "LIVE",
        "Go upstairs.",
        "Fleetwood",
        "10,214 people by SMS",
        "everybody on X",
        "6pm Saturday 21 November",
    )
    order += ("(GMT)", "Duty officer", "too long", "The text.", "The SMS.")
    places = [shown.index(each) for each in order]
    assert places == sorted(places)


def test_an_exercise_says_so_first_and_live_does_not():
    exercise, live = (
        drawn(show.proof(proof(post("x", "t"), mode=mode))) for mode in (Mode.EXERCISE, Mode.LIVE)
    )
    assert exercise.startswith(" EXERCISE ")
    assert "EXERCISE" not in live


def test_texts_without_an_audience_are_said_to_reach_nobody():
    assert "nobody yet by SMS" in drawn(show.proof(proof(post("sms", "t"))))


def test_equal_texts_are_shown_once():
    shown = drawn(show.proof(proof(post("x", "The same."), post("facebook", "The same."))))
    assert shown.count("The same.") == 1
    assert "X (us), Facebook Page (us):" in shown


def test_texts_that_differ_in_what_readers_see_are_shown_apart():
    shown = drawn(show.proof(proof(post("x", "t"), post("facebook", "t", link="https://a.example/"))))
    assert shown.count("    t\n") == 2
    assert "Link: https://a.example/" in shown


def test_only_a_page_shows_its_title():
    shown = drawn(show.proof(proof(post("website", "web text"), post("x", "x text"))))
    assert shown.count("Title only for pages") == 1


def test_officers_texts_are_shown_to_the_character():
    text = "[bold]not bold[/bold] :smile: [link=x]y[/link]\n  two blanks\x1b[2J"
    shown = drawn(show.proof(proof(post("x", text))))
    assert "    [bold]not bold[/bold] :smile: [link=x]y[/link]\n      two blanks<U+001B>[2J\n" in shown


def test_a_thread_is_shown_part_by_part():
    thread = post("x", "First.")
    thread = replace(thread, post=replace(thread.post, further=("Second.",)))
    shown = drawn(show.proof(proof(thread)))
    assert "  Part 1 of 2:\n    First.\n" in shown
    assert "  Part 2 of 2:\n    Second.\n" in shown
    assert "Part" not in drawn(show.proof(proof(post("x", "First."))))
    assert as_json_data(proof(thread), facts={}, decision={}, turned_down=None)["posts"][0]["parts"] == [
        "First.",
        "Second.",
    ]


def test_what_was_left_out_or_changed_and_what_a_text_costs_is_told_beside_it():
    texted = post("sms", "t")
    texted = replace(
        texted,
        post=replace(texted.post, left_out=("details", "contact")),
        segments=2,
        replaced=("\u2019 became ' (3 times)",),
    )
    shown = drawn(show.proof(proof(texted)))
    assert "  Left out for want of room: details, contact.\n" in shown
    assert "  2 segments for each person.\n" in shown
    assert "  For the text message: \u2019 became ' (3 times).\n" in shown
    (data,) = as_json_data(proof(texted), facts={}, decision={}, turned_down=None)["posts"]
    assert (data["left_out"], data["segments"]) == (["details", "contact"], 2)
    assert data["replaced"] == ["\u2019 became ' (3 times)"]
    assert "segment" not in drawn(show.proof(proof(post("x", "t"))))


def test_pictures_are_told_with_their_alt_text_their_size_and_who_shows_them():
    made = Image(
        sha256="0" * 64, media_type="image/png", width=1200, height=800, size=179_600, alt="Map \u202e."
    )
    facebook, x, sms = post("facebook", "f"), post("x", "x"), post("sms", "s")
    facebook = replace(facebook, post=replace(facebook.post, images=(made,)))
    x = replace(x, post=replace(x.post, images=(replace(made, width=600, height=400, size=10),)))
    shown = drawn(show.proof(proof(facebook, x, sms)))
    assert "  - Map <U+202E>.\n    Facebook Page 1200 x 800 (180 kB), X 600 x 400 (1 kB)\n" in shown
    assert "Without pictures: SMS." in shown
    assert "ictures" not in drawn(show.proof(proof(sms)))
    data = as_json_data(proof(facebook), facts={}, decision={}, turned_down=None)["posts"][0]
    assert data["images"] == [made.to_json()]


def test_who_may_see_it_is_told():
    assert "everybody" in drawn(show.proof(proof()))
    assert "partners only" in drawn(show.proof(replace(proof(), visibility="partners")))
    staff = as_json_data(replace(proof(), visibility="staff"), facts={}, decision={}, turned_down=None)
    assert staff["visibility"] == "staff"


def test_late_slots_are_explained():
    assert "Filled in when it is sent: ((sent_at))" in drawn(show.proof(proof(post("x", "Sent ((sent_at))"))))
    assert "Filled in" not in drawn(show.proof(proof(post("x", "t"))))


def status(states: dict[DeliveryState, int], planned: int, **given) -> Status:
    target = TargetStatus(
        channel="sms",
        account="gateway",
        planned=planned,
        states=states,
        link="",
        seconds=1.25,
        reasons=(),
        **given,
    )
    return Status(
        ref="7F3K2M",
        message_state="released",
        broadcast="b",
        state="sending",
        mode="live",
        released_at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        ended_at=None,
        targets=(target,),
    )


def test_totals_that_add_up_say_so():
    text = totals(status({DeliveryState.ACCEPTED: 9_999, DeliveryState.UNKNOWN_FINAL: 1}, 10_000)).plain
    assert text == "10,000 planned = 9,999 accepted + 1 unknown final. All are accounted for."


@pytest.mark.parametrize("counted", [9_998, 10_001])
def test_totals_that_do_not_add_up_are_an_alarm(counted):
    text = totals(status({DeliveryState.ACCEPTED: counted}, 10_000)).plain
    assert text.startswith("ALARM: 10,000 planned")
    assert f"{counted:,}" in text
    assert "accounted for" not in text


def test_a_status_shows_mode_states_and_time():
    shown = drawn(show.status(status({DeliveryState.PENDING: 3, DeliveryState.FAILED: 2}, 5), LONDON))
    assert shown.startswith(" LIVE  7F3K2M is sending, released 2026-11-21 12:00:00 GMT")
    assert "sms (gateway)" in shown
    assert "3 pending, 2 failed" in shown
    assert "1.2 s" in shown


def test_states_in_words_leave_out_what_is_zero():
    assert in_words({DeliveryState.ACCEPTED: 0, DeliveryState.UNDELIVERED: 1_000}) == "1,000 undelivered"


def test_an_altered_payload_is_shown_as_it_is():
    assert payload('{"a": 1}') == {"a": 1}
    assert payload("{broken") == "{broken"
