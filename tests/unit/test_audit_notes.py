"""Signed notes and the keys that sign them: what our signer writes, the stand-alone verifier reads, and RFC 8032's vectors hold."""

import base64
import stat
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.audit.notes import SealKey, Signer, checkpoint, size_and_root
from broadcaster.audit.verifier.ed25519 import ed25519_holds
from broadcaster.audit.verifier.notes import Keys, Note, read_notes
from broadcaster.audit.verifier.verdict import Unreadable

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

# RFC 8032, 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_verifiers_own_ed25519_agrees_with_the_rfc(key, message, signature):
    key, message, signature = (bytes.fromhex(text) for text in (key, message, signature))
    assert ed25519_holds(key, message, signature)
    assert not ed25519_holds(key, message + b"x", signature)
    assert not ed25519_holds(key, message, bytes([signature[0] ^ 1]) + signature[1:])
    assert not ed25519_holds(key, message, signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not ed25519_holds(key, message, signature[:32])


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_the_verifiers_own_ed25519_agrees_with_the_library(seed, message):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signature = key.sign(message)
    assert ed25519_holds(key.public_key().public_bytes_raw(), message, signature)
    assert not ed25519_holds(key.public_key().public_bytes_raw(), message + b".", signature)


def test_a_signature_that_was_shifted_by_the_order_of_the_group_is_refused():
    """The same signature in another form: RFC 8032, 5.1.7, asks for s below the order."""
    key = Ed25519PrivateKey.generate()
    signature = key.sign(b"text")
    order = 2**252 + 27742317777372353535851937790883648493
    other = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert not ed25519_holds(key.public_key().public_bytes_raw(), b"text", other)


def test_a_checkpoint_has_the_form_of_c2sp():
    signer = Signer.new("wyre.example/broadcasts")
    note = checkpoint(signer, size=7, root=bytes(32), at=AT, previous="")
    lines = note.split("\n")
    assert lines[:3] == ["wyre.example/broadcasts", "7", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
    assert lines[3] == "time 2026-11-21T03:00:00.000+00:00"
    assert lines[4] == ""
    assert lines[5].startswith("— wyre.example/broadcasts ")
    assert note.endswith("\n")
    assert size_and_root(note) == (7, bytes(32))


# The example of golang.org/x/mod/sumdb/note's documentation, and the key of sum.golang.org.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GOLANG = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SAID = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_keys_and_a_signature_of_the_reference_implementation_are_read():
    keys = Keys([NEUMANN, GOLANG])
    raw = base64.b64decode(SIGNED)
    assert ed25519_holds(keys.known["PeterNeumann", raw[:4]], SAID.encode(), raw[4:])
    for wrong in (NEUMANN.replace("c74f20a3", "c74f20a4"), NEUMANN.replace("Peter", "Paul"), "no key"):
        with pytest.raises(Unreadable):
            Keys([wrong])


def test_what_one_key_signed_another_does_not_vouch_for():
    signer, other = Signer.new("wyre.example/broadcasts"), Signer.new("wyre.example/broadcasts")
    note = Note(checkpoint(signer, size=1, root=bytes(32), at=AT, previous=""))
    assert Keys([signer.public]).signed(note)
    assert not Keys([other.public]).signed(note)
    elsewhere = Note(checkpoint(Signer.new("fylde.example/log"), size=1, root=bytes(32), at=AT, previous=""))
    assert not Keys([signer.public]).signed(elsewhere)


def test_any_changed_character_of_a_checkpoint_is_found():
    signer = Signer.new("wyre.example/broadcasts")
    whole = checkpoint(signer, size=12, root=bytes(range(32)), at=AT, previous="before")
    keys = Keys([signer.public])
    assert keys.signed(Note(whole))
    for at in range(len(whole)):
        changed = whole[:at] + ("x" if whole[at] != "x" else "y") + whole[at + 1 :]
        try:
            assert not keys.signed(Note(changed)), at
        except ValueError:
            continue


def test_another_spelling_of_the_same_signature_is_found():
    """Base64's last character has bits that a lenient reader ignores."""
    signer = Signer.new("wyre.example/broadcasts")
    whole = checkpoint(signer, size=12, root=bytes(range(32)), at=AT, previous="before")
    assert whole.endswith("=\n")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = letters[letters.index(whole[-3]) ^ 1]
    changed = whole[:-3] + other + whole[-2:]
    before, after = (base64.b64decode(note.rpartition(" ")[2]) for note in (whole, changed))
    assert before == after
    with pytest.raises(ValueError, match="not as base64"):
        Note(changed)


def test_notes_are_found_again_in_a_file():
    signer = Signer.new("wyre.example/broadcasts")
    notes = [checkpoint(signer, size=n, root=bytes(32), at=AT, previous="x" * n) for n in range(3)]
    assert read_notes("".join(f"{note}\n" for note in notes)) == notes
    assert read_notes("") == []


# --- the key in its file -----------------------------------------------------------------------------------


def test_the_key_is_made_once_for_its_owner_alone_and_read_again(tmp_path):
    path = tmp_path / "keys" / "seal.key"
    first = SealKey(path, name="wyre.example/broadcasts").load_or_create()
    assert first.name == "wyre.example/broadcasts"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SealKey(path, name="another").load_or_create().public == first.public
    assert [p.name for p in path.parent.iterdir()] == ["seal.key"]


def test_a_key_never_shows_its_private_half():
    signer = Signer.new("")
    secret = signer.to_text().split("+", 4)[4].strip()  # which may have a + itself
    assert len(secret) > 40
    assert secret not in repr(signer) + str(signer) + signer.public


def test_a_name_is_made_up_where_none_is_given():
    assert Signer.new("").name.startswith("crisis-broadcaster/")
    assert Signer.new("").name != Signer.new("").name


@pytest.mark.parametrize("name", ["two words", "a+b", "line\nbreak"])
def test_a_name_that_a_note_cannot_hold_is_refused(name):
    with pytest.raises(ValueError, match="name"):
        Signer.new(name)


def test_a_file_that_is_no_key_is_told_and_left_alone(tmp_path):
    path = tmp_path / "seal.key"
    path.write_text("something else")
    with pytest.raises(ValueError, match=r"seal\.key is no signing key"):
        SealKey(path).load_or_create()
    assert path.read_text() == "something else"


def test_the_next_key_is_prepared_once_and_keeps_the_name(tmp_path):
    key = SealKey(tmp_path / "seal.key", name="wyre.example/broadcasts")
    assert key.next() is None
    following = key.prepare()
    assert key.prepare().public == following.public == key.next().public
    assert following.name == "wyre.example/broadcasts"
    key.change()
    assert key.load_or_create().public == following.public
    assert key.next() is None
