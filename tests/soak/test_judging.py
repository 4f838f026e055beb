"""What a soak would find, and what it would not take for growth."""

import os
import random
from pathlib import Path

import pytest

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.figures import CATALOGUE
from broadcaster.domain.message import Mode
from channels.sandbox.faults import Faults
from tests.soak.judging import LEFT, Look, disagree, grown, growth, growths, idle, stuck
from tests.soak.mischief import FAULTS, RESTARTS
from tests.soak.place import GATEWAYS
from tests.soak.watching import FIGURES, figures_in, look_at, role_of
from worker.roles import FOR_BOTH_MODES, pump, worker

SMAPS = Path("/proc/self/smaps_rollup")

HOUR = 3600.0


def looks(memory=lambda at: 60.0, fds=lambda at: 20, threads=lambda at: 9, *, since=0.0, until=HOUR):
    return [
        Look(at_s=at, memory_mb=memory(at), fds=fds(at), threads=threads(at))
        for at in range(int(since), int(until), 10)
    ]


def of_sealer(*lives, roles=("sealer",)):
    return grown(growths({("sealer", n): each for n, each in enumerate(lives)}, soak_s=HOUR), roles=roles)


def noisy(at):
    return 60 + random.Random(at).uniform(-8, 8)


def test_what_is_flat_and_noisy_passes():
    assert of_sealer(looks(noisy)) == []


def test_a_process_that_grows_by_a_tenth_in_an_hour_is_told_with_its_figures():
    (said,) = of_sealer(looks(lambda at: noisy(at) + 10 * at / HOUR))
    assert said.startswith("sealer (process 0) grew from 5")


@pytest.mark.parametrize(("share", "misses"), [(0.099, 0), (0.10, 1)])
def test_growth_is_to_stay_under_a_tenth(share, misses):
    assert len(of_sealer(looks(lambda at: 100.0 if at < HOUR / 2 else 100 * (1 + share)))) == misses


def test_what_a_process_loads_at_its_start_is_no_growth():
    assert of_sealer(looks(lambda at: 20 + 40 * min(1, at / 500))) == []


def test_one_peak_is_no_growth_and_one_dip_hides_none():
    assert of_sealer(looks(lambda at: 300 if at == 3550 else 60)) == []
    assert of_sealer(looks(lambda at: 5 if at == 3550 else 60 + at / 100))


def test_a_process_started_anew_is_compared_with_itself_alone():
    old, new = looks(lambda at: 90.0, until=1800), looks(lambda at: 60.0, since=1800)
    assert of_sealer(old, new) == []
    assert len(of_sealer(old, looks(lambda at: at / 20, since=1800))) == 1


def test_a_life_too_short_to_judge_leaves_a_role_unjudged_only_where_there_is_no_other():
    short = looks(lambda at: at, until=700)
    assert growth("sealer", 1, short, soak_s=HOUR) is None
    assert of_sealer(looks(), short) == []
    assert of_sealer(short) == ["No sealer was watched for long enough to say whether it grows."]
    assert of_sealer(roles=["web"]) == ["No web was watched for long enough to say whether it grows."]


def test_a_leak_of_open_files_is_told():
    assert of_sealer(looks(fds=lambda at: 20 + at // 300)) == [
        "sealer (process 0) has at least 31 open files at the end, and had at most 26 before."
    ]


def test_a_pool_that_fills_and_empties_is_no_leak():
    assert of_sealer(looks(fds=lambda at: 23 if at % 700 < 350 else 63)) == []
    assert of_sealer(looks(fds=lambda at: 63 if at > 3200 or at == 900 else 23)) == []


def test_a_leak_of_threads_is_told():
    assert of_sealer(looks(threads=lambda at: 9 + at // 400)) == [
        "sealer (process 0) has at least 17 threads at the end, and had at most 14 before."
    ]


def test_growth_is_told_for_an_hour():
    found = growth("sealer", 1, looks(lambda at: 60 + 6 * at / HOUR), soak_s=HOUR)
    assert found.mb_an_hour == pytest.approx(6)


@pytest.mark.parametrize("name", LEFT)
def test_whatever_is_left_is_told(name):
    nothing = dict.fromkeys(LEFT, 0)
    assert stuck(nothing) == []
    assert stuck({**nothing, name: 1200}) == [f"1,200 {LEFT[name]}."]


def test_nobody_passes_who_has_not_looked_for_everything():
    with pytest.raises(ValueError, match="nobody has looked for: bells"):
        stuck({name: 0 for name in LEFT if name != "bells"})


def test_a_soak_in_which_nothing_happened_does_not_pass():
    assert idle({"texts": 9, "stops": 0}, wanted=["texts", "stops", "restarts"]) == [
        "There were no stops: that was not tried.",
        "There were no restarts: that was not tried.",
    ]


def test_what_was_lost_or_doubled_is_told():
    sound = {"lost": 0, "unexpected": 0, "duplicated": 0, "duplicated_after_unknown": 7}
    assert disagree(sound, []) == []
    assert disagree({**sound, "lost": 2}, ["I5 sms 7: is accepted with us"]) == [
        "2 deliveries are lost.",
        "An invariant does not hold: I5 sms 7: is accepted with us.",
    ]


def test_of_a_figure_with_many_lines_the_largest_counts():
    page = """# HELP broadcaster_oldest_ready_seconds For how long
broadcaster_oldest_ready_seconds{lane="public",mode="live"} 0.0
broadcaster_oldest_ready_seconds{lane="bulk",mode="live"} 12.5
broadcaster_seal_lag_seconds 1.5e-01
"""
    found = figures_in(page)
    assert (found["oldest_ready_s"], found["seal_lag_s"], found["alarms"]) == (12.5, 0.15, 0.0)
    assert set(FIGURES.values()) <= set(CATALOGUE)


def test_processes_of_one_role_are_told_by_it():
    assert [role_of(name) for name in ("live-bulk-2", "live-bulk-1", "web")] == [
        "live-bulk",
        "live-bulk",
        "web",
    ]


@pytest.mark.skipif(not SMAPS.exists(), reason="only Linux tells what memory a process has for itself")
def test_a_process_is_seen_to_take_memory_and_files():
    before = look_at(os.getpid(), 0.0)
    taken = bytearray(b"x" * 30_000_000)
    with Path(os.devnull).open(), Path(os.devnull).open():
        after = look_at(os.getpid(), 1.0)
    assert len(taken) == 30_000_000
    assert after.memory_mb - before.memory_mb > 20
    assert after.fds - before.fds == 2


def test_every_process_that_is_started_anew_is_one_that_there_is():
    running = {name for name, *_ in (worker(Mode.LIVE, lane, n) for lane in Lane for n in (1, 2))}
    running |= {pump(Mode.LIVE)[0], *(name for name, _ in FOR_BOTH_MODES)}
    assert {name for _, name in RESTARTS} <= running


def test_every_fault_is_one_that_both_gateways_can_have():
    for gateway in GATEWAYS.values():
        for order in FAULTS:
            platform = gateway if order["platform"] == "sms" else order["platform"]
            assert Faults().order({**order, "platform": platform}).platform == platform
