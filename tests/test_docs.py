"""What is not documented fails here: settings, channels, their options, commands."""

import re
from pathlib import Path

import pytest

from broadcaster.db.tables import metadata
from broadcaster.domain.alarm import ACKNOWLEDGED_BY_A_PERSON, WAKES, AlarmCode
from broadcaster.setting_sources import FROM_FILE, PREFIX, variable
from broadcaster.settings import Settings
from channels import CHANNELS, channel_class
from channels.accounts import load_accounts, open_channels
from channels.gateways import GATEWAYS

ROOT = Path(__file__).parent.parent
NIL = "00000000-0000-4000-8000-000000000000"
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
ALARMS = (ROOT / "docs" / "alarms.md").read_text()
DATA_PROTECTION = (ROOT / "docs" / "data-protection.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_and_describes_itself(name):
    assert f"`{PREFIX}{name.upper()}`" in SETTINGS
    assert Settings.model_fields[name].description


def test_no_setting_is_documented_that_does_not_exist():
    named = set(re.findall(rf"`({PREFIX}[A-Z_]+)`", SETTINGS)) - {"BROADCASTER_TOKEN"}
    in_files = {variable(name) + FROM_FILE for name in Settings.secrets()}
    assert named == {variable(name) for name in Settings.model_fields} | in_files


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
    pages = {code: row.split("|")[3].strip() for code, row in rows.items()}
    assert {code: role for code, role in pages.items() if role} == {
        code: str(role).removeprefix("duty-") for code, (role, _) in WAKES.items()
    }


def test_what_every_table_holds_of_people_is_documented_once():
    section = DATA_PROTECTION.split("## In the database")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`([a-z_]+)`", "".join(first_cells))) == sorted(metadata.tables)


def test_every_channel_stands_in_the_readme():
    titles = [channel_class(name).title.lower() for name in CHANNELS]
    table = README.split("## Channels")[1].lower()
    assert [title for title in titles if f"| {title} |" not in table] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) < 150


def prose(document):
    """Without its blocks of code: a link in one of those is part of an example."""
    return re.sub(r"^(`{3,})[^`\n]*\n.*?^\1$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_every_link_in_the_documents_leads_somewhere():
    for document in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", prose(document)):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} names {target}"


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets


def test_every_page_can_be_reached_from_the_readme():
    pages, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        pages.add(page)
        linked = re.findall(r"\]\(([^)#]+\.md)(?:#[^)]*)?\)", prose(page))
        todo += {(page.parent / target).resolve() for target in linked if "://" not in target} - pages
        todo = [found for found in todo if found.exists()]  # the test above names the others
    every = set((ROOT / "docs").rglob("*.md")) - set((ROOT / "docs" / "adr").iterdir())
    assert sorted(page.name for page in every - pages) == []


@pytest.mark.parametrize("name", sorted({*CHANNELS, *(f"sms-{gateway}" for gateway in GATEWAYS)} - {"sms"}))
def test_every_channel_has_a_page_that_says_how_it_goes_live(name):
    text = (ROOT / "docs" / "live" / f"{name}.md").read_text()
    assert 'channel = "' in text


def account_files():
    for page in sorted((ROOT / "docs" / "live").glob("*.md")):
        blocks = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        yield from (pytest.param(block, id=f"{page.stem}-{no}") for no, block in enumerate(blocks, start=1))


@pytest.mark.parametrize("block", list(account_files()))
def test_every_account_file_of_the_live_pages_is_taken(tmp_path, block):
    """As it stands there, but for where the secrets are."""
    short = 'gateway = "smpp"' in block  # whose password has room for 8 characters
    named = re.search(r'^service_id = "(.+)"$', block, flags=re.MULTILINE)  # stands in the secret too
    key = f"made-up-{named[1] if named else NIL}-{NIL}"
    (tmp_path / "secret").write_text("made-up" if short else key)
    (tmp_path / "live").mkdir()
    given = re.sub(r'^(\w+_file) = ".+"$', rf'\1 = "{tmp_path}/secret"', block, flags=re.MULTILINE)
    (tmp_path / "live" / "account.toml").write_text(given)
    accounts = load_accounts(tmp_path, "live", None)
    assert list(open_channels(accounts)) == ["account"]


def test_the_picture_is_told_in_words_and_asks_for_nothing_from_elsewhere():
    picture = (ROOT / "docs" / "architecture.svg").read_text()
    assert "<title" in picture
    assert len(re.search(r"<desc[^>]*>(.+?)</desc>", picture)[1]) > 200
    assert re.findall(r"https?://[^\"' ]+", picture) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme: dark" in picture
