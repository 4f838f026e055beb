"""Talks to the provider of single sign-on (OpenID Connect Core 1.0, authorization code flow with PKCE), and believes nothing of
what it says that was not checked. Knows no user of ours.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from broadcaster.domain.errors import NotAllowed, Unavailable

log = structlog.get_logger()

SCOPE = "openid profile"
#: Signed with a key that the provider keeps. A secret that we share with it (HS256), and no signature at all ("none"), prove
#: nothing: whoever knows the public key could use it as the secret.
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
KEY_TYPES = frozenset({"RSA", "EC", "OKP"})
LEEWAY_S = 60  # the provider's clock may be that wrong
METADATA_GOOD_FOR_S = 3600.0
ASK_FOR_KEYS_EVERY_S = 10.0  # whoever sends made-up key names must not make us ask without end
TIMEOUT_S = (3, 10)
MOST_BYTES = 512 * 1024
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
AWAY = (
    "Single sign-on cannot be reached just now. Nothing was changed. Try again in a moment, or sign in with your password or "
    "your passkey."
)
NOT_TRUE = (
    "What single sign-on answered cannot be trusted, so you are not signed in. Begin again. If it happens once more, tell an "
    "administrator, and sign in with your password or your passkey meanwhile."
)


class ProviderAway(Unavailable):
    """The provider did not answer as it should. `why` is for whoever looks after this, and on no page."""

    def __init__(self, why: str) -> None:
        super().__init__(AWAY)
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Client:
    """What we are at the provider. `secret` may be empty, where it knows us as a public client."""

    issuer: str
    id: str
    secret: str
    redirect_uri: str

    def __repr__(self) -> str:
        return f"Client({self.id!r} at {self.issuer!r}, ***)"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One thing that was looked at: `wrong` says what to do, or is empty."""

    what: str
    wrong: str = ""


