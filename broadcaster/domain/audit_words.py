"""What each act of the audit log means, as a sentence for somebody who has never seen this product.

A dictionary and not a rule over the acts' names: an act without a sentence of its own fails a test, instead of being
shown to an auditor as a word with underscores.
"""

from collections.abc import Mapping, Sequence

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_messages import MESSAGES
from broadcaster.domain.audit_public import PUBLIC
from broadcaster.domain.audit_record import RECORD
from broadcaster.domain.audit_staff import STAFF
from broadcaster.domain.audit_told import Ready, Sentence, Told, many


def sentence(event: AuditEvent) -> str:
    """What happened. For an act that this version does not know, the act itself: a log may be older or newer."""
    told, said = Told(event), SENTENCES.get(event.act)
    if said is None:
        return f"{told['who']}: {event.act.replace('_', ' ')} ({told['about']})."
    text = said(told) if callable(said) else said.format_map(Ready(told))
    return text.replace("?.", "?").replace("..", ".")  # a reason has its own end


def title(act: str) -> str:
    """The act in a few words, to choose it from a list."""
    return act.replace("_", " ").capitalize()


# --- incidents --------------------------------------------------------------------------------------------

_DECIDED = {"warn": "to warn", "not-to-warn": "NOT to warn"}


def _incident_decided(t: Told) -> str:
    what = _DECIDED.get(t.text("decision"), "something")
    return f"{t['who']} noted a decision for the incident {t['about']}, {what}{t.why()}."


def _moved(t: Told) -> str:
    closed = f" With that, {t['before']} was empty, and closed." if t.get("closed_before") else ""
    return (
        f"{t['who']} moved the draft {t['about']} from the incident {t['before']} to {t['incident']}.{closed}"
    )


INCIDENTS: Mapping[str, Sentence] = {
    "incident_opened": "{who} opened the incident {about}: {name}.",
    "incident_changed": "{who} changed what the incident {about} is called or who leads it: {name}; {lead_agency}.",
    "incident_closed": lambda t: f"{t['who']} closed the incident {t['about']}{t.why()}.",
    "incident_reopened": lambda t: f"{t['who']} opened the incident {t['about']} again{t.why()}.",
    "incident_decided": _incident_decided,
    "warning_dismissed": lambda t: (
        f"{t['who']} dismissed what {t['feed']} had warned of, on the record of {t['about']}{t.why()}."
    ),
    "incident_agreed": "{who} noted that {agency} agreed ({way}) about the incident {about}.",
    "incident_action_noted": "{who} noted what is to be done in the incident {about} (action {action}).",
    "incident_action_done": "{who} noted that action {action} of the incident {about} is done.",
    "hand_over_offered": "{who} offered the incident {about} to {to}.",
    "hand_over_accepted": "{who} accepted the incident {about} from {from} and has it in hand.",
    "hand_over_withdrawn": "{who} ended the offer of the incident {about} from {from} to {to}, which nobody had accepted.",
    "message_moved_to_incident": _moved,
}

TEMPLATES: Mapping[str, Sentence] = {
    "template_edited": lambda t: (
        f"{t['who']} edited the notice template {t['about']}: version {t.text('version')} is in force{t.why()}."
    ),
    "template_put_back": lambda t: (
        f"{t['who']} put version {t.text('of')} of the notice template {t['about']} back in force, as version "
        f"{t.text('version')}{t.why()}."
    ),
    "template_retired": lambda t: (
        f"{t['who']} retired the notice template {t['about']}, so that nothing new is written from it{t.why()}."
    ),
}

SCHEDULES: Mapping[str, Sentence] = {
    "schedule_written": "{who} wrote the schedule {about}, from the template {template}, for {mode} use.",
    "schedule_changed": "{who} wrote version {version} of the schedule {about}. What was approved before goes on until it is.",
    "schedule_submitted": "{who} handed over version {version} of the schedule {about} for approval.",
    "schedule_approved": "{who} approved the schedule {about}, version {version}: its runs go out by themselves until {until}.",
    "schedule_returned": lambda t: f"{t['who']} gave the schedule {t['about']} back to its officer{t.why()}.",
    "schedule_rejected": lambda t: f"{t['who']} rejected a version of the schedule {t['about']}{t.why()}.",
    "schedule_paused": lambda t: f"{t['who']} paused the schedule {t['about']}{t.why()}.",
    "schedule_resumed": "{who} let the schedule {about} go on.",
    "schedule_run_left_out": lambda t: (
        f"{t['who']} left out the run of the schedule {t['about']} that was planned for {t['planned']}{t.why()}."
    ),
    "schedule_run_put_back": "{who} put the run of the schedule {about} back that was planned for {planned}.",
    "schedule_ended": lambda t: f"{t['who']} ended the schedule {t['about']}{t.why()}.",
    "schedule_run_refused": lambda t: (
        f"The run of the schedule {t['about']} that was due at {t['planned']} did not go out: "
        f"{t.text('code').replace('_', ' ')}."
    ),
    "schedule_runs_missed": lambda t: (
        f"{many(t.number('count'), 'run')} of the schedule {t['about']} did not go out, since nobody was there in time."
    ),
    "schedule_runs_held": lambda t: (
        f"{many(t.number('count'), 'run')} of the schedule {t['about']} did not go out: it was {t['code']}."
    ),
    "calendar_address_made": "{who} made an address under which a calendar reads the schedules.",
    "calendar_address_ended": "{who} ended the address under which a calendar read the schedules.",
}

SENTENCES: Mapping[str, Sentence] = {
    **MESSAGES,
    **SCHEDULES,
    **INCIDENTS,
    **TEMPLATES,
    **PUBLIC,
    **STAFF,
    **RECORD,
}
#: The acts under the headings of a list.
KINDS: Mapping[str, Sequence[str]] = {
    "Messages": sorted(MESSAGES),
    "Schedules": sorted(SCHEDULES),
    "Incidents": sorted(INCIDENTS),
    "Notice templates": sorted(TEMPLATES),
    "Accounts, audiences and the public": sorted(PUBLIC),
    "Staff": sorted(STAFF),
    "The record itself": sorted(RECORD),
}
