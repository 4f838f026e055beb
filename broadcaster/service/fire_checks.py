"""Whether a run that is due is still what was approved: checked again in the transaction that releases it."""

from collections.abc import Mapping

from broadcaster.db import audiences, people, standing_approvals
from broadcaster.db.engine import Tx
from broadcaster.db.schedule_versions import ScheduleVersion
from broadcaster.db.schedules import Schedule
from broadcaster.db.standing_approvals import StandingApproval
from broadcaster.domain.canonical import Json, sha256
from broadcaster.domain.manifest import Manifest
from broadcaster.domain.policy import Role
from broadcaster.domain.schedule import Planned, has_moved
from broadcaster.service.retired import why_retired
from broadcaster.service.series import Series, as_text, template_in_force


class NotNow(Exception):
    """What stands against a run that is due: a stable code, and a sentence for a person."""

    def __init__(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


def standing_of(tx: Tx, version: ScheduleVersion, run: Planned) -> StandingApproval:
    """The approval under which this run may go out. NotNow where none stands, or who gave it may not any more."""
    if version.standing_id is None:
        raise NotNow("not_approved", "Nobody approved it.")
    standing = standing_approvals.standing(tx, version.standing_id)
    if standing.revoked_at:
        raise NotNow("not_approved", "Its approval was taken back.")
    if run.at >= standing.ends_at:
        raise NotNow("not_approved", "Its approval is over.")
    who = people.known_by_id(tx, standing.approver_id)
    if who.disabled_at or Role.APPROVER not in who.person.roles:
        raise NotNow(
            "approver_gone",
            f"{who.person.name}, who approved it, may not approve any more. Another person must approve it anew.",
        )
    return standing


def still_approved(
    tx: Tx, series: Series, row: Schedule, version: ScheduleVersion, standing: StandingApproval
) -> Mapping[str, Json]:
    """The bounds that were approved, where everything is still as it was then."""
    approved = _approved_bounds(version, standing)
    if why := why_retired(tx, str(version.template["name"]), version.plan.clock):
        raise NotNow("template_retired", f"{why} End the schedule, or have the template put back in force.")
    if template_in_force(tx, str(version.template["name"])) != version.template_sha256:
        raise NotNow(
            "template_changed",
            "Its notice template was edited since it was approved. Change the schedule, and have it approved anew.",
        )
    rule = approved["audience"]
    count = rule["count"] if isinstance(rule, dict) else None
    now = series.bounds(tx, row, version, count=int(str(count)) if count is not None else None)
    if as_text(now) != version.bounds:
        raise NotNow(
            "accounts_changed",
            "An account that it speaks through is not what it was when it was approved. Have it approved anew.",
        )
    if isinstance(rule, dict):
        _require_audience(tx, version, int(str(rule["count"])))
    return approved


def _approved_bounds(version: ScheduleVersion, standing: StandingApproval) -> dict[str, Json]:
    found = standing_approvals.read_bounds(standing.bounds)
    if standing.bounds != version.bounds or sha256(found) != version.bounds_sha256:
        raise NotNow("altered", "What is stored of it is not what was approved. Tell an administrator.")
    return found


def _require_audience(tx: Tx, version: ScheduleVersion, approved: int) -> None:
    found = audiences.latest_version(tx, version.audience)
    count = audiences.digest(tx, found.id)[1] if found else 0
    if not count:
        raise NotNow("audience_empty", f'The audience "{version.audience}" is missing or empty.')
    if has_moved(approved, count):
        raise NotNow(
            "audience_moved",
            f'The audience "{version.audience}" has {count:,} people now; {approved:,} were approved. Look at it, then have the '
            "schedule approved anew.",
        )


def require_within(bounds: Mapping[str, Json], manifest: Manifest) -> None:
    """The manifest of this run against the standing approval: nothing in it that was not approved."""
    made = manifest.to_json()
    audience = made["audience"]["name"] if made["audience"] else ""
    rule = bounds["audience"]
    wrong = [
        name
        for name, approved, now in (
            ("mode", bounds["mode"], made["mode"]),
            ("kind", bounds["message_kind"], made["kind"]),
            ("template", bounds["template"], made.get("template")),
            ("visibility", bounds["visibility"], str(manifest.visibility)),
            ("policy", bounds["on_unknown"], made["on_unknown"]),
            ("audience", rule["name"] if isinstance(rule, dict) else "", audience),
            ("languages", bounds.get("languages", []), [e.language for e in manifest.languages]),
            ("places", _places(bounds["targets"]), _places(made["targets"])),
        )
        if approved != now
    ]
    slots = bounds["late_slots"]
    approved_slots = set(slots) if isinstance(slots, dict) else set()
    if not all(set(target["late_slots"]) <= approved_slots for target in made["targets"]):
        wrong.append("late slots")
    if wrong:
        raise NotNow("not_as_approved", f"It would not be what was approved ({', '.join(wrong)}).")


def _places(targets: Json) -> list[tuple[Json, ...]]:
    assert isinstance(targets, list)
    found = [each for each in targets if isinstance(each, dict)]
    return sorted(
        {(e["account"], e["channel"], e["speaks_as"], str(e.get("ways", []))) for e in found}, key=str
    )
