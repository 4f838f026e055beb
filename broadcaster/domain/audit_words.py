"""What each act of the audit log means, as a sentence for somebody who has never seen this product.

A dictionary and not a rule over the acts' names: an act without a sentence of its own fails a test, instead of being
shown to an auditor as a word with underscores.
"""

from collections.abc import Callable, Mapping, Sequence

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_clock import SENTENCES as OF_THE_CLOCK
from broadcaster.domain.audit_clock import released_alone
from broadcaster.domain.audit_told import FACTORS, STATES, Ready, Told, in_text, listed, many

Sentence = str | Callable[[Told], str]


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


# --- messages ---------------------------------------------------------------------------------------------


def _drafted(t: Told) -> str:
    after = f", which follows {t['follows']} ({t['as']})" if t.get("follows") else ""
    why = f". What was published comes down: {t['reason']}" if t.get("reason") else ""
    return f"{t['who']} began the message {t['about']}{after}, from the template {t['template']}, for {t['mode']} use{why}."


def _settled(t: Told) -> str:
    return (
        f"{t['about']} goes to those who got the first text: {many(t.number('count'), 'person', 'people')}, of at most "
        f"{t.number('approved'):,} who were approved."
    )


def _released(t: Told) -> str:
    if t.get("authority"):
        return released_alone(t)
    people = (
        f" and texts to {many(t.number('recipients'), 'person', 'people')}" if t.number("recipients") else ""
    )
    if t.get("schedule"):
        return (
            f"{t['about']} was due by the schedule {t['schedule']} and was released as approved beforehand: "
            f"{many(t.number('public_posts'), 'public post')}{people}."
        )
    how = FACTORS.get(t.text("factor"), t.text("factor"))
    under = f" under the delegation {t['delegation']} ({t['scheme']})" if t.get("delegation") else ""
    return (
        f"{t['who']} approved {t['about']}{under}, as a second person and with {how}, and it was released: "
        f"{many(t.number('public_posts'), 'public post')}{people}."
    )


def _outcomes(t: Told) -> str:
    through = f" through the account {t['account']}" if t.get("account") else ""
    return f"Platforms answered about {t['about']}{through}: {t.counts('counts')}."


def _receipts(t: Told) -> str:
    found = t.get("counts")
    moves = found.items() if isinstance(found, dict) else ()
    told = [f"{in_text(n)} {STATES.get(move.partition('->')[2], move)}" for move, n in moves]
    return f"Delivery receipts came for {t['about']}: {listed(told)}."


def _not_sent(why: str) -> Callable[[Told], str]:
    def said(t: Told) -> str:
        unknown = (
            f" {many(t.number('unknown'), 'more')} may have been sent before." if t.number("unknown") else ""
        )
        return f"{many(t.number('count'), 'post or text', 'posts or texts')} of {t['about']} {why}.{unknown}"

    return said


def _held_back(t: Told) -> str:
    why = {
        "not_what_was_approved": "what is stored is not what was approved",
        "poison": "sending it stopped workers",
    }.get(t.text("reason"), t.text("reason"))
    return f"{many(t.number('count'), 'post or text', 'posts or texts')} of {t['about']} held back: {why}."


def _moved(t: Told) -> str:
    closed = f" With that, {t['before']} was empty, and closed." if t.get("closed_before") else ""
    return (
        f"{t['who']} moved the draft {t['about']} from the incident {t['before']} to {t['incident']}.{closed}"
    )


def _sent_again(t: Told) -> str:
    return (
        f"{many(t.number('count'), 'post or text', 'posts or texts')} of {t['about']} with no known outcome sent once more, "
        "as was approved."
    )


def _decided(t: Told) -> str:
    what = {"send_again": "it shall be sent again", "sent": "it was sent"}
    said = what.get(t.text("decision"), t.text("decision").replace("_", " "))
    of = many(t.number("count") or 1, "post or text", "posts or texts")
    return f"{t['who']} decided about {of} of {t['about']} with no known outcome: {said}{t.why()}."


def _done(t: Told) -> str:
    return f"Sending {t['about']} is over. Of {t.number('planned'):,} planned: {t.counts('totals')}."


_SEEN = {
    "there": "it is there",
    "gone": "it is gone",
    "differs": "it is there and DIFFERS",
    "absent": "it is NOT there",
}


def _looked_at(t: Told) -> str:
    found = _SEEN.get(t.text("found"), "that could not be told")
    return f"A post of {t['about']} was looked for where people read it: {found}."


