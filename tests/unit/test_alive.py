"""Signs of life: given while a process works, and not by one that is gone, stopped or hangs."""

import os
import time

import pytest

from broadcaster.alive import FORGOTTEN_AFTER_S, Pulse, sign_of, sign_path, signs


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def aged(root, name, seconds):
    path = sign_path(root, name)
    os.utime(path, (time.time() - seconds,) * 2)


def test_it_beats_by_itself_and_leaves_nothing_when_it_ends(tmp_path):
    with Pulse(tmp_path, "live-pump", every_s=0.01):
        aged(tmp_path, "live-pump", 60)
        while sign_of(tmp_path, "live-pump").is_silent():
            time.sleep(0.01)
        assert sign_of(tmp_path, "live-pump").pid == os.getpid()
    assert list((tmp_path / "alive").iterdir()) == []


def test_whoever_looks_during_a_beat_finds_a_whole_sign(tmp_path):
    with Pulse(tmp_path, "sweeper", every_s=0):
        looks = [sign_of(tmp_path, "sweeper") for _ in range(3_000)]
        listed = [sign for _ in range(300) for sign in signs(tmp_path)]
    assert {sign.pid for sign in looks + listed} == {os.getpid()}
    assert {sign.name for sign in looks + listed} == {"sweeper"}


def test_a_process_that_was_never_there_is_silent(tmp_path):
    sign = sign_of(tmp_path, "sweeper")
    assert (sign.pid, sign.is_silent()) == (0, True)


def test_work_that_hangs_stops_the_beats_even_where_other_work_goes_on(tmp_path, clock):
    pulse = Pulse(tmp_path, "live-public-1", longest_s=100, monotonic=clock)
    with pulse.at_work():
        clock.now = 60
        with pulse.at_work():
            pulse.beat()
            aged(tmp_path, "live-public-1", 60)
            clock.now = 101
            pulse.beat()
            assert sign_of(tmp_path, "live-public-1").is_silent()
        assert pulse.hangs()
    assert not pulse.hangs()
    pulse.beat()
    assert not sign_of(tmp_path, "live-public-1").is_silent()


def test_work_that_fails_is_not_in_hand_any_more(tmp_path, clock):
    pulse = Pulse(tmp_path, "sweeper", longest_s=1, monotonic=clock)
    with pytest.raises(ZeroDivisionError), pulse.at_work():
        raise ZeroDivisionError
    clock.now = 5
    assert not pulse.hangs()


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "alive").write_text("a file in its place")
    with Pulse(tmp_path, "web"):
        pass


def test_what_containers_left_behind_long_ago_is_forgotten(tmp_path):
    old, young = (tmp_path / "alive" / f"live-bulk@{host}" for host in ("gone", "other"))
    old.parent.mkdir()
    for path in (old, young):
        path.write_text("7")
    os.utime(old, (time.time() - FORGOTTEN_AFTER_S - 1,) * 2)
    with Pulse(tmp_path, "live-bulk"):
        assert (old.exists(), young.exists()) == (False, True)
