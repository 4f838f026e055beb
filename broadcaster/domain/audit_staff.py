"""What the acts on and by staff mean, as sentences: users, sign-in, the rota, and what they have watched or told."""

from collections.abc import Callable, Mapping

from broadcaster.domain.audit_clock import SENTENCES as OF_THE_CLOCK
from broadcaster.domain.audit_told import FACTORS, Ready, Sentence, Told, many


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


def _heard(t: Told) -> str:
    """The source's words are in the record of warnings; here is what became of them."""
    said = {"Update": "changed a warning", "Cancel": "cancelled a warning"}.get(
        t.text("kind"), "warned of something"
    )
    then = "it was laid before the officers" if t.get("laid") is True else "what waited of it is over"
    return f"{t['about']} {said}: {then}."


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
    "webhook_changed": "{who} changed the webhook to {about}.",
    "webhook_secret_changed": "{who} made a new secret for the webhook to {about}.",
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
