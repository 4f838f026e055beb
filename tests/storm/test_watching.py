"""The watcher of the night can fail: each kind of contradiction is found, and a clean night has none."""

from datetime import timedelta

import pytest

from channels.website import Website
from tests.contract.sandbox_process import SandboxProcess
from tests.contract.website_site import NOW, Clock, account, post
from tests.storm import surfaces
from tests.storm.judging import BLIND_S, ENDS_WITHIN_S, FEWEST_LOOKS, MOST_FAILED, SETTLES_S, Corrected, Judge
from tests.storm.surfaces import ALERT, FEED, JSON, LIST, PAGE, WALL_FACEBOOK, WALL_SITE, WALL_X, Facts, Shown
from tests.storm.watcher import Record

WARNING, UPDATE, CORRECTION = "7F3K2M", "4DX9QA", "9PQRST"
THEIR_PAGE, THEIR_ALERT = f"{PAGE} {WARNING}", f"{ALERT} {WARNING}"
ENDS = NOW + timedelta(seconds=100)
SAID = {
    WARNING: "Keep off the seafront at Fleetwood.",
    UPDATE: "At Clitheroe.",
    CORRECTION: f"Correction (Ref {UPDATE}). At Cleveleys.",
}
ALL = (LIST, FEED, JSON, THEIR_PAGE, THEIR_ALERT, WALL_FACEBOOK, WALL_X, WALL_SITE)


class Night:
    """Messages arrive everywhere at 0, 20 and 40 seconds, and end at 100. `without` are looks that are left out, `late_s` how much
    later than everywhere X shows the correction."""

    def __init__(self, *, without=(), late_s=0):
        self.record = Record()
        ends, incident = dict.fromkeys(SAID, ENDS), dict.fromkeys(SAID, "HMWCWT")
        self.record.learned(Facts(incident=incident, ends=ends, pages=(WARNING,)))
        for second in range(120):
            for surface in ALL:
                if (surface, second) not in without:
                    late = surface == WALL_X and 40 <= second < 40 + late_s
                    self.see(surface, second, *shown(surface, 39 if late else second))

    def see(self, surface, second, *refs, wrong="", **texts):
        live = {ref: {**SAID, **texts}.get(ref.partition("-")[0], "a line") for ref in refs}
        self.record.saw(
            surface, Shown(live=live, wrong=wrong), float(second), NOW + timedelta(seconds=second)
        )

    def found(self):
        judge = Judge(self.record, Corrected(place="Clitheroe", of=UPDATE, by=CORRECTION))
        return [(each.surface, each.what) for each in judge.contradictions()]


def shown(surface, second):
    """What each shows at this second of a clean night."""
    number = 1 if second < 20 else 2 if second < 40 else 3
    if surface in {WALL_FACEBOOK, WALL_X}:
        refs = (WARNING, UPDATE, CORRECTION)[:number][::-1]
        return tuple(ref for ref in refs if ref != UPDATE or number < 3 or surface != WALL_FACEBOOK)
    if second >= 100:
        return ()
    if surface == LIST:  # its line does not change
        return (WARNING,)
    return (
        (f"{WARNING}-{number}",) if surface == THEIR_ALERT else ((WARNING, UPDATE, CORRECTION)[number - 1],)
    )


def gone(surface, since, until):
    return {(surface, second) for second in range(since, until)}


def test_a_night_in_which_every_surface_follows_is_clean():
    assert Night().found() == []


@pytest.mark.parametrize(
    ("surface", "second", "refs", "expected"),
    [
        (THEIR_PAGE, 50, (UPDATE, CORRECTION), "as current at once"),
        (FEED, 50, (CORRECTION, WARNING), "as current at once"),
        (JSON, 50, (UPDATE,), f"goes back from {CORRECTION} to {UPDATE}"),
        (JSON, 50, (UPDATE,), "still names Clitheroe"),
        (WALL_X, 50, (UPDATE, CORRECTION), "still names Clitheroe"),
        (WALL_FACEBOOK, 50, (CORRECTION, UPDATE), "still names Clitheroe"),
        (FEED, 50, (), f"shows nothing, while {CORRECTION} is in force"),
        (WALL_SITE, 118, (CORRECTION,), "as current 18 s after its end"),
    ],
)
def test_one_wrong_look_is_found(surface, second, refs, expected):
    night = Night(without=gone(surface, second, 200))
    night.see(surface, second, *refs)
    assert [what for where, what in night.found() if where == surface and expected in what]