def _held_decided(t: Told) -> str:
    what = {
        "go-on": "it goes on, as it was approved",
        "change": "it was stopped, to be written anew",
        "drop": "it is not sent",
    }
    said = what.get(t.text("decision"), t.text("decision"))
    return f"{t['who']} decided about {t['about']}, which storm mode had held: {said}{t.why()}."


MESSAGES: Mapping[str, Sentence] = {
    "message_drafted": _drafted,
    "sent_in_error_sent": '{who} sent {about}, the "sent in error" that was approved together with {follows}: {reason}.',
    "message_let_end": "{who} decided that {about} may end without another word: {reason}.",
    "message_edited": "{who} changed {about}: it is version {version} now. What had been handed over no longer counts.",
    "message_submitted": "{who} handed over version {version} of {about} for approval. Its texts and its audience were frozen.",
    "message_approved_and_released": _released,
    "message_returned": lambda t: f"{t['who']} gave {t['about']} back to its officer{t.why()}.",
    "message_rejected": lambda t: f"{t['who']} rejected {t['about']} for good{t.why()}.",
    "submission_expired": "Nobody approved {about} in time, so nothing was sent.",
    "broadcast_stopped": lambda t: f"{t['who']} stopped {t['about']}{t.why()}.",
    "broadcast_done": _done,
    "outcomes_recorded": _outcomes,
    "receipts_applied": _receipts,
    "deliveries_failed": _not_sent("not sent, since an earlier part of the thread is missing"),
    "deliveries_expired": _not_sent("not sent, since the message had run out"),
    "deliveries_cancelled": _not_sent(
        "not sent, since the message was stopped or a newer one took its place"
    ),
    "follow_up_audience_settled": _settled,
    "deliveries_suppressed": _not_sent("not sent, to people who had opted out or were erased"),
    "deliveries_not_resent": lambda t: (
        f"{many(t.number('unknown'), 'post or text', 'posts or texts')} of {t['about']} with no known outcome not sent again: "
        "the time for that was over."
    ),
    "deliveries_quarantined": _held_back,
    "deliveries_restored": lambda t: (
        f"After a backup was restored it is not known whether these of {t['about']} were sent: "
        f"{t.counts('unknown', {})}."
    ),
    "batch_taken_over": lambda t: (
        f"A worker ended in the middle of sending {t['about']}. "
        f"{many(t.number('unknown'), 'post or text', 'posts or texts')} may or may not have been sent."
    ),
    "unknown_found_by_reading_back": "A post of {about} with no known outcome was found on the platform: {link}",
    "unknown_sent_again": _sent_again,
    "unknown_left_to_a_person": lambda t: (
        f"{many(t.number('count'), 'post or text', 'posts or texts')} of {t['about']} with no known outcome left to a person to decide."
    ),
    "unknown_decided": _decided,
    "failed_tried_again": lambda t: (
        f"{t['who']} had {many(t.number('failed_again'), 'refused post or text', 'refused posts or texts')} of {t['about']} tried again"
        f"{t.why()}."
    ),
    "post_looked_at": _looked_at,
    "posted_by_hand": "{who} posted {about} by hand on {channel}: {link}",
    "told_by_hand": "{who} noted that people were told of {about} in another way: {way}.",
    "held_decided": _held_decided,
    "poster_taken": "{who} took away a poster of {about}: a PDF with the digest {sha256}.",
    "outcomes_exported": "{who} took away what became of each delivery of {about}, without numbers.",
}

# --- incidents --------------------------------------------------------------------------------------------

_DECIDED = {"warn": "to warn", "not-to-warn": "NOT to warn"}


def _incident_decided(t: Told) -> str:
    what = _DECIDED.get(t.text("decision"), "something")
    return f"{t['who']} noted a decision for the incident {t['about']}, {what}{t.why()}."


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
}

# --- accounts, audiences, the public ----------------------------------------------------------------------

_REPLIES = {
    "accepted": "was sent",
    "not_sent": "was not sent",
    "refused": "was refused",
    "unknown": "may or may not have been sent",
}


def _ready(t: Told) -> str:
    words = {
        "ready": "ready to send",
        "doubtful": "in need of a look",
        "not_ready": "not ready to send",
        "unknown": "not known to be ready",
    }
    to, before = t.text("to"), t.text("from")
    return f"A check found the {t['mode']} account {t['about']} {words.get(to, to)}; before, it was {words.get(before, before)}."


