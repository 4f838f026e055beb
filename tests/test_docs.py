"""What is not documented fails here: settings, channels, their options, commands."""

import re
from pathlib import Path

import pytest

from broadcaster.domain.alarm import ACKNOWLEDGED_BY_A_PERSON, AlarmCode
from broadcaster.settings import PREFIX, Settings
from channels import CHANNELS, channel_class

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
ALARMS = (ROOT / "docs" / "alarms.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_and_describes_itself(name):
    assert f"`{PREFIX}{name.upper()}`" in SETTINGS
    assert Settings.model_fields[name].description


def test_no_setting_is_documented_that_does_not_exist():
    named = set(re.findall(rf"`({PREFIX}[A-Z_]+)`", SETTINGS)) - {"BROADCASTER_TOKEN"}
    assert named == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_every_option_of_every_channel_is_documented(channel):
    row = next(line for line in SETTINGS.splitlines() if line.startswith(f"| `{channel}` |"))
    documented = set(re.findall(r"`([a-z_]+)`", row)) - {channel}
    assert documented == {option.name for option in channel_class(channel).options}
    assert all(option.help for option in channel_class(channel).options)


def test_every_alarm_has_its_section_and_its_row_and_no_other_has():
    codes = {str(code) for code in AlarmCode}
    assert set(re.findall(r"^## (.+)$", ALARMS, re.MULTILINE)) == codes
    rows = {code: line for line in ALARMS.splitlines() for code in re.findall(r"^\| `(\w+)` \|", line)}
    assert set(rows) == codes
    assert {code for code, row in rows.items() if "by acknowledging" in row} == ACKNOWLEDGED_BY_A_PERSON


def test_every_channel_stands_in_the_readme():
    titles = [channel_class(name).title.lower() for name in CHANNELS]
    table = README.split("## Channels")[1].lower()
    assert [title for title in titles if f"| {title} |" not in table] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) < 150


def test_every_link_in_the_documents_leads_somewhere():
    for document in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} names {target}"


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets
