"""Time stamps of a third party: asked of a real authority (openssl), kept only where they answer what was asked, and checked by
the verifier with openssl."""

import hashlib
import subprocess
import sys

import pytest
from rfc3161_client import decode_timestamp_response

from broadcaster.audit.stamps import with_certificates_in_order
from broadcaster.audit.stand_alone import NAME, stand_alone
from broadcaster.audit.verifier import stamps
from broadcaster.audit.verifier.verdict import Unreadable
from broadcaster.service.anchor_stamp import ALARM_AFTER_S, EVERY_S, MOST_BYTES, RETRY_S, AnchorStamp
from channels.http import DEFAULT_TIMEOUTS, Timeouts
from tests.integration.anchoring import sealed
from tests.integration.authority import Authority, certificates, openssl, serving

DATABASES = ("sqlite",)

PATIENCE = Timeouts(connect_s=0.5, read_s=0.3, total_s=0.6)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(Authority(certificates(tmp_path_factory.mktemp("authority")))) as authority:
        yield authority


@pytest.fixture
def authority(served):
    served.answers, served.elsewhere = served.stamp, ""
    served.asked.clear()
    served.dawdles.clear()
    return served


@pytest.fixture
def log(database_url, tmp_path):
    yield from sealed(database_url, tmp_path)


@pytest.fixture
def anchor(log, authority):
    return a_stamper(log, authority.url)


def a_stamper(log, url, timeouts=DEFAULT_TIMEOUTS):
    return AnchorStamp(log.database, log.folder, url, timeouts=timeouts, clock=log.clock)


def later(log, anchor, seconds):
    log.clock.passed += seconds
    anchor.stamp()


def ca(authority):
    return str(authority.folder / "ca.pem")


def test_a_checkpoint_is_stamped_and_the_stamp_is_checked_with_the_log(log, anchor, authority):
    anchor.stamp()  # nothing to stamp yet
    log.act("message_drafted")
    anchor.stamp()
    assert [size for size, _ in log.folder.stamped()] == [1]
    assert [kind for kind, _ in authority.asked] == ["application/timestamp-query"]
    checked = log.verdict(tsa_ca=ca(authority))
    assert (checked.code, checked.problems) == (0, [])
    assert checked.notes == ["1 time stamps of a third party, the last after event 1 (checked with openssl)."]
    unchecked = log.verdict()
    assert "not checked: give the authority's certificates with --tsa-ca" in unchecked.notes[0]


def test_the_next_is_asked_for_after_ten_minutes_and_where_there_is_a_newer_checkpoint(
    log, anchor, authority
):
    log.act("message_drafted")
    anchor.stamp()
    later(log, anchor, EVERY_S)
    assert len(authority.asked) == 1
    log.act("message_edited")
    anchor.stamp()
    assert len(authority.asked) == 2
    log.act("message_submitted")
    later(log, anchor, EVERY_S - 1)
    assert len(authority.asked) == 2
    later(log, anchor, 1)
    assert [size for size, _ in log.folder.stamped()] == [1, 2, 3]
    a_stamper(log, authority.url).stamp()  # which starts anew
    assert len(authority.asked) == 3


def test_without_an_authority_nothing_is_asked(log):
    log.act("message_drafted")
    a_stamper(log, "").stamp()
    assert list(log.folder.stamped()) == []


def of_another_question(authority):
    other = openssl(authority.folder, "ts", "-query", "-data", "ca.pem", "-sha256", "-cert")
    return lambda _: authority.stamp(other)


def of_another_nonce(authority):
    def answer(query):
        (authority.folder / "q").write_bytes(query)
        text = openssl(authority.folder, "ts", "-query", "-in", "q", "-text").decode()
        dump = text.split("Message data:")[1].split("Policy OID")[0]
        rows = [line.split("-", 1)[1][:50] for line in dump.strip().splitlines()]
        digest = "".join(c for row in rows for c in row if c in "0123456789abcdef")
        return authority.stamp(
            openssl(authority.folder, "ts", "-query", "-digest", digest, "-sha256", "-cert")
        )

    return answer


def denied(authority):
    """A digest that this authority does not take: a reply with status rejection."""
    weak = openssl(authority.folder, "ts", "-query", "-data", "ca.pem", "-sha1")
    return lambda _: authority.stamp(weak)


def always(status, body):
    return lambda _authority: lambda _query: (status, body)


BAD = {
    "imprint": (of_another_question, "nonce"),
    "nonce": (of_another_nonce, "nonce"),
    "denied": (denied, "refused (rejection)"),
    "garbage": (always(200, b"<html>garbage</html>"), "no time stamp"),
    "empty": (always(200, b""), "no time stamp"),
    "error": (always(503, b""), "answered 503"),
    "endless": (always(200, bytes(MOST_BYTES + 1)), "too long"),
    "elsewhere": (always(302, b""), "answered 302"),
}


