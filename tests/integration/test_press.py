"""PDFs: what was typed is never a layout, letters that no font has are told by name, and what goes wrong is bounded."""

from datetime import UTC, datetime

import pytest

from broadcaster.domain.errors import Unavailable
from broadcaster.domain.paper import Exact, Paper, Points, Section, Table, Words
from broadcaster.render import press as bounds
from broadcaster.render.press import Press
from broadcaster.render.typesetter import told as told_by_name
from tests.papers import must_be_accessible, read

AT = datetime(2026, 11, 21, 3, tzinfo=UTC)
NASTY = '#panic("x") *b* _i_ $x^2$ `r` <l> @r // c /* d */ \\ = h - i ~ "q" \\u{41} #sys.inputs --- {{ x }}'
NOBODYS = "\U0010abcd"  # for private use: no font has it
ODD = f"tab\there nul\x00 bell\x07 half\ud800 none{NOBODYS} \u200fright\u200d"


def paper(*blocks, mode="live", title="A paper"):
    sections = (Section(title=title, blocks=blocks),)
    around = {"subtitle": "s", "running": "r", "author": "a", "made": "m"}
    return Paper(title=title, mode=mode, sections=sections, **around).to_json()


def test_what_was_typed_is_text_whatever_it_looks_like():
    blocks = (
        Words(text=NASTY, strong=True),
        Points(items=(NASTY,)),
        Exact(title=NASTY, texts=(NASTY, "Cadwch draw o lan y môr, ŵyl"), language="cy", foot=(NASTY,)),
        Table(title=NASTY, columns=(NASTY, "b"), rows=((NASTY, NASTY),), parts=(1, 1)),
    )
    made = Press().printed("pack", paper(*blocks, title=NASTY), at=AT)
    told = read(made)
    must_be_accessible(told)
    assert told.title == NASTY
    assert told.headings == [(1, NASTY)]
    assert told.words.count(NASTY) >= 7
    assert any(each.startswith("cy") for each in told.languages)
    assert "Cadwch draw o lan y môr, ŵyl" in told.words
    assert made == Press().printed("pack", paper(*blocks, title=NASTY), at=AT)


def test_a_letter_that_no_font_has_is_told_and_what_was_written_is_attached():
    told = read(Press().printed("pack", paper(Words(text=ODD)), at=AT))
    must_be_accessible(told)
    for said in ("nul[u+0000]", "bell[u+0007]", "half[u+d800]", "none[u+10abcd]"):
        assert said in told.words
    assert told.attached["sections"][0]["blocks"][0]["text"] == ODD


def test_letters_are_told_by_name_wherever_they_stand():
    said = {"a": ["x\ue000y", {"b": "\u0645\u200d"}], "n": 3}
    odd = {"\ue000", "\u0645", "\u200d"}
    assert told_by_name(said, odd.__contains__) == {
        "a": ["x[u+e000]y", {"b": "[arabic letter meem]"}],
        "n": 3,
    }


def test_what_takes_too_long_is_ended_and_what_is_too_much_is_not_begun():
    with pytest.raises(Unavailable, match="not made within 0 seconds"):
        Press(timeout_s=0.01).printed("pack", paper(Words(text="x")), at=AT)
    with pytest.raises(Unavailable, match="too much of it for one PDF"):
        Press().printed("pack", paper(Words(text="x" * bounds.MOST_BYTES)), at=AT)
    with pytest.raises(ValueError, match="look"):
        Press().printed("look", {}, at=AT)


def test_a_paper_that_cannot_be_set_says_why():
    with pytest.raises(Unavailable, match="could not be made: .*Nothing was made"):
        Press().printed("poster", {"mode": "live"}, at=AT)
