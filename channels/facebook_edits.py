"""Changing a post on a Facebook Page that is there already: reading what it says, editing it, deleting it.

Graph edits only what the same app has posted, and never its link (developers.facebook.com/docs/graph-api/reference/pagepost
and Meta's PagePost specification v25.0; read 2026-11): the link of a correction is the first post's, which leads to the same
page of ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from broadcaster.domain.errors import OutcomeUnknown, Refused
from channels.http import FencedSession, from_exception, object_in

_GONE = "The post is no longer on the Page."
#: "Object does not exist" (error-handling guide): 100 with subcode 33; 803 where the number is not one of Graph's.
_NO_OBJECT = frozenset({(100, 33), (803, 0)})


@dataclass(frozen=True, kw_only=True)
class PostEdits:
    """`judge` turns an answer that is no success into its SendError; it is given the words that were sent."""

    session: FencedSession
    graph_url: str
    credentials: Mapping[str, str]
    judge: Callable[[requests.Response, dict[str, Any], str], dict[str, Any]]

    def stands(self, platform_id: str) -> str | None:
        response, answer = self._call("GET", platform_id, params={**self._proof, "fields": "id,message"})
        if _is_gone(answer):
            return None
        said = self.judge(response, answer, "").get("message")
        return said if isinstance(said, str) else ""

    def edit(self, platform_id: str, text: str) -> None:
        """To the same text again is no change, so an unknown outcome is mended by repeating it."""
        form = {"message": text, **self.credentials}
        response, answer = self._call("POST", platform_id, data=form)
        if _is_gone(answer):
            raise Refused("gone", _GONE)
        _require_success(self.judge(response, answer, text))

    def delete(self, platform_id: str) -> None:
        response, answer = self._call("DELETE", platform_id, params=self._proof)
        if not _is_gone(answer):
            _require_success(self.judge(response, answer, ""))

    @property
    def _proof(self) -> dict[str, str]:
        """The token goes into the header: addresses are logged on the way."""
        return {name: value for name, value in self.credentials.items() if name != "access_token"}

    def _call(self, method: str, platform_id: str, **how: Any) -> tuple[requests.Response, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.credentials['access_token']}"}
        try:
            response = self.session.request(method, f"{self.graph_url}/{platform_id}", headers=headers, **how)
            return response, object_in(response.content)
        except (requests.RequestException, ValueError) as exc:
            failure = from_exception(exc)
        # Raised out here, so that no traceback shows what requests says: its text has the address with the proof.
        raise failure


def _is_gone(answer: Mapping[str, Any]) -> bool:
    error = answer.get("error")
    if not isinstance(error, dict):
        return False
    return (error.get("code"), error.get("error_subcode", 0)) in _NO_OBJECT


def _require_success(answer: Mapping[str, Any]) -> None:
    if answer.get("success") is not True:
        raise OutcomeUnknown(
            "no_success", "Facebook did not say that it was done.", detail="HTTP 2xx, no success"
        )