def test_what_answers_something_else_is_not_kept_and_asked_for_again_in_a_minute(log, anchor, authority):
    log.act("message_drafted")
    for kind, (wrong, reason) in BAD.items():
        authority.asked.clear()
        authority.answers = wrong(authority)
        authority.elsewhere = authority.url if kind == "elsewhere" else ""
        later(log, anchor, RETRY_S)
        later(log, anchor, RETRY_S - 1)
        assert reason in log.said("checkpoint_not_stamped")[-1]["why"], kind
        assert (kind, len(authority.asked)) == (kind, 1)  # nor was a redirect followed
        assert list(log.folder.stamped()) == []
    assert len(log.said("checkpoint_not_stamped")) == len(BAD)
    authority.answers, authority.elsewhere = authority.stamp, ""
    later(log, anchor, 1)
    assert [size for size, _ in log.folder.stamped()] == [1]


def test_a_stamp_over_another_note_with_the_right_nonce_is_not_kept(log, anchor, authority):
    def answer(query):
        asked = hashlib.sha256(log.newest().encode()).digest()
        return authority.stamp(query.replace(asked, hashlib.sha256(b"other").digest()))

    authority.answers = answer
    log.act("message_drafted")
    anchor.stamp()
    assert ["imprint" in entry["why"] for entry in log.said("checkpoint_not_stamped")] == [True]


def test_an_authority_that_dawdles_or_is_away_is_given_up_and_told_of_after_a_day(log, authority):
    authority.dawdles.set()  # each byte comes in time; all of them would, after minutes
    log.act("message_drafted")
    a_stamper(log, authority.url, PATIENCE).stamp()
    assert list(log.folder.stamped()) == []
    away = a_stamper(log, "http://127.0.0.1:9/tsr")
    away.stamp()
    assert len(log.said("checkpoint_not_stamped")) == 2
    later(log, away, ALARM_AFTER_S - 1)
    assert log.alarms() == []
    later(log, away, RETRY_S)
    assert log.alarms() == [("nobody_anchors", "time stamps")]
    a_stamper(log, "").stamp()  # somebody took the setting away
    assert log.alarms() == []


def test_the_certificates_may_stand_in_the_answer_in_any_order(authority):
    """Their order is as the authority has it. A token that was refused for that would be lost."""
    both = [authority.folder / "ca.pem", authority.folder / "tsa.pem"]
    encoded = [openssl(authority.folder, "x509", "-in", str(path), "-outform", "DER") for path in both]
    _, token = authority.stamp(
        openssl(authority.folder, "ts", "-query", "-data", "ca.pem", "-sha256", "-cert")
    )
    orders = [encoded[0] + encoded[1], encoded[1] + encoded[0]]
    assert sum(order in token for order in orders) == 1
    turned = token.replace(*orders) if orders[0] in token else token.replace(*orders[::-1])
    assert turned != token
    assert said_by(turned).gen_time == said_by(token).gen_time
    for other in (b"", b"\x30", b"\x30\x80", token[:90], b"<html>"):
        assert with_certificates_in_order(other) == other


# --- what the verifier makes of it --------------------------------------------------------------------------


def stamped(log, anchor):
    note = log.act("message_drafted")
    anchor.stamp()
    return note, dict(log.folder.stamped())[1]


def said_by(token):
    return decode_timestamp_response(with_certificates_in_order(token)).tst_info


def replaced(log, token):
    (log.folder.timestamps / "1.tsr").write_bytes(token)


def test_the_stamp_of_another_authority_or_an_altered_one_is_found(log, anchor, authority, tmp_path):
    _, token = stamped(log, anchor)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    found = log.verdict(tsa_ca=str(certificates(foreign) / "ca.pem"))
    assert found.problems == [(1, "openssl does not accept the time stamp of the checkpoint after event 1")]
    moment = said_by(token).gen_time.strftime("%Y%m%d%H%M%SZ").encode()
    replaced(log, token.replace(moment, b"20260101000000Z"))
    assert log.verdict(tsa_ca=ca(authority)).code == 1
    replaced(log, token.replace(hashlib.sha256(log.newest().encode()).digest(), bytes(32)))
    assert log.verdict().problems == [
        (1, "the time stamp of the checkpoint after event 1 is about something else")
    ]


def test_the_certificate_is_looked_at_as_of_the_moment_of_the_stamp(log, anchor):
    """It has run out for most who check later, and the stamp is as good as before."""
    _, token = stamped(log, anchor)
    moment = said_by(token).gen_time
    assert stamps._as_of(token) == ["-attime", str(int(moment.timestamp()))]


def test_where_stamps_cannot_be_checked_the_log_is_not_called_altered(log, anchor, authority, tmp_path):
    note, _ = stamped(log, anchor)
    with pytest.raises(Unreadable, match=r"nowhere\.pem is not there"):
        log.verdict(tsa_ca=str(tmp_path / "nowhere.pem"))
    (tmp_path / NAME).write_text(stand_alone())
    script = "import sys; import verify_audit as v; v.stamp_holds(sys.argv[1], b'', sys.argv[2])"
    ran = subprocess.run(
        [sys.executable, "-c", script, note, ca(authority)],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "the time stamps cannot be checked: openssl is not installed" in ran.stderr
