"""What programs do about what brings time: follow-ups, schedules, storm mode, feeds and their warnings, drills, what is authorised
beforehand, and the time before an election. For the tables of acts: each is made ready, and told as (who, path, body).
"""

from datetime import timedelta

from broadcaster.db.tables import delegation, election_period, feed, pre_authorisation
from broadcaster.render.notices import shipped_example
from broadcaster.service.drills import Plan
from tests.builders import NO_HURRY
from tests.integration.authorised import NAME, bounds
from tests.integration.planning import VALUES as PLANNED
from tests.integration.planning import written
from tests.integration.programs import program
from tests.integration.weather import lay

BECAUSE = {"reason": "as agreed"}
WATCHED = {"url": "https://weather.example/atom.xml", "rules": [{"template": "severe-weather"}]}


class ActsOfTime:
    def __init__(self, world):
        self.world = world
        self.olive = program(world, "olive", "officer")
        self.anna = program(world, "anna", "approver")
        self.ada = program(world, "ada", "administrator")
        self.released = world.release(channels=("website",)).ref

    # --- what follows a message -----------------------------------------------------------------------------

    def follow_up(self):
        body = {"purpose": "update", "values": {"area": "All of Wyre"}}
        return self.olive, f"/messages/{self.released}/follow-ups", body

    def in_error(self):
        compose, name = self.world.parts.compose, "severe-weather"
        drafted = compose.draft(
            self.world.officer,
            template=self.world.parts.templates.current(name),
            values=shipped_example(name),
            channels=("website",),
        )
        ref = self.world.approve(compose.submit(self.world.officer, drafted.ref)).ref
        return self.olive, f"/messages/{ref}/sent-in-error", BECAUSE

    def let_end(self):
        return self.olive, f"/messages/{self.released}/let-end", BECAUSE

    # --- schedules ------------------------------------------------------------------------------------------

    def _plan(self):
        """Mondays, from last week on, for a year."""
        today = self.world.now().replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
        last = (today + timedelta(days=365)).date()
        return {"starts": today - timedelta(days=7), "last": last}

    def whole(self):
        plan = self._plan()
        starts, last = plan["starts"].isoformat(timespec="minutes"), plan["last"].isoformat()
        given = {"starts": starts, "last": last, "zone": "Europe/London", "rule": "FREQ=WEEKLY;BYDAY=MO"}
        return {"name": "Tip closed", "plan": given, "values": PLANNED, "channels": ["website"]}

    def add(self):
        return self.olive, "/schedules", {**self.whole(), "template": "service-disruption", "mode": "live"}

    def planned(self, *, submitted=False, approved=False):
        parts, self.hash = self.world.parts, ""
        self.ref = parts.schedule_writing.add(self.world.officer, written(**self._plan())).ref
        if submitted or approved:
            self.hash = parts.schedule_writing.submit(self.world.officer, self.ref)
        if approved:
            parts.schedule_approval.approve(self.world.approver, self.ref, self.hash)
        return f"/schedules/{self.ref}"

    def change(self):
        return self.olive, self.planned(), {**self.whole(), "base": 1}

    def submit(self):
        return self.olive, f"{self.planned()}/submit", None

    def approve(self):
        return self.anna, f"{self.planned(submitted=True)}/approve", {"hash": self.hash}

    def send_back(self):
        return self.anna, f"{self.planned(submitted=True)}/return", BECAUSE

    def reject(self):
        return self.anna, f"{self.planned(submitted=True)}/reject", BECAUSE

    def pause(self):
        return self.olive, f"{self.planned(approved=True)}/pause", BECAUSE

    def resume(self):
        return self.olive, f"/schedules/{self.ref}/resume", None

    def _next(self):
        return {"at": self.olive.get(f"/schedules/{self.ref}").json["ahead"][0]["at"]}

    def skip(self):
        return self.olive, f"/schedules/{self.ref}/skip", {**self._next(), **BECAUSE}

    def put_back(self):
        return self.olive, f"/schedules/{self.ref}/put-back", self._next()

    def end(self):
        return self.olive, f"/schedules/{self.ref}/end", BECAUSE

    def make_address(self):
        return self.olive, "/calendar/address", None

    # --- storm mode -----------------------------------------------------------------------------------------

    def storm_on(self):
        return self.olive, "/storm/on", BECAUSE

    def held(self):
        ref = self.world.release(channels=("website",), **NO_HURRY).ref
        return self.olive, f"/storm/held/{ref}", {"decision": "go-on"}

    def kind(self):
        self.world.release(channels=("website",), **NO_HURRY)
        return self.olive, "/storm/kinds/severe-weather", {"decision": "drop", "reason": "it is over"}

    def storm_off(self):
        return self.olive, "/storm/off", BECAUSE

    # --- feeds ----------------------------------------------------------------------------------------------

    def watch(self):
        return self.ada, "/feeds", {**WATCHED, "name": "Met Office"}

    def _feed(self):
        return self.world.rows(feed)[-1]

    def change_feed(self):
        return self.ada, f"/feeds/{self._feed().uid}", {**WATCHED, "every_s": 120}

    def take(self):
        values = {
            name: shipped_example("severe-weather")[name] for name in ("phone", "source", "next_update")
        }
        uid = lay(self.world, self._feed().id).uid
        return self.olive, f"/warnings/{uid}/take", {"values": values, "channels": ["website"]}

    def dismiss(self):
        return self.olive, f"/warnings/{lay(self.world, self._feed().id, '2').uid}/dismiss", BECAUSE

    def remove_feed(self):
        return self.ada, f"/feeds/{self._feed().uid}", None

    # --- drills ---------------------------------------------------------------------------------------------

    def plan_drill(self):
        body = {
            "name": "Storm surge",
            "scenario": "High water at 04:10",
            "template": "flood",
            "bars": {"approve": 60},
        }
        injects = [{"after_minutes": 10, "text": "The Met Office raises wind to red"}]
        body |= {
            "starts_at": self.world.later(3600).isoformat(),
            "parts": ["olive", "anna"],
            "injects": injects,
        }
        return self.olive, "/drills", body

    def planned_drill(self):
        plan = Plan(
            name="Surge",
            scenario="High water",
            template="flood",
            starts_at=self.world.later(3600),
            parts=["olive", "anna"],
        )
        self.drill = self.world.parts.drills.plan(self.world.officer, plan)
        return f"/drills/{self.drill}"

    def start_drill(self):
        return self.olive, f"{self.planned_drill()}/start", None

    def end_drill(self):
        return self.olive, f"/drills/{self.drill}/end", {}

    def cancel_drill(self):
        return self.olive, f"{self.planned_drill()}/cancel", BECAUSE

    # --- the clock of an approval ---------------------------------------------------------------------------

    def _ahead(self, days):
        return (self.world.now() + timedelta(days=days)).isoformat()

    def propose(self):
        body = {"template": NAME, "bounds": bounds().to_json(), "ends_at": self._ahead(30), **BECAUSE}
        return self.anna, "/pre-authorised", body

    def _authority(self):
        return self.world.rows(pre_authorisation)[-1]

    def confirm(self):
        cleo = program(self.world, "cleo", "approver")
        return cleo, f"/pre-authorised/{self._authority().ref}/confirm", {"sha256": self._authority().sha256}

    def end_authority(self):
        return self.anna, f"/pre-authorised/{self._authority().ref}/end", BECAUSE

    def try_paging(self):
        return self.olive, "/pages/test", None

    def delegate(self):
        program(self.world, "dora", "officer")
        body = {"person": "dora", "covers": {"templates": ["flood"]}, "scheme": "Scheme 4.2"}
        return self.ada, "/delegations", {**body, "starts_at": self._ahead(0), "ends_at": self._ahead(9)}

    def end_delegation(self):
        return self.ada, f"/delegations/{self.world.rows(delegation)[-1].ref}/end", BECAUSE

    def set_period(self):
        return self.ada, "/elections", {"starts_at": self._ahead(0), "ends_at": self._ahead(30)}

    def change_names(self):
        return self.ada, "/elections/names", {"names": ["Jo Swan", "Sam Reed"]}

    def end_period(self):
        return self.ada, f"/elections/{self.world.rows(election_period)[-1].ref}/end", None

    def end_address(self):
        return self.olive, "/calendar/address", None


