"""Twilio's Messages resource as its API description has it: texts taken, refused, and reported by signed callbacks."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from channels.sandbox.exchange import Answer, Call, Mood, Purpose, Said
from channels.sandbox.ledger import Entry
from channels.sandbox.loopback import is_loopback
from channels.sandbox.receipts import Callback, Receipts
from channels.sandbox.settings import Settings

VERSION = "2010-04-01"
MOST_CHARS = 1600
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"\+?\d{3,15}|[A-Za-z0-9 ]{1,11}")
_UNREACHABLE = "30003"
_OPT_OUT_TYPES = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"), "STOP"),
    **dict.fromkeys(("START", "UNSTOP"), "START"),
    "HELP": "HELP",
}

#: Status and words of a refusal, by Twilio's code.
_WORDS = {
    20003: (401, "Authenticate"),
    20005: (403, "Account not active"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid message-capable Twilio phone number."),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit."),
    21701: (404, "The Messaging Service does not exist"),
}


class Twilio:
    name: ClassVar[str] = "twilio"

    def __init__(
        self, account: Mapping[str, str], receipts: Receipts, settings: Settings | None = None
    ) -> None:
        self._account = account
        self._settings = settings or Settings()
        self._receipts = receipts
        self._account_path = f"/{VERSION}/Accounts/{account['account_sid']}"
        self._path = f"{self._account_path}/Messages.json"
        keys = {account["api_key"]: account["api_key_secret"], account["account_sid"]: account["auth_token"]}
        self._logins = [f"{name}:{secret}".encode() for name, secret in keys.items()]

    def purpose(self, call: Call) -> Purpose:
        return Purpose.PUBLISH if call.path == self._path and call.method == "POST" else Purpose.OTHER

    def said(self, call: Call) -> Said:
        form = form_of(call)
        return Said(_key(form), form.get("To", ""), form.get("Body", ""))

    def answer(self, call: Call, mood: Mood) -> Answer:
        if not self._knows(call.header(b"authorization")):
            return _error(20003)
        if self._settings.twilio_status != "active":
            return _error(20005)
        if call.method == "GET":
            return self._about_account(call)
        if call.path != self._path or call.method != "POST":
            return _error(20404)
        form = form_of(call)
        problem = next(self._problems(form, mood), 0)
        return _error(problem) if problem else self._accept(form)

    def refusal(self, kind: str, call: Call) -> Answer:  # noqa: ARG002 -- the words are the same for every call
        codes = {"429": 20429, "500": 20500, "503": 20503, "expired_token": 20003}
        if kind in codes:
            return _error(codes[kind])
        return Answer(status=int(kind), body=b"<html>bad gateway</html>", content_type=b"text/html")

    def restore(self, entries: Iterable[Entry]) -> None:
        """Nothing here can be read back."""

    def forget(self) -> None:
        """Nothing here can be read back."""

    def _about_account(self, call: Call) -> Answer:
        """Of the lists, only one of texts of before 2000 is understood: nobody's number may come into a check."""
        account = self._account["account_sid"]
        if call.path == f"{self._account_path}.json":
            said: dict[str, Any] = {"sid": account, "status": self._settings.twilio_status, "type": "Full"}
        elif call.path == f"{self._account_path}/Balance.json":
            said = {"account_sid": account, "balance": self._settings.twilio_balance, "currency": "GBP"}
        elif call.path == self._path and b"DateSent%3C=2000-01-01" in call.query:
            said = {"messages": [], "page": 0, "page_size": 1}
        else:
            return _error(20404)
        return Answer(status=200, body=json.dumps(said).encode())

    def _knows(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        try:
            login = base64.b64decode(given, validate=True)
        except ValueError:
            return False
        known = [hmac.compare_digest(login, one) for one in self._logins]
        return scheme.lower() == "basic" and any(known)

    def _problems(self, form: Mapping[str, str], mood: Mood) -> Iterator[int]:
        """Codes of what Twilio would not take, gravest first."""
        sender, service = form.get("From", ""), form.get("MessagingServiceSid", "")
        if not form.get("To"):
            yield 21604
        if not sender and not service:
            yield 21603
        if not form.get("Body"):
            yield 21602
        if not _NUMBER.fullmatch(form.get("To", "")):
            yield 21211
        if sender and not _SENDER.fullmatch(sender):
            yield 21606
        if service and service != self._account["messaging_service_sid"]:
            yield 21701
        if len(form.get("Body", "")) > MOST_CHARS:
            yield 21617
        if form.get("StatusCallback") and not is_loopback(form["StatusCallback"]):
            yield 21609
        if form.get("To") in mood.refused:
            yield 21610

    def _accept(self, form: Mapping[str, str]) -> Answer:
        sid = f"SM{secrets.token_hex(16)}"
        if form.get("StatusCallback"):
            self._report(form, sid)
        answer = Answer(status=201, body=json.dumps(self._message(form, sid)).encode())
        answer.accepted, answer.platform_id = True, sid
        answer.said = Said(_key(form), form["To"], form["Body"])
        return answer

    def _message(self, form: Mapping[str, str], sid: str) -> dict[str, Any]:
        """As api.v2010.account.message has it."""
        now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        account = self._account["account_sid"]
        uri = f"/{VERSION}/Accounts/{account}/Messages/{sid}"
        return {
            "account_sid": account,
            "api_version": VERSION,
            "body": form["Body"],
            "date_created": now,
            "date_sent": None,
            "date_updated": now,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": "0" if form.get("MessagingServiceSid") else "1",
            "price": None,
            "price_unit": None,
            "sid": sid,
            "status": "accepted" if form.get("MessagingServiceSid") else "queued",
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": form["To"],
            "uri": f"{uri}.json",
        }

    def _report(self, form: Mapping[str, str], sid: str) -> None:
        self._receipts.now(self._callback(form, sid, "sent"))
        final = self._receipts.final(form["To"])
        if final != "none":
            self._receipts.later(self._callback(form, sid, final))

    def _callback(self, form: Mapping[str, str], sid: str, status: str) -> Callback:
        fields = {
            "AccountSid": self._account["account_sid"],
            "ApiVersion": VERSION,
            "From": form.get("From", "+15005550006"),
            "MessageSid": sid,
            "MessageStatus": status,
            "SmsSid": sid,
            "SmsStatus": status,
            "To": form["To"],
        }
        if status == "undelivered":
            fields["ErrorCode"] = _UNREACHABLE
        return self._signed(form["StatusCallback"], fields)

    def heard(self, sender: str, text: str, url: str) -> Callback:
        """What a person wrote to the account's number, on its way to the address that is set there. With Advanced Opt-Out,
        which this account has, Twilio tells what it took it for."""
        sid = f"SM{secrets.token_hex(16)}"
        fields = {
            "AccountSid": self._account["account_sid"],
            "ApiVersion": VERSION,
            "Body": text,
            "From": sender,
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": "+15005550006",
        }
        word = text.strip().upper()
        if word in _OPT_OUT_TYPES:
            fields["OptOutType"] = _OPT_OUT_TYPES[word]
        return self._signed(url, fields)

    def _signed(self, url: str, fields: Mapping[str, str]) -> Callback:
        signed = (url + "".join(name + fields[name] for name in sorted(fields))).encode()
        mark = hmac.new(self._account["auth_token"].encode(), signed, hashlib.sha1).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": base64.b64encode(mark).decode(),
        }
        return Callback(url=url, body=urlencode(fields).encode(), headers=headers)


def form_of(call: Call) -> dict[str, str]:
    """The fields of a form; the first of a name counts."""
    fields = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)
    return dict(reversed(fields))


def _key(form: Mapping[str, str]) -> str:
    """Our delivery's key: the `key` in the query of the address for callbacks."""
    query = urlsplit(form.get("StatusCallback", "")).query
    return dict(parse_qsl(query)).get("key", "")


def _error(code: int) -> Answer:
    status, words = _WORDS[code]
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": words, "more_info": more, "status": status}
    return Answer(status=status, body=json.dumps(body).encode())
