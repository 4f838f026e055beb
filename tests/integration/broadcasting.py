"""Releases, workers, deaths, answers, receipts, people and time, in any order: the machine that Hypothesis plays."""

from contextlib import ExitStack
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import select

from broadcaster.db.tables import account, batch, broadcast, delivery, receipt
from broadcaster.domain.broadcast import BatchState, BroadcastState, Lane
from broadcaster.domain.delivery import SETTLED
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, Stale
from tests.builders import LIFE_SAFETY, NO_HURRY
from tests.fakes import Took, WorkerDied
from tests.integration.promises import ENDED, Promises, S

LEASE_S = 20
MESSAGES = 3  # released per example, at most
DRAIN_ROUNDS = 60

ANSWERS = {
    "take": lambda: None,
    "not sent": lambda: NotSent("busy"),
    "not sent, come later": lambda: NotSent("slow_down", retry_after_s=30),
    "refuse": lambda: Refused("too_rude"),
    "not configured": lambda: NotConfigured("bad_token"),
    "silence": lambda: OutcomeUnknown("read_timeout"),
    "take, then silence": lambda: Took(OutcomeUnknown("read_timeout")),
    "take, then a bug": lambda: Took(ConnectionResetError()),
    "die": WorkerDied,
    "take, then die": lambda: Took(WorkerDied()),
}
#: What happens in other processes while one waits for a platform. `late` lets this one's lease run out.
MEANWHILE = ("nothing", "late", "late and sent again", "sweep", "stop", "another worker", "receipts")

#: What happens while one stands still between its intent and the call: its own clock tells it, when it goes on.
STANDS_STILL = ("late", "late and sent again", "sweep")

UNSURE = ["take, then silence", "take, then die", "silence"]  #: what matters most comes more often
answers = st.lists(st.sampled_from(sorted(ANSWERS) + UNSURE * 2), min_size=1, max_size=5)
meanwhile = st.lists(st.sampled_from(MEANWHILE), max_size=2)
stands_still = st.lists(st.sampled_from(STANDS_STILL), max_size=1)
sizes = st.sampled_from([7, 4, 1, 0])
groups = st.sampled_from([30, 3, 1])