#: As in `test_api.py`, in an order in which each finds what it needs.
ACTS_OF_TIME = {
    ("POST", "/messages/{ref}/follow-ups"): (ActsOfTime.follow_up, "message_drafted"),
    ("POST", "/messages/{ref}/sent-in-error"): (ActsOfTime.in_error, "sent_in_error_sent"),
    ("POST", "/messages/{ref}/let-end"): (ActsOfTime.let_end, "message_let_end"),
    ("POST", "/schedules"): (ActsOfTime.add, "schedule_written"),
    ("PUT", "/schedules/{ref}"): (ActsOfTime.change, "schedule_changed"),
    ("POST", "/schedules/{ref}/submit"): (ActsOfTime.submit, "schedule_submitted"),
    ("POST", "/schedules/{ref}/approve"): (ActsOfTime.approve, "schedule_approved"),
    ("POST", "/schedules/{ref}/return"): (ActsOfTime.send_back, "schedule_returned"),
    ("POST", "/schedules/{ref}/reject"): (ActsOfTime.reject, "schedule_rejected"),
    ("POST", "/schedules/{ref}/pause"): (ActsOfTime.pause, "schedule_paused"),
    ("POST", "/schedules/{ref}/resume"): (ActsOfTime.resume, "schedule_resumed"),
    ("POST", "/schedules/{ref}/skip"): (ActsOfTime.skip, "schedule_run_left_out"),
    ("POST", "/schedules/{ref}/put-back"): (ActsOfTime.put_back, "schedule_run_put_back"),
    ("POST", "/schedules/{ref}/end"): (ActsOfTime.end, "schedule_ended"),
    ("POST", "/calendar/address"): (ActsOfTime.make_address, "calendar_address_made"),
    ("DELETE", "/calendar/address"): (ActsOfTime.end_address, "calendar_address_ended"),
    ("POST", "/feeds"): (ActsOfTime.watch, "feed_added"),
    ("PUT", "/feeds/{uid}"): (ActsOfTime.change_feed, "feed_changed"),
    ("POST", "/warnings/{uid}/take"): (ActsOfTime.take, "message_drafted"),
    ("POST", "/warnings/{uid}/dismiss"): (ActsOfTime.dismiss, "warning_dismissed"),
    ("DELETE", "/feeds/{uid}"): (ActsOfTime.remove_feed, "feed_removed"),
    ("POST", "/drills"): (ActsOfTime.plan_drill, "drill_planned"),
    ("POST", "/drills/{ref}/start"): (ActsOfTime.start_drill, "drill_started"),
    ("POST", "/drills/{ref}/end"): (ActsOfTime.end_drill, "drill_ended"),
    ("POST", "/drills/{ref}/cancel"): (ActsOfTime.cancel_drill, "drill_cancelled"),
    ("POST", "/storm/on"): (ActsOfTime.storm_on, "storm_mode_on"),
    ("POST", "/storm/held/{ref}"): (ActsOfTime.held, "held_decided"),
    ("POST", "/storm/kinds/{kind}"): (ActsOfTime.kind, "held_decided"),
    ("POST", "/storm/off"): (ActsOfTime.storm_off, "storm_mode_off"),
    ("POST", "/pre-authorised"): (ActsOfTime.propose, "pre_authorisation_proposed"),
    ("POST", "/pre-authorised/{ref}/confirm"): (ActsOfTime.confirm, "pre_authorisation_confirmed"),
    ("POST", "/pre-authorised/{ref}/end"): (ActsOfTime.end_authority, "pre_authorisation_ended"),
    ("POST", "/pages/test"): (ActsOfTime.try_paging, "paging_tried"),
    ("POST", "/delegations"): (ActsOfTime.delegate, "delegation_given"),
    ("POST", "/delegations/{ref}/end"): (ActsOfTime.end_delegation, "delegation_ended"),
    ("POST", "/elections"): (ActsOfTime.set_period, "election_period_set"),
    ("PUT", "/elections/names"): (ActsOfTime.change_names, "election_names_changed"),
    ("POST", "/elections/{ref}/end"): (ActsOfTime.end_period, "election_period_ended"),
}
#: Looks at the source at once, as the pump does when it is due.
NO_ACTS_OF_TIME = {("POST", "/feeds/{uid}/check")}
#: Whoever may read may do these.
FOR_READERS = {"calendar_address_made", "calendar_address_ended", "paging_tried"}