def _imported(t: Told) -> str:
    return (
        f"{t['who']} imported the audience {t['about']}, version {t.text('version')}: "
        f"{many(t.number('count'), 'number')}, {t.text('added')} new and {t.text('removed')} gone; "
        f"{many(t.number('problems'), 'row')} could not be read."
    )


def _looked_up(t: Told) -> str:
    return (
        f"{t['who']} looked for a member of the public by number: in {many(t.number('versions'), 'version')} of audiences, "
        f"{many(t.number('deliveries'), 'text')} sent. The number itself is not recorded."
    )


def _erased(t: Told) -> str:
    stays = ", and keeps it out of later lists" if t.get("kept_out") is True else ""
    return (
        f"{t['who']} erased a member of the public's number from {many(t.number('versions'), 'version')} of audiences{stays}"
        f"{t.why()}."
    )


def _confirmed(t: Told) -> str:
    how = _REPLIES.get(t.text("outcome"), t.text("outcome").replace("_", " "))
    return f"The answer to {many(t.number('count'), 'person', 'people')} who opted out {how}."


def _heard(t: Told) -> str:
    """The source's words are in the record of warnings; here is what became of them."""
    said = {"Update": "changed a warning", "Cancel": "cancelled a warning"}.get(
        t.text("kind"), "warned of something"
    )
    then = "it was laid before the officers" if t.get("laid") is True else "what waited of it is over"
    return f"{t['about']} {said}: {then}."


PUBLIC: Mapping[str, Sentence] = {
    "account_paused": "Sending through an account was paused while {about} went out: the platform refused its credentials ({code}).",
    "account_resumed": "{who} took the {mode} account {about} back into use.",
    "account_readiness_changed": _ready,
    "account_failing": "Sending {about} through the account {name} failed {failures} times in a row, so its spares send in its place.",
    "account_takes_again": "The account {name} took a text again.",
    "audience_imported": _imported,
    "audience_numbers_wiped": "The numbers of version {version} of the audience {about} ({count}) were wiped, {kept_days} days after a newer one came.",
    "person_looked_up": _looked_up,
    "person_erased": _erased,
    "opted_out": "Somebody wrote STOP and is sent nothing more.",
    "opted_in": "Somebody wrote START and is sent texts again.",
    "opt_out_confirmed": _confirmed,
    "opt_out_entered": lambda t: f"{t['who']} entered that somebody wants no more texts{t.why()}.",
    "opt_out_ended": lambda t: f"{t['who']} ended somebody's opt-out{t.why()}.",
    "answers_read": lambda t: (
        f"{t['who']} read what people wrote to us: {many(t.number('count'), 'message')}."
    ),
    "answer_number_read": "{who} looked at the number of somebody who wrote to us (message {heard}).",
    "answers_wiped": "What people wrote to us was wiped after {kept_days} days: {count} messages.",
    "callbacks_wiped": "What platforms reported, as it came in, was wiped after {kept_days} days: {count} reports.",
}

# --- staff ------------------------------------------------------------------------------------------------


def _staff(said: str) -> Callable[[Told], str]:
    """With who had proposed it and why, where two administrators decided."""

    def told(t: Told) -> str:
        text = said.format_map(Ready(t))
        proposed = f" It was proposed by {t['proposed_by']} ({t['proposal']})." if t.get("proposal") else ""
        return f"{text}{t.why()}.{proposed}"

    return told


def _came_in(t: Told) -> str:
    how = FACTORS.get(t.text("factor"), t.text("factor"))
    failed = (
        f" {many(t.number('failed_before'), 'try', 'tries')} under this name had failed before."
        if t.number("failed_before")
        else ""
    )
    return f"{t['who']} signed in with {how}.{failed}"


def _proposed(t: Told) -> str:
    change = t.get("change")
    kind = str(change.get("kind", "a change")).replace("_", " ") if isinstance(change, dict) else "a change"
    name = f" ({change['name']})" if isinstance(change, dict) and change.get("name") else ""
    return f"{t['who']} proposed to {kind}{name}, as {t['about']}, for a second administrator to decide{t.why()}."


def _undone(word: str) -> Callable[[Told], str]:
    return lambda t: (
        f"{t['who']} {word} the proposal {t['about']} to {t.text('kind').replace('_', ' ')}{t.why()}."
    )


