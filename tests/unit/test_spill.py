"""The file that keeps outcomes while the database is away."""

import stat

import pytest

from broadcaster.service.spill import Spill


@pytest.fixture
def spill(tmp_path):
    return Spill(tmp_path / "spill" / "outcomes.jsonl")


def replayed(spill):
    lines = []
    spill.replay(lines.append)
    return lines


def test_lines_come_back_once_and_in_their_order(spill):
    for number in range(3):
        spill.keep({"group": number})
    assert spill.waiting()
    assert replayed(spill) == [{"group": 0}, {"group": 1}, {"group": 2}]
    assert not spill.waiting()
    assert replayed(spill) == []


def test_nothing_was_spilled(spill):
    assert not spill.waiting()
    assert spill.replay(lambda line: pytest.fail(str(line))) == 0


def test_a_line_that_cannot_be_applied_stays_with_all_that_follow(spill):
    for number in range(4):
        spill.keep({"group": number})

    def only_the_first_two(line):
        if line["group"] == 2:
            raise OSError("the database is away again")

    with pytest.raises(OSError, match="away again"):
        spill.replay(only_the_first_two)
    spill.keep({"group": 4})
    assert replayed(spill) == [{"group": 2}, {"group": 3}, {"group": 4}]


def test_a_line_cut_off_by_a_crash_is_dropped(spill, tmp_path):
    spill.keep({"group": 1})
    with (tmp_path / "spill" / "outcomes.jsonl").open("ab") as file:
        file.write(b'{"group": 2, "resu')
    assert replayed(spill) == [{"group": 1}]
    spill.keep({"group": 3})
    assert replayed(spill) == [{"group": 3}]


def test_only_its_owner_reads_it(spill, tmp_path):
    spill.keep({"group": 1})
    mode = (tmp_path / "spill" / "outcomes.jsonl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
