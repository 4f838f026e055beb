"""A passkey's device in software: what a browser hands over after `navigator.credentials.create` and `.get`."""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SoftKey:
    """One discoverable credential. `count` goes up with each use, as hardware keys count; 0 for ever where `counts` is
    off, as passkeys do that are kept in sync."""

    def __init__(self, *, counts: bool = True) -> None:
        self.id = os.urandom(32)
        self.handle = b""
        self.count = 0
        self.counts = counts
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: str, *, origin: str = ORIGIN, rp_id: str = "", verified: bool = True) -> str:
        asked = json.loads(options)
        self.handle = unb64(asked["user"]["id"])
        numbers = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = b"\1" * 16 + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        data = self._data(rp_id or asked["rp"]["id"], verified, ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"], origin)
        response = {"clientDataJSON": b64(client), "attestationObject": b64(statement), "transports": ["usb"]}
        return self._answer(response)

    def get(self, options: str, *, origin: str = ORIGIN, rp_id: str = "", verified: bool = True) -> str:
        asked = json.loads(options)
        data = self._data(rp_id or asked["rpId"], verified, 0)
        client = self._client("webauthn.get", asked["challenge"], origin)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(signature),
        }
        return self._answer({**response, "userHandle": b64(self.handle)})

    def _data(self, rp_id: str, verified: object, flags: int) -> bytes:
        self.count += self.counts
        flags |= PRESENT | (VERIFIED if verified else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        known = {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key"}
        return json.dumps({**known, "response": response, "clientExtensionResults": {}})