def test_a_correction_that_does_not_say_what_it_corrects_is_found():
    night = Night(without=gone(FEED, 50, 200))
    night.see(FEED, 50, CORRECTION, **{CORRECTION: "At Cleveleys."})
    assert (FEED, f"does not say that {CORRECTION} corrects {UPDATE}") in night.found()


def test_an_exercise_on_a_live_surface_is_found_and_so_is_a_test():
    night = Night()
    night.see(THEIR_ALERT, 119, wrong="status Test")
    assert (THEIR_ALERT, "on a live surface: status Test") in night.found()


def test_a_message_on_its_way_is_no_contradiction_and_one_that_never_comes_is():
    assert Night(late_s=SETTLES_S).found() == []
    later = Night(late_s=SETTLES_S + 2)
    assert [where for where, what in later.found() if "behind the first" in what] == [WALL_X]
    assert [where for where, what in later.found() if "still names Clitheroe" in what] == [WALL_X]
    never = Night(late_s=200)
    assert (WALL_X, f"was never seen to show {CORRECTION}") in never.found()


def test_what_is_over_may_be_shown_for_a_moment_and_no_longer():
    night = Night(without=gone(WALL_SITE, 100, 200))
    night.see(WALL_SITE, 100 + ENDS_WITHIN_S, CORRECTION)
    assert night.found() == []


def test_a_watcher_who_sees_nothing_reports_that():
    assert Judge(Record()).contradictions()
    blind = Night(without=gone(FEED, 41, 43 + int(BLIND_S)))
    assert [where for where, what in blind.found() if "was not seen for" in what] == [FEED]
    seldom = Night(without=gone(FEED, FEWEST_LOOKS - 5, 200))
    assert [where for where, what in seldom.found() if "times only" in what] == [FEED]
    broken = Night()
    broken.record.failed.extend(["12.0 s: ReadTimeout"] * (MOST_FAILED + 1))
    assert [where for where, what in broken.found()] == ["the watcher"]


def test_the_websites_own_files_are_read_as_a_reader_reads_them(tmp_path):
    clock = Clock()
    website = Website(account(tmp_path), now=clock)
    website.send(post(WARNING, text=f"At Fleetwood. Ref {WARNING}."), "k1")
    clock.passes(minutes=5)
    website.send(post(UPDATE, page=WARNING, purpose="update", text=f"At Clitheroe. Ref {UPDATE}."), "k2")
    clock.passes(minutes=5)
    words = f"Correction of what we said (Ref {UPDATE}). At Cleveleys. Ref {CORRECTION}."
    website.send(post(CORRECTION, page=WARNING, purpose="correction", text=words), "k3")
    read = everything(tmp_path, clock())
    assert {name: list(shown.live) for name, shown in read.items()} == {
        PAGE: [CORRECTION],
        LIST: [WARNING],
        FEED: [CORRECTION],
        JSON: [CORRECTION],
        ALERT: [f"{WARNING}-3"],
    }
    assert not any("Clitheroe" in text for shown in read.values() for text in shown.live.values())
    clock.passes(hours=5)
    website.refresh()
    assert [name for name, shown in everything(tmp_path, clock()).items() if shown.live] == []


def test_an_exercises_site_is_told_from_a_live_one(tmp_path):
    website = Website(account(tmp_path, mode="exercise"), now=Clock())
    website.send(post(WARNING, text=f"EXERCISE. Ref {WARNING}. EXERCISE"), "k1")
    assert all(shown.wrong for shown in everything(tmp_path, NOW).values())


def everything(site, now):
    page = site / "alerts" / WARNING.lower()
    found, facts = surfaces.alerts_json((site / "alerts.json").read_bytes(), now)
    assert facts.pages == (WARNING,)
    return {
        PAGE: surfaces.page((page / "index.html").read_bytes()),
        LIST: surfaces.listing((site / "index.html").read_bytes()),
        FEED: surfaces.atom((site / "atom.xml").read_bytes()),
        JSON: found,
        ALERT: surfaces.cap(page.with_suffix(".cap.xml").read_bytes(), now),
    }


def test_the_wall_is_read_with_the_newest_post_first(tmp_path):
    sandbox = SandboxProcess(tmp_path)
    try:
        known = sandbox.get("/_sandbox/accounts").json()["facebook"]
        for ref in (WARNING, UPDATE):
            fields = {"message": f"{SAID[ref]} Ref {ref}.", "access_token": known["access_token"]}
            sandbox.post(f"/v26.0/{known['page_id']}/feed", data=fields).raise_for_status()
        seen = surfaces.wall(sandbox.get("/").content)
    finally:
        sandbox.stop()
    assert list(seen[WALL_FACEBOOK].live) == [UPDATE, WARNING]
    assert not seen[WALL_SITE].live
