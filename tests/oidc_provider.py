"""A small provider of single sign-on, as a process of its own: discovery, authorize, token, jwks, over real HTTP, with real
keys. It signs in whoever it is told to, at once, and misbehaves as it is told.

`python tests/oidc_provider.py` prints "ready URL". POST /control with JSON changes what it does from then on:
`user`, `claims` (over those of the id token; null takes one out), `alg` ("none", "HS256"), `forge` (signed with a key that it
does not publish), `rotate` (another key from now on), `away` (503 to everything else), `iss_param`, `state`, `error`, `pkce`
(false: it forgets to check), `now`.
"""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "broadcaster", "canary-client-secret"
GOOD = {"user": "olive", "sub": "u-1", "claims": {}, "announces_iss": True, "pkce": True}


class Provider:
    def __init__(self, issuer):
        self.issuer = issuer
        self.does, self.codes, self.asked = dict(GOOD), {}, []
        self.rotate()

    def rotate(self):
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})

    def control(self, changes):
        if changes.pop("reset", False):
            self.does, self.codes, self.asked = dict(GOOD), {}, []
        if changes.pop("rotate", False):
            self.rotate()
        self.does |= changes

    def discovery(self):
        at = self.issuer
        return {
            "issuer": self.does.get("calls_itself", at),
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/jwks",
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": self.does.get("algs", ["RS256"]),
            "authorization_response_iss_parameter_supported": self.does["announces_iss"],
        }

    def authorize(self, asked):
        """Where the browser is sent back to."""
        if asked.get("client_id") != CLIENT or asked.get("response_type") != "code":
            return None
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        told = {"code": code, "state": self.does.get("state", asked["state"])}
        if self.does["announces_iss"] and self.does.get("iss_param", "") is not None:
            told["iss"] = self.does.get("iss_param") or self.issuer
        if self.does.get("error"):
            told = {"error": self.does["error"], "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(told)}"

    def token(self, asked, authorization):
        begun = self.codes.pop(asked.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if unquote(authorization) != f"Basic {basic}":
            return 401, {"error": "invalid_client"}
        if begun is None or asked.get("redirect_uri") != begun["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = _coded(digest)
        if self.does["pkce"] and (begun.get("code_challenge_method"), begun["code_challenge"]) != (
            "S256",
            challenge,
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {
            "access_token": "at-1",
            "token_type": "Bearer",
            "id_token": self.id_token(begun["nonce"]),
        }

    def id_token(self, nonce):
        now = int(self.does.get("now") or time.time())
        claims = {"iss": self.issuer, "sub": self.does["sub"], "aud": CLIENT, "nonce": nonce}
        claims |= {
            "iat": now,
            "exp": now + 300,
            "preferred_username": self.does["user"],
            **self.does["claims"],
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.does.get("alg", "RS256"), "kid": self.key.kid}
        if header["alg"] == "none":
            return ".".join(_coded(json.dumps(part).encode()) for part in (header, claims)) + "."
        if header["alg"] == "HS256":  # the public key, which everybody knows, taken for a secret
            signed = ".".join(_coded(json.dumps(part).encode()) for part in (header, claims))
            return (
                f"{signed}.{_coded(hmac.digest(self.key.as_pem(private=False), signed.encode(), 'sha256'))}"
            )
        key = self.key
        if self.does.get("forge"):
            key = RSAKey.generate_key(2048, {"kid": self.key.kid})
        return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def _coded(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def handler_of(provider):  # noqa: C901 - a class inside, which knows its provider
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            path, asked = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
            provider.asked.append(path)
            if path == "/asked":
                self._answer(200, provider.asked)
            elif provider.does.get("away"):
                self._answer(503, {"error": "temporarily_unavailable"})
            elif path == "/.well-known/openid-configuration":
                self._answer(200, provider.discovery())
            elif path == "/jwks":
                self._answer(200, {"keys": [provider.key.as_dict(private=False)]})
            elif path == "/authorize" and (onward := provider.authorize(asked)):
                self.send_response(302)
                self.send_header("Location", onward)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._answer(404, {})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            if self.path == "/control":
                provider.control(json.loads(body))
                self._answer(200, {})
            elif provider.does.get("away"):
                self._answer(503, {})
            else:
                self._answer(*provider.token(dict(parse_qsl(body)), self.headers.get("Authorization", "")))

        def _answer(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


class Running:
    """The process, for tests."""

    def __init__(self):
        self._process = subprocess.Popen([sys.executable, Path(__file__)], stdout=subprocess.PIPE, text=True)
        said = self._process.stdout.readline().split()
        assert said[:1] == ["ready"], said
        self.issuer = said[1]

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), None)
    issuer = f"http://127.0.0.1:{server.server_port}"
    server.RequestHandlerClass = handler_of(Provider(issuer))
    sys.stdout.write(f"ready {issuer}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
