"""The way to X: tweepy's client on a session of ours. Knows addresses, time-outs and signatures, nothing of posts."""

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
import tweepy
from urllib3 import encode_multipart_formdata

from broadcaster.domain.errors import SendError
from channels.base import Account
from channels.http import USER_AGENT, FencedSession, Timeouts, object_in
from channels.twitter_errors import refusal

# At DEBUG these write credentials and the post into the log (tweepy/client.py, requests_oauthlib/oauth1_auth.py).
TALKATIVE_LOGGERS = ("tweepy", "requests_oauthlib", "oauthlib")


class XSession(FencedSession):
    """Mends what tweepy 4.17 fixes in place: the host (no way to a stand-in) and the missing time-out.

    The address is changed before `requests` signs it, since OAuth 1.0a signs the address too.
    """

    def __init__(
        self,
        account: Account,
        timeout: Timeouts,
        base_url: str,
        credentials: dict[str, str],
        now_s: Callable[[], float],
    ) -> None:
        super().__init__(account, timeout)
        self._base_url = base_url
        self._secrets = list(credentials.values())
        self._now_s = now_s

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Judges the answer at once: tweepy's error classes fail on a body that is JSON but no object."""
        path = urlsplit(url if isinstance(url, str) else url.decode()).path
        response = super().request(method, self._base_url + path, *args, **kwargs)
        if not 200 <= response.status_code < 300:
            raise self._refusal(response)
        return response

    def _refusal(self, response: requests.Response) -> SendError:
        return refusal(
            response.status_code,
            response.headers,
            object_in(response.content),
            secrets=self._secrets,
            private=_words_of(response.request),
            now_s=self._now_s(),
        )


def open_client(credentials: dict[str, str], session: XSession) -> tweepy.Client:
    for name in TALKATIVE_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    # wait_on_rate_limit would sleep up to a day inside the worker, and then send again.
    client = tweepy.Client(**credentials, return_type=requests.Response, wait_on_rate_limit=False)
    client.session.close()
    client.session = session
    client.user_agent = USER_AGENT
    return client


def post_form(client: tweepy.Client, route: str, fields: dict[str, Any], boundary: str) -> requests.Response:
    """A multipart request, which tweepy cannot make, signed as tweepy signs: OAuth 1.0a leaves such a body out."""
    content, content_type = encode_multipart_formdata(fields, boundary=boundary)
    auth = tweepy.OAuth1UserHandler(
        client.consumer_key, client.consumer_secret, client.access_token, client.access_token_secret
    ).apply_auth()
    headers = {"Content-Type": content_type}
    session: requests.Session = client.session
    return session.request("POST", route, data=content, headers=headers, auth=auth)


def data_in(response: requests.Response) -> dict[str, Any]:
    data = object_in(response.content).get("data")
    return data if isinstance(data, dict) else {}


def id_in(response: requests.Response) -> str:
    return str(data_in(response).get("id") or "")


def _words_of(request: requests.PreparedRequest) -> str:
    """The post that was sent, so that an answer quoting it is withheld. A picture has no words;
    `channels/twitter_media.py` withholds what quotes its alt text."""
    try:
        sent = json.loads(request.body) if isinstance(request.body, str | bytes) else {}
    except ValueError:
        return ""
    return str(sent.get("text", "")) if isinstance(sent, dict) else ""
