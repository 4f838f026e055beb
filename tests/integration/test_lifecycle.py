"""One message and what follows it, in whatever order people act: nobody reads two things that contradict each other, nothing old
goes out after something newer, and each act is one event of the log. LIFECYCLE_EXAMPLES plays more."""

import json
import os
import shutil
from contextlib import ExitStack
from itertools import count

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from lxml import etree

from broadcaster.db import tables
from broadcaster.db.tables import audit_event, broadcast, delivery, message
from broadcaster.domain.errors import Problem
from broadcaster.domain.follow_up import Purpose
from channels.website import Website
from tests.builders import a_world
from tests.contract.website_site import account
from tests.integration.test_follow_ups import Living

EXAMPLES, STEPS = int(os.environ.get("LIFECYCLE_EXAMPLES", "10")), 14
IN_ERROR = {"wrong": "It was a test.", "phone": "01632 960123"}
ALL_CLEAR = {
    "what": "The wind",
    "declared_by": "The Met Office",
    "dangers": "Trees may still fall.",
    "phone": "01632 960123",
}
SAID = {Purpose.SENT_IN_ERROR: IN_ERROR, Purpose.ALL_CLEAR: ALL_CLEAR}
PURPOSES = [Purpose.UPDATE, Purpose.CORRECTION, Purpose.ALL_CLEAR, Purpose.CANCEL, Purpose.SENT_IN_ERROR]
WHY = "It was decided so"


class Lifecycle(RuleBasedStateMachine):
    sent = Bundle("sent")
    waiting = Bundle("waiting")

    def __init__(self, new_world):
        super().__init__()
        self.stack = ExitStack()
        self.world, self.site = self.stack.enter_context(new_world())
        self.order = []  # references, as they were released

    def teardown(self):
        self.stack.close()

    def act(self, who, does):
        """What came of a person's act. It leaves one event of that person; a refusal leaves none, and changes nothing."""
        before = self._events(who)
        try:
            done = does()
        except Problem:
            assert self._events(who) == before
            return None
        assert self._events(who) == before + 1
        return done

    def _events(self, who):
        return sum(event.actor == who.name for event in self.world.rows(audit_event))

    # --- people -------------------------------------------------------------------------------------------

    @initialize(target=sent)
    def first(self):
        world = self.world
        submitted = world.submit(channels=("website", "x"))
        return self._approve(submitted)

    @rule(target=waiting, ref=sent, purpose=st.sampled_from(PURPOSES))
    def follow(self, ref, purpose):
        parts, officer = self.world.parts, self.world.officer
        values = SAID.get(purpose, {"action": f"Stay in, says number {len(self.order)}.", "expires": "+12h"})
        made = self.act(
            officer, lambda: parts.follow_ups.draft(officer, ref, purpose, values=values, reason=WHY)
        )
        return made and self.act(officer, lambda: parts.compose.submit(officer, made.ref))

    @rule(target=sent, submitted=waiting)
    def approve(self, submitted):
        return self._approve(submitted)

    def _approve(self, submitted):
        done = submitted and self.act(self.world.approver, lambda: self.world.approve(submitted))
        if done:
            self.order.append(done.ref)
        return done.ref if done else self.order[0]

    @rule(submitted=waiting, rejected=st.booleans())
    def decide_against(self, submitted, rejected):
        if submitted:
            approve = self.world.parts.approve
            does = approve.reject if rejected else approve.send_back
            self.act(self.world.approver, lambda: does(self.world.approver, submitted.ref, WHY))

    @rule(ref=sent)
    def stop(self, ref):
        self.act(self.world.approver, lambda: self.world.parts.recall.stop(self.world.approver, ref, WHY))

    # --- time and workers ---------------------------------------------------------------------------------

    @rule()
    def work(self):
        self.world.work_public()

    @rule(seconds=st.sampled_from([1, 70, 1_900, 13 * 3_600]))
    def time_passes(self, seconds):
        self.world.clock.advance(seconds)
        self.world.parts.sweep.sweep()
        self.site.refresh()

    # --- what always holds --------------------------------------------------------------------------------

    @invariant()
    def one_thing_is_said(self):
        """On the page, in both feeds: one message of the incident, and of what has arrived the newest."""
        folder = self.world.folder / "site"
        if not (folder / "alerts.json").exists():
            return
        arrived = self._arrived("site")
        alerts = json.loads((folder / "alerts.json").read_bytes())["alerts"]
        assert len(alerts) == bool(arrived)
        if not alerts:
            return
        (alert,) = alerts
        (post,) = alert["posts"]
        newest = self.order[max(self.order.index(ref) for ref in arrived)]
        assert post["facts"]["reference"] == newest
        (entry,) = etree.parse(folder / "atom.xml").findall("{*}entry")
        assert entry.findtext("{*}content").endswith(post["text"])
        assert len([each for each in (folder / "alerts").iterdir() if each.is_dir()]) == 1

    def _arrived(self, name):
        """References whose delivery through this account was accepted."""
        row = self.world.row(tables.account, name=name, mode="live")
        mine = {t.id for t in self.world.rows(tables.target) if t.account_id == row.id}
        said = {
            d.broadcast_id for d in self.world.rows(delivery) if d.target_id in mine and d.state == "accepted"
        }
        return [self._ref_of(broadcast_id) for broadcast_id in said]

    def _ref_of(self, broadcast_id):
        row = self.world.row(broadcast, id=broadcast_id)
        return self.world.row(message, id=row.message_id).ref

    @invariant()
    def nothing_old_goes_out_after_something_newer(self):
        of = {d.uid: d.broadcast_id for d in self.world.rows(delivery)}
        places = [self.order.index(self._ref_of(of[taken.key])) for taken in self.world.feed.ledger]
        assert places == sorted(places)

    @invariant()
    def what_came_down_does_not_stand(self):
        """Once the text that takes it down has arrived and its withdrawals are done, nothing earlier is read."""
        for row in self.world.rows(message):
            if row.purpose != Purpose.SENT_IN_ERROR or row.ref not in self.order:
                continue
            mine = [d for d in self.world.rows(delivery) if self._ref_of(d.broadcast_id) == row.ref]
            if mine and all(d.state == "accepted" for d in mine):
                older = self.order[: self.order.index(row.ref)]
                keys = {d.uid for d in self.world.rows(delivery) if self._ref_of(d.broadcast_id) in older}
                texts = {taken.post.text for taken in self.world.feed.ledger if taken.key in keys}
                assert not texts & set(self.world.feed.standing.values())


def test_whatever_people_do_nobody_reads_two_things_at_once(tmp_path, sqlite_template):
    numbers = count(1)

    class new_world:  # noqa: N801 - a context, made anew for each example
        def __enter__(self):
            self.stack = ExitStack()
            folder = tmp_path / str(next(numbers))
            folder.mkdir()
            url = f"sqlite:///{shutil.copy(sqlite_template, folder)}"
            world = self.stack.enter_context(a_world(url, folder, feed=Living()))
            site = world.channels["live"]["site"] = Website(account(folder / "site"), now=world.now)
            self.stack.callback(shutil.rmtree, folder)
            return world, site

        def __exit__(self, *_):
            self.stack.close()

    run_state_machine_as_test(
        lambda: Lifecycle(new_world),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        ),
    )
