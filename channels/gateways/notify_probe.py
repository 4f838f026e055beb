"""Whether a service of GOV.UK Notify could send our texts now, without sending: its key, and the very template.

`GET /v2/template/{id}` (docs.notifications.service.gov.uk/rest-api.html, "Get a template by ID", read 2026-11).
"""

from typing import Any

from broadcaster.domain.errors import SendError
from broadcaster.domain.readiness import Readiness
from channels.probing import Facts, failed, not_ready, ready, unanswered

TEMPLATE_PATH = "/v2/template"
BODY = "((message))"
#: Notify answers a team's key and a test key like a live one, and tells no limit before it is reached.
_UNKNOWN: Facts = (("cannot be checked", "whether the key is live and how many texts are left today"),)
_PLATFORM = "GOV.UK Notify"


def of_template(said: Any, template_id: str) -> Readiness:
    """What its answer to the question for the template says."""
    if not isinstance(said, dict) or not isinstance(said.get("body"), str) or "type" not in said:
        return unanswered(_PLATFORM, "unreadable_answer")
    if str(said.get("id", template_id)).lower() != template_id.lower():
        return unanswered(_PLATFORM, "another_template")
    if said["type"] != "sms":
        text = "template_id is no text message template at GOV.UK Notify. Make one whose whole content is ((message))."
        return not_ready("wrong_template", text)
    if "".join(said["body"].split()).lower() != BODY:
        text = (
            "The template at GOV.UK Notify says more than ((message)), so people would get another text than the approved "
            "one. Make ((message)) its whole content."
        )
        return not_ready("wrong_template", text)
    return ready("GOV.UK Notify accepts the key and has the template.", facts=_UNKNOWN)


def of_refusal(status: int, said: Any, failure: SendError) -> Readiness:
    """`failure` is what the same refusal would mean for a text."""
    errors = said.get("errors") if isinstance(said, dict) else None
    names = (
        [str(each.get("error")) for each in errors or () if isinstance(each, dict)]
        if isinstance(errors, list)
        else []
    )
    if status == 404 and "NoResultFound" in names:
        text = "GOV.UK Notify does not know this template. Correct template_id in the account's file."
        return not_ready("wrong_template", text)
    return failed(_PLATFORM, failure, certain=bool(names))