class Provider:
    def __init__(self, client: Client, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] = {}
        self._metadata_until = float("-inf")
        self._keys: KeySet | None = None
        self._keys_asked = float("-inf")

    @property
    def issuer(self) -> str:
        return self._client.issuer

    def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in. Unavailable where the provider does not answer."""
        metadata = self._known()
        with self._session(metadata) as session:
            made, _ = session.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(made)

    def require_ours(self, given: Mapping[str, str]) -> None:
        """NotAllowed where the answer names another provider (RFC 9207), or ought to name one and does not."""
        announced = bool(self._known().get("authorization_response_iss_parameter_supported"))
        if (announced or "iss" in given) and given.get("iss") != self.issuer:
            raise _not_true("the answer came from another issuer")

    def redeem(self, code: str, *, nonce: str, verifier: str, now: float) -> Mapping[str, Any]:
        """The claims about whoever signed in there. `now` in seconds, by our own clock. NotAllowed or Unavailable."""
        token = self._token(code, verifier)
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise _not_true("there is no id token in the answer")
        try:
            found = self._decoded(id_token)
            claims = CodeIDToken(found.claims, found.header, self._wanted(), self._about(token, nonce))
            claims.validate(now=int(now), leeway=LEEWAY_S)
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            raise _not_true(f"{type(error).__name__}: {error}") from error
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise _not_true("the subject cannot be one")
        return dict(claims)

    def check(self) -> Iterator[Checked]:
        """Whether people could sign in, step by step, until the first that fails. Nobody is signed in by it."""
        self._metadata_until, self._keys = float("-inf"), None
        try:
            metadata = self._known()
        except ProviderAway as error:
            yield Checked(what=f"Discovery at {self.issuer}", wrong=error.why)
            return
        yield Checked(what=f"Discovery at {self.issuer}")
        methods = metadata.get("code_challenge_methods_supported")
        lacks = (
            "" if methods is None or "S256" in methods else "It does not offer PKCE with S256. Switch it on."
        )
        yield Checked(what="PKCE", wrong=lacks)
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        weak = (
            ""
            if set(offered) & set(ALGORITHMS)
            else f"It signs with {', '.join(offered)} only. Choose RS256."
        )
        yield Checked(what="Signatures", wrong=weak)
        try:
            number = len(self._fetch_keys().keys)
        except ProviderAway as error:
            yield Checked(what="Keys", wrong=error.why)
            return
        yield Checked(
            what="Keys", wrong="" if number else "It publishes no key that signatures can be checked with."
        )

    # --- what it says of itself ---------------------------------------------------------------------------

    def _known(self) -> Mapping[str, Any]:
        with self._lock:
            if self._monotonic() < self._metadata_until:
                return self._metadata
        found = self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise _away(f"it calls itself {found.get('issuer')!r}, and the settings say {self.issuer!r}")
        for name in NEEDED:
            if not _is_safe(found.get(name)):
                raise _away(f"its {name} is missing, or not https")
        with self._lock:
            self._metadata, self._metadata_until = found, self._monotonic() + METADATA_GOOD_FOR_S
        return found

    def _decoded(self, id_token: str) -> jwt.Token:
        """A key that we do not know may be a new one: they are asked for once more."""
        with self._lock:
            keys = self._keys
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        if keys is not None:
            try:
                return jwt.decode(id_token, keys, registry=registry)
            except InvalidKeyIdError:
                with self._lock:
                    if self._monotonic() - self._keys_asked < ASK_FOR_KEYS_EVERY_S:
                        raise
        return jwt.decode(id_token, self._fetch_keys(), registry=registry)

    def _fetch_keys(self) -> KeySet:
        found = self._get(self._known()["jwks_uri"]).get("keys")
        usable = [k for k in found if _can_sign(k)] if isinstance(found, list) else []
        try:
            made = KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _away(f"its keys cannot be read ({error})") from error
        with self._lock:
            self._keys, self._keys_asked = made, self._monotonic()
        return made

    def _get(self, url: str) -> Mapping[str, Any]:
        try:
            with requests.Session() as session:
                session.trust_env = False
                with session.get(url, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as answer:
                    answer.raise_for_status()
                    raw = next(answer.iter_content(MOST_BYTES), b"")
                    found = json.loads(raw)
        except (requests.RequestException, ValueError) as error:
            raise _away(
                f"{urlsplit(url).path} did not answer as it should ({type(error).__name__})"
            ) from error
        if not isinstance(found, dict):
            raise _away(f"{urlsplit(url).path} did not answer with an object")
        return found

    # --- the exchange -------------------------------------------------------------------------------------

    def _session(self, metadata: Mapping[str, Any]) -> OAuth2Session:
        client = self._client
        made = OAuth2Session(
            client.id,
            client.secret or None,
            token_endpoint_auth_method=_method(metadata, client.secret),
            scope=SCOPE,
            redirect_uri=client.redirect_uri,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_S,
        )
        made.trust_env = False
        return made

    def _token(self, code: str, verifier: str) -> Mapping[str, Any]:
        metadata = self._known()
        try:
            with self._session(metadata) as session:
                found: Mapping[str, Any] = session.fetch_token(
                    metadata["token_endpoint"],
                    code=code,
                    code_verifier=verifier,
                    grant_type="authorization_code",
                    allow_redirects=False,
                )
        except (
            AuthlibBaseError
        ) as error:  # the provider's own word: a code that was used, a client it does not know
            raise _not_true(f"the code was refused ({error.error})") from error
        except (requests.RequestException, ValueError) as error:
            raise _away(f"its token endpoint did not answer ({type(error).__name__})") from error
        return found

    def _wanted(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self._client.id},
            "nonce": {"essential": True},
        }

    def _about(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        return {"nonce": nonce, "client_id": self._client.id, "access_token": token.get("access_token")}


def factor_of(claims: Mapping[str, Any], values: Sequence[str]) -> bool:
    """Whether the provider says that a second factor was given there, in one of the words that count here."""
    methods = claims.get("amr")
    said = {claims.get("acr"), *(methods if isinstance(methods, list) else ())}
    return bool(set(values) & said)


def _method(metadata: Mapping[str, Any], secret: str) -> str:
    if not secret:
        return "none"
    offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"


def _can_sign(key: Any) -> bool:
    return isinstance(key, dict) and key.get("kty") in KEY_TYPES and key.get("use", "sig") == "sig"


def _is_safe(url: Any) -> bool:
    """https, or this machine."""
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}


def _away(why: str) -> ProviderAway:
    log.warning("single_sign_on_away", why=why)
    return ProviderAway(why)


def _not_true(why: str) -> NotAllowed:
    log.warning("single_sign_on_not_trusted", why=why[:300])
    return NotAllowed(NOT_TRUE)
