"""The key that signs CAP alerts: one PEM file with the private key, its certificate, and those of earlier keys.

ECDSA on P-256 with SHA-256, which XML Signature 1.1 asks of everybody who verifies (W3C, 11 April 2013, 6.1). The certificate is our
own: whom it belongs to is told by the site that publishes it over https, not by an authority.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CERTIFICATE_LASTS = timedelta(days=3 * 365)
_BACKDATED = timedelta(days=1)  # a reader whose clock is behind would call the first alerts unsigned
_END = "-----END CERTIFICATE-----\n"


class BadKey(Exception):
    """The file cannot be read, or does not hold a key and its certificate."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """`certificates` are PEM texts, that of this key first, those of earlier ones behind it."""

    private: str
    certificates: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate: what people compare on the telephone."""
        return str(_certificate(self.certificates[0]).fingerprint(_sha256()).hex())

    @property
    def ends_at(self) -> datetime:
        ends: datetime = _certificate(self.certificates[0]).not_valid_after_utc
        return ends


def load_or_create(path: Path, *, name: str, now: datetime | None = None) -> SigningKey:
    """Created once, readable by its owner only. BadKey where what is there cannot be used."""
    try:
        if not path.exists():
            _place(path, _new(name, now or datetime.now(UTC)), replace=False)
        return _read(path)
    except OSError as error:
        raise BadKey(f"{path} cannot be read or written ({error.strerror}).") from error


def rotate(path: Path, *, name: str, now: datetime | None = None) -> SigningKey:
    """A new key from now on. The certificates of the earlier ones stay: what they signed can be verified for good."""
    before = load_or_create(path, name=name, now=now)
    new = _new(name, now or datetime.now(UTC))
    _place(path, new + "".join(before.certificates), replace=True)
    return _read(path)


def signed(root: Any, key: SigningKey) -> Any:
    """The alert with its signature as the last element, inside of it: it stays one file, and valid by the schema."""
    from signxml.algorithms import (  # noqa: PLC0415
        CanonicalizationMethod,
        DigestAlgorithm,
        SignatureConstructionMethod,
        SignatureMethod,
    )
    from signxml.signer import XMLSigner  # noqa: PLC0415 - 60 ms, of which a process that never signs needs nothing

    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    return signer.sign(root, key=key.private, cert=key.certificates[0])


def verify(content: bytes, certificates: tuple[str, ...]) -> bool:
    """Whether one of these certificates' keys has signed it, all of it, and nothing was changed since."""
    from lxml import etree  # noqa: PLC0415
    from signxml.algorithms import SignatureMethod  # noqa: PLC0415
    from signxml.exceptions import SignXMLException  # noqa: PLC0415
    from signxml.verifier import SignatureConfiguration, XMLVerifier  # noqa: PLC0415

    only = SignatureConfiguration(
        require_x509=True, signature_methods=frozenset({SignatureMethod.ECDSA_SHA256})
    )
    for certificate in certificates:
        with suppress(SignXMLException, etree.XMLSyntaxError, ValueError):
            found = XMLVerifier().verify(content, x509_cert=certificate, expect_config=only)
            for each in found if isinstance(found, list) else [found]:
                if each.signed_xml is not None and each.signed_xml.tag.endswith("}alert"):
                    return True
    return False


def _new(name: str, now: datetime) -> str:
    """A key and a certificate that it has signed itself, as PEM."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64] or "alerts")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + CERTIFICATE_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(private, _sha256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    key = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return (key + certificate.public_bytes(pem)).decode()


def _read(path: Path) -> SigningKey:
    head, begin, rest = path.read_text(encoding="ascii", errors="replace").partition(
        "-----BEGIN CERTIFICATE-----"
    )
    found = tuple(each.strip() + "\n" + _END for each in (begin + rest).split(_END) if each.strip())
    if "PRIVATE KEY-----" not in head or not found:
        raise BadKey(f"{path} does not hold a key and its certificate.")
    try:
        _certificate(found[0])
    except ValueError as error:
        raise BadKey(f"{path} holds a certificate that cannot be read.") from error
    return SigningKey(private=head, certificates=found)


def _place(path: Path, text: str, *, replace: bool) -> None:
    """Whole and on the disk, or not there. Without `replace`, whoever was quicker stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        draft.replace(path)
        return
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _certificate(pem: str) -> Any:
    from cryptography import x509  # noqa: PLC0415

    return x509.load_pem_x509_certificate(pem.encode())


def _sha256() -> Any:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    return hashes.SHA256()