class Broadcasting(Promises):
    def __init__(self, new_world):
        self.stack = ExitStack()
        super().__init__(self.stack.enter_context(new_world()))
        self.other = self.world.stoppable()
        self.world.parts = self.world.stoppable()
        for platform in self.platforms.values():
            platform.on_call = partial(self._watched, platform)
            if platform.name != "sms":
                platform.on_check = partial(self._before_the_call, Lane.PUBLIC)
        self.happens = []
        self.stands_still = []
        self.opted_out = set()

    # --- messages and people ------------------------------------------------------------------------------

    @initialize(size=sizes, urgent=st.booleans(), brief=st.booleans())
    def first(self, size, urgent, brief):
        self._release(size, urgent, brief, plan=True, channels=("website", "facebook", "x"), further=False)

    @precondition(lambda self: len(self.released) < MESSAGES)
    @rule(
        size=sizes,
        urgent=st.booleans(),
        brief=st.booleans(),
        plan=st.booleans(),
        channels=st.lists(st.sampled_from(["website", "facebook", "x"]), unique=True, min_size=1),
        further=st.booleans(),
    )
    def release(self, size, urgent, brief, plan, channels, further):
        self._release(size, urgent, brief, plan, tuple(channels), further)

    def _release(self, size, urgent, brief, plan, channels, further):
        """`brief` messages expire within the hour, the others outlive the example. `further`: on X it is a thread."""
        if size:
            self.world.add_audience("residents", size)
        headline = f"Warning {len(self.released) + 1}"  # reading back tells posts apart by their text
        draft = {
            "channels": (*channels, "sms") if size else channels,
            "audience": "residents" if size else "",
            "headline": headline,
            "expires": "+1h" if brief else "+12h",
            **(LIFE_SAFETY if urgent else NO_HURRY),
        }
        if further and "x" in channels:
            released = self.world.release_thread(f"2/3 {headline}", f"3/3 {headline}", **draft)
        else:
            released = self.world.release(**draft)
        self.released.append(released)
        if plan:
            self.plan()

    @rule()
    def plan(self):
        for released in self.released:
            self.world.parts.plan.plan(self.world.broadcast_id(released.ref))

    @rule(which=st.integers(0, MESSAGES - 1), sure=st.integers(0, 2))
    def stop(self, which, sure):
        if which < len(self.released) and not sure:
            try:
                self.world.stop(self.released[which].ref)
            except Stale:
                assert self.world.broadcast(self.released[which].ref).state in ENDED

    @precondition(lambda self: any(a.paused_at for a in self.world.rows(account)))
    @rule()
    def resume(self):
        for row in self.world.rows(account):
            if row.paused_at:
                self.world.parts.accounts.resume(self.world.administrator, row.name, row.mode)

    @precondition(lambda self: self.may_opt_out())
    @rule(which=st.integers(0, 6))
    def opt_out(self, which):
        """Somebody whose text may have arrived, and may be sent once more."""
        numbers = self.may_opt_out()
        ordinal = numbers[which % len(numbers)]
        self.opted_out.add(ordinal)
        self.world.opt_out(ordinal)

    def may_opt_out(self):
        rows = [row for row in self.deliveries() if row.channel == "sms"]
        again = {row.ordinal for row in rows if row.resends or row.state in {S.UNKNOWN, S.UNKNOWN_FINAL}}
        return sorted(again - self.opted_out)

    @precondition(lambda self: self.world.parts.unknowns.undecided())
    @rule(which=st.integers(0, 9), again=st.booleans())
    def decide(self, which, again):
        """A person looks at the platform; one who does not find it, or does not trust it, has it sent again."""
        waiting = self.world.parts.unknowns.undecided()
        uid = waiting[which % len(waiting)].uid
        if uid in self.taken and not again:
            link = f"https://x.test/{self.platform_id(uid)}"
            self.world.parts.unknowns.mark_sent(self.world.officer, uid, link=link, reason="seen")
            return
        try:
            self.world.parts.unknowns.send_again(self.world.officer, uid, reason="not seen")
        except Stale:
            return
        self.by_people[uid] += 1

    # --- work ---------------------------------------------------------------------------------------------

    @rule(groups=groups, said=answers, happens=meanwhile, still=stands_still, other=st.booleans())
    def work_public(self, groups, said, happens, still, other):
        self._work_while(Lane.PUBLIC, groups, said, happens, still, other=other)

    @rule(groups=groups, said=answers, happens=meanwhile, still=stands_still, other=st.booleans())
    def work_bulk(self, groups, said, happens, still, other):
        self._work_while(Lane.BULK, groups, said, happens, still, other=other)

    def _work_while(self, lane, groups, said, happens, still, *, other):
        """Some groups, or all, with these answers; then the platform takes everything."""
        self.happens, self.stands_still = list(happens), list(still)
        if still and lane is Lane.BULK:
            self.world.before_the_first_byte(partial(self._before_the_call, lane))
        self._work(lane, groups, said, self.other if other else self.world.parts)
        self.happens, self.stands_still = [], []
        self.world.clock.on_look = lambda: None

    def _before_the_call(self, lane):
        """After the intent; also when a message is written, but then nobody stands still."""
        if self.stands_still:
            self._happen(self.stands_still.pop(), lane)

    def _work(self, lane, groups, said, parts):
        for platform in self.platforms.values():
            if (platform.name == "sms") == (lane is Lane.BULK):
                platform.answers.extend(ANSWERS[each]() for each in said)
        try:
            self.world.once(lane, groups=groups, parts=parts)
        except WorkerDied:
            pass
        finally:
            for platform in self.platforms.values():
                platform.answers.clear()

    def _watched(self, platform, keys):
        """What fails in here would be taken for a bug of the channel, and so for an outcome: it is kept for later."""
        try:
            self._called(platform, keys)
        except Exception as error:
            self.broken.append(error)
            raise

    def _called(self, platform, keys):
        """Just before the first byte: this must be allowed, at this moment."""
        query = (
            select(delivery.c.uid, delivery.c.state, broadcast.c.state.label("of"), broadcast.c.expires_at)
            .join(broadcast, broadcast.c.id == delivery.c.broadcast_id)
            .where(delivery.c.uid.in_(keys))
        )
        with self.world.database.read() as tx:
            rows, now = list(tx.execute(query)), tx.now()
        assert {row.uid for row in rows} == set(keys)
        for row in rows:
            assert row.state == S.PENDING
            assert row.of == BroadcastState.SENDING, f"{platform.name} was called after the end"
            assert row.expires_at > now, f"{platform.name} was called after the expiry"
        if self.happens:
            self._happen(self.happens.pop(0), Lane.BULK if platform.name == "sms" else Lane.PUBLIC)

    def _happen(self, what, lane):
        if what.startswith("late"):
            self.world.clock.advance(LEASE_S + 1)
            self.other.reconcile.take_over()
        if what == "late and sent again":
            self._send_all_again()
            self._work(lane, 3, [], self.other)
        elif what == "sweep":
            self.other.sweep.sweep()
        elif what == "stop":
            self.stop(len(self.released) - 1, 0)
        elif what == "another worker":
            held = {p.name: list(p.answers) for p in self.platforms.values()}
            self._work(lane, 2, [], self.other)
            for name, left in held.items():
                self.platforms[name].answers.extend(left)
        elif what == "receipts":
            for taken in self.world.gateway.ledger:
                self.world.receive(taken.key, "delivered")

    def _send_all_again(self):
        for unknown in self.world.parts.unknowns.undecided():
            try:
                self.other.unknowns.send_again(self.world.officer, unknown.uid, reason="not seen")
            except Stale:
                continue
            self.by_people[unknown.uid] += 1

    # --- later truth --------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 20), state=st.sampled_from(["accepted", "delivered", "undelivered"]))
    def receive(self, which, state):
        ledger = self.world.gateway.ledger
        self.world.receive(ledger[which % len(ledger)].key if ledger else "nobody-s-key", state)

    @rule(part=st.sampled_from(["take over", "take over the dead", "receipts", "unknown", "read", "sweep"]))
    def tend(self, part):
        """One of the pump's parts by itself. Between the rules nobody works: whoever holds a batch is dead."""
        if part == "take over":
            self.other.reconcile.take_over()
        elif part == "take over the dead":
            for owner in {row.owner for row in self.world.batches() if row.owner}:
                self.other.reconcile.take_over(owner)
        elif part == "receipts":
            self.other.receipts.apply_all()
        elif part == "unknown":
            self.other.reconcile.look_into()
        elif part == "read":
            self.world.page.readings.append(NotSent("read_back_failed"))
            self.world.feed.readings.append(None)  # its index lags
            self.other.read_back.look("live")
        else:
            self.world.parts.sweep.sweep()

    @rule(seconds=st.sampled_from([1, 3, LEASE_S + 1, 61, 120, 3601]))
    def wait(self, seconds):
        """An hour is longer than what is brief is in force."""
        self.world.clock.advance(seconds)

    @rule(rounds=st.integers(2, 4))
    def minutes_pass(self, rounds):
        """As the pump does it; long enough for the policy to decide."""
        for _ in range(rounds):
            self.world.clock.advance(65)
            self.world.parts.sweep.sweep()
            self.world.parts.read_back.look("live")

    # --- the end ------------------------------------------------------------------------------------------

    def teardown(self):
        try:
            if self.released:
                self._drain()
        finally:
            self.stack.close()

    def _drain(self):
        """The platforms work again, and time passes: now everything must be known, or left to a person."""
        self.happens = []
        for platform in (self.world.page, self.world.feed):
            platform.readings.clear()
        self.plan()
        for _ in range(DRAIN_ROUNDS):
            self.resume()
            self.world.parts.sweep.sweep()
            self.world.work_public()
            self.world.work_bulk()
            self.world.parts.read_back.look("live")
            if all(self.world.broadcast(r.ref).state in ENDED for r in self.released) and all(
                S(row.state) in SETTLED for row in self.deliveries()
            ):
                break
            self.world.clock.advance(31)
        self.nothing_failed_unseen()
        self.everything_adds_up()
        self.states_are_true_and_only_go_where_they_may()
        self.nothing_is_sent_again_unawares_or_more_often_than_agreed()
        left = [row for row in self.deliveries() if S(row.state) not in SETTLED]
        assert not left
        assert {row.state for row in self.world.rows(broadcast)} <= ENDED
        assert {row.state for row in self.world.rows(batch)} <= {BatchState.DONE}
        waiting = {row.delivery_uid for row in self.world.rows(receipt) if row.applied_at is None}
        assert not waiting & set(self.taken)
