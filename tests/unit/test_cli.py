"""The command line where no database is needed: help, usage errors, templates and facts files."""

import json
import subprocess
import sys
import tomllib

import pytest
import typer
from typer.testing import CliRunner

from broadcaster.cli.facts import read_facts, single_values
from broadcaster.cli.main import COMMANDS, app, load
from broadcaster.domain.errors import Invalid
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_notices

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