STAFF: Mapping[str, Sentence] = {
    "user_added": _staff("{who} added the user {about}, with these roles: {roles}"),
    "user_invited": _staff("{who} sent {about} a link to set a password"),
    "user_disabled": _staff("{who} disabled the user {about}, whose sessions and tokens ended"),
    "user_enabled": _staff("{who} enabled the user {about} again"),
    "roles_changed": _staff("{who} changed the roles of {about} from {before} to {roles}"),
    "token_issued": _staff("{who} issued a token for {about}, good until {expires}"),
    "token_revoked": "{who} revoked a token of {about}.",
    "feed_added": "{who} has {about} watched: what it warns of is laid before the officers.",
    "feed_changed": "{who} changed how {about} is watched.",
    "feed_removed": "{who} ended the watching of {about}.",
    "warning_heard": _heard,
    "warning_lapsed": "What {about} had warned of ended before anybody decided about it.",
    "webhook_added": "{who} added a webhook to {about}: it is told what happens here.",
    "webhook_removed": "{who} removed the webhook to {about}.",
    "webhook_tested": "{who} tried the webhook to {about}: {said}.",
    "webhook_disabled": "The webhook to {about} was disabled, since nothing reached it: {said}.",
    "policy_changed": _staff('{who} changed the policy "{about}" from "{before}" to "{value}"'),
    "policy_text_set": "{who} wrote version {version} of the policy that staff read before their first live message.",
    "policy_acknowledged": "{who} said to have read version {version} of the policy.",
    "change_proposed": _proposed,
    "change_declined": _undone("declined"),
    "change_withdrawn": _undone("withdrew"),
    "signed_in": _came_in,
    "signed_out": "{who} signed out.",
    "delegation_given": _staff(
        "{who} let {about} approve under the delegation {delegation} ({scheme}), from {starts} until {ends}"
    ),
    "delegation_ended": lambda t: (
        f"{t['who']} ended the delegation {t['delegation']} of {t['about']}{t.why()}."
    ),
    "duty_entered": "{who} entered {about} as on call, as {role}, from {starts} until {ends}.",
    "duty_removed": "{who} took {about} out of the rota, as {role}, from {starts} until {ends}.",
    "duty_acknowledged": "{who} has seen that he or she is on call, as {role}, from {starts}.",
    **OF_THE_CLOCK,
    "contact_changed": "{who} changed how he or she is reached at work.",
    "sso_allowed": _staff("{who} allowed {about} to sign in by single sign-on"),
    "sso_taken_away": _staff("{who} took single sign-on away from {about}, with what it knew {about} by"),
    "sso_linked": "{who} came by single sign-on for the first time, and is known to it from now on as the one who came then.",
    "sso_refused": "Somebody else came by single sign-on under the name {about}, and was refused.",
    "sessions_ended": "{who} ended {sessions} sessions of {about}.",
    "sign_in_failed": "Somebody tried to sign in as {about} and failed, {tries} times within an hour.",
    "factor_added": "{who} added a second factor for signing in: {name}.",
    "factor_removed": "{who} took away a second factor for signing in: {name}.",
    "factor_given": lambda t: (
        f"{t['who']} gave a second factor once more: {FACTORS.get(t.text('factor'), t.text('factor'))}."
    ),
    "recovery_codes_made": "{who} had {recovery_codes} new recovery codes made. Those of before no longer count.",
    "password_changed": "{who} chose a new password.",
    "invitation_accepted": "{who} used an invitation and chose a password.",
    "passkey_count_fell": "A passkey of {about} ({name}) may have been copied: it counted backwards.",
    "sandbox_user_prepared": "The made-up user {about} of a sandbox got a password that lies in a file.",
}

# --- what is kept and watched -----------------------------------------------------------------------------

_ALARMS: Mapping[str, str] = {
    "unknown_waits": "an outcome has been unknown for two minutes",
    "unknown_undecided": "a person must decide about an unknown outcome",
    "quarantined": "something was held back",
    "counts_differ": "the counts do not add up",
    "account_paused": "a platform refused an account",
    "account_failing": "what is sent through an account fails",
    "account_not_ready": "an account could not send",
    "credentials_end": "an account's credentials end soon",
    "nobody_sends": "work waits and nobody sends it",
    "nobody_seals": "the audit log is not being sealed",
    "nobody_anchors": "the audit log is not being laid down outside",
    "audit_log_altered": "the audit log is not the one that was signed",
    "restored": "a backup was restored",
    "webhook_failing": "nothing reaches a webhook",
    "break_glass_unreviewed": "nobody has reviewed a break-glass within a day",
    "storm_mode_long": "storm mode has been on for long",
    "held_undecided": "what storm mode held waits for a decision",
    "feed_failing": "a feed of warnings cannot be read, or is silent",
}


