"""Is this request signed by our account? OAuth 1.0a, checked by oauthlib's own provider side."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from oauthlib.oauth1 import RequestValidator, ResourceEndpoint

from channels.sandbox.exchange import Call

#: X's own names: a client that is led here by its connection, not by its address, signs for these.
OWN_NAMES = ("https://api.x.com", "https://api.twitter.com")
REMEMBERED_NONCES = 10_000


class Signatures:
    def __init__(self, account: Mapping[str, str]) -> None:
        self._validator = _Validator(account)
        self._endpoint = ResourceEndpoint(self._validator)

    def right(self, call: Call) -> bool:
        """Whether the signature is that of our account, fresh, and never seen before."""
        headers = {name.decode("latin-1").title(): value.decode("latin-1") for name, value in call.headers}
        if not headers.get("Authorization", "").startswith("OAuth "):
            return False
        return any(self._right_for(base, call, headers) for base in (call.base_url, *OWN_NAMES))

    def _right_for(self, base: str, call: Call, headers: dict[str, str]) -> bool:
        uri = base + call.target
        right, request = self._endpoint.validate_protected_resource_request(
            uri, call.method, call.body, headers
        )
        if right:
            self._validator.remember(request.timestamp, request.nonce)
        return bool(right)


class _Validator(RequestValidator):  # type: ignore[misc]
    """Knows one client and one user."""

    enforce_ssl = False
    allowed_signature_methods = ("HMAC-SHA1",)
    timestamp_lifetime = 300
    dummy_client = dummy_access_token = "dummy"  # noqa: S105 -- nobody's; oauthlib wants a stand-in for unknown ones

    def __init__(self, account: Mapping[str, str]) -> None:
        super().__init__()
        self._account = account
        self._nonces: deque[tuple[Any, Any]] = deque(maxlen=REMEMBERED_NONCES)
        self._seen: set[tuple[Any, Any]] = set()

    def remember(self, timestamp: Any, nonce: Any) -> None:
        if len(self._nonces) == REMEMBERED_NONCES:
            self._seen.discard(self._nonces[0])
        self._nonces.append((timestamp, nonce))
        self._seen.add((timestamp, nonce))

    def check_client_key(self, client_key: str) -> bool:
        return bool(client_key)

    def check_access_token(self, request_token: str) -> bool:
        return bool(request_token)

    def check_nonce(self, nonce: str) -> bool:
        return bool(nonce)

    def validate_client_key(self, client_key: str, _request: Any) -> bool:
        return client_key == self._account["consumer_key"]

    def validate_access_token(self, client_key: str, token: str, _request: Any) -> bool:
        return self.validate_client_key(client_key, None) and token == self._account["access_token"]

    def validate_timestamp_and_nonce(
        self, _client: str, timestamp: Any, nonce: Any, _request: Any, **_: Any
    ) -> bool:
        return (timestamp, nonce) not in self._seen

    def validate_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def get_client_secret(self, _client_key: str, _request: Any) -> str:
        return self._account["consumer_secret"]

    def get_access_token_secret(self, _client_key: str, _token: str, _request: Any) -> str:
        return self._account["access_token_secret"]