def _alarm(before: str, after: str = "") -> Callable[[Told], str]:
    def said(t: Told) -> str:
        about = f" ({t['subject']})" if t.get("subject") else ""
        what = _ALARMS.get(t.text("code"), t.text("code").replace("_", " "))
        return f"{before.format_map(Ready(t))}: {what}{about}{after}{'; why' + t.why() if t.get('reason') else ''}."

    return said


def _asked(t: Told) -> str:
    """What somebody looked for, from the filter that the event holds."""
    sought = t.get("filter")
    if not isinstance(sought, dict) or not sought:
        return "all of it"
    return listed([f"{name.replace('_', ' ')} {value}" for name, value in sought.items()])


def _read(t: Told) -> str:
    return f"{t['who']} looked at the audit log: {_asked(t)}."


def _taken(t: Told) -> str:
    form = {"csv": "a table (CSV)", "jsonl": "JSON lines"}.get(t.text("form"), t.text("form"))
    return f"{t['who']} took events out of the audit log as {form}: {_asked(t)}."


def _checked(t: Told) -> str:
    found = {
        0: "whole",
        1: f"ALTERED from event {t.text('first_bad')} on",
        3: "whole, but its end is not laid down outside",
    }
    return (
        f"{t['who']} had the whole log checked: {many(t.number('events'), 'event')}, "
        f"{found.get(t.number('code'), 'not to be read')}."
    )


def _backed_up(t: Told) -> str:
    secret = ", with the platforms' credentials" if t.get("with_credentials") is True else ""
    return f"{t['who']} took a backup ({t['about']}) up to event {t.text('last_event')}{secret}."


def _redacted(t: Told) -> str:
    what = "a picture" if t.text("kind") == "picture" else "words"
    return f"{t['who']} redacted {what} of {t['about']} ({t.text('code')}), authorised by {t['authorised_by']}{t.why()}."


RECORD: Mapping[str, Sentence] = {
    "hold_placed": lambda t: f"{t['who']} placed a legal hold on the {t['kind']} {t['about']}{t.why()}.",
    "hold_lifted": lambda t: f"{t['who']} lifted the legal hold on the {t['kind']} {t['about']}{t.why()}.",
    "message_redacted": _redacted,
    "draft_wiped": "The words of {about}, which was never released, went after {kept_days} days.",
    "records_exported": "{who} took records of {messages} messages away, as a file.",
    "drill_planned": "{who} planned the drill {about}: {name}, to begin {starts}.",
    "drill_cancelled": lambda t: f"{t['who']} cancelled the drill {t['about']}{t.why()}.",
    "drill_started": lambda t: (
        f"{t['who']} began the drill {t['about']} ({t['name']}), with the incident {t['incident']}: nothing of it goes to live accounts."
    ),
    "drill_ended": lambda t: (
        f"{t['who']} ended the drill {t['about']}{t.why()}. Bars met: {t.number('met')} of {t.number('steps')}."
    ),
    "storm_mode_on": lambda t: (
        f"{t['who']} switched storm mode on{t.why()}. Held at once: {many(t.number('held'), 'broadcast')}."
    ),
    "storm_mode_off": lambda t: (
        f"{t['who']} switched storm mode off{t.why()}. Held and waiting for a decision: {t.number('waiting')}."
    ),
    "alarm_raised": _alarm("An alarm began"),
    "alarm_cleared": _alarm("An alarm is over"),
    "alarm_acknowledged": _alarm("{who} took note of an alarm"),
    "backup_taken": _backed_up,
    "restored": lambda t: (
        f"{t['who']} put the database back to a backup of {t.text('taken_at')}: what was decided since then is lost. "
        f"Not known whether sent: {t.counts('unknown', {})}."
    ),
    "cap_key_changed": "{who} had a new key made that signs the CAP alerts ({about}): its certificate is {certificate}.",
    "data_key_change_begun": "{who} began to change the key under which numbers are kept.",
    "data_key_changed": "{who} changed the key under which numbers are kept: {numbers} numbers are under the new one.",
    "seal_key_change_ordered": "{who} ordered that the audit log is signed under a new key: {to}",
    "audit_log_exported": "{who} took the whole audit log away.",
    "audit_log_read": _read,
    "audit_events_exported": _taken,
    "audit_log_checked": _checked,
    "inquiry_pack_exported": "{who} took away the inquiry pack of {about}: a PDF with the digest {sha256}.",
    "message_proved": "{who} took away the proof of {about}. With its texts: {texts}.",
    "audit_log_rebuilt_as_tree": "The older form of this log was carried over into the present one.",
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
