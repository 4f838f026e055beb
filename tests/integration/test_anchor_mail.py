"""The newest checkpoint by mail: to a real server, once a day, in a text with which the log can be checked as it was saved."""

import base64
import json
import quopri
from urllib.parse import quote

import pytest

from broadcaster.audit.verifier.command import main
from broadcaster.audit.verifier.notes import notes_of
from broadcaster.audit.verifier.verdict import Unreadable
from broadcaster.service.anchor_mail import ALARM_AFTER, EVERY, RETRY, AnchorMail
from broadcaster.service.mail_server import MailServer, NotMailed
from tests.integration.anchoring import sealed
from tests.integration.mail_room import (
    PASSWORD,
    USER,
    a_mail_server,
    a_server_that_never_ends,
    certificate,
    free_port,
)

DATABASES = ("sqlite",)

TO = ("ada@audit.example", "press@wyre.example")
FROM = "log@wyre.example"
ALARM = [("nobody_anchors", "mail")]


@pytest.fixture(scope="module")
def served():
    with a_mail_server() as box:
        yield box


@pytest.fixture
def box(served):
    served.mails.clear()
    served.receivers.clear()
    served.refuses, served.answer = frozenset(), "250 kept"
    return served


@pytest.fixture
def log(database_url, tmp_path):
    yield from sealed(database_url, tmp_path)


def a_mailer(log, port, to=TO):
    return AnchorMail(log.database, log.folder, server(port), to=to)


def server(port, **more):
    return MailServer(f"smtp://127.0.0.1:{port}", FROM, **more)


@pytest.fixture
def mailer(log, box):
    return a_mailer(log, box.port)


def later(log, mailer, time):
    log.clock.passed += time.total_seconds()
    mailer.send()


# --- when ---------------------------------------------------------------------------------------------------


def test_the_newest_checkpoint_goes_out_at_once_and_then_each_day(log, mailer, box):
    mailer.send()
    assert box.mails == []  # there is none yet
    log.act("message_drafted")
    newest = log.act("message_approved_and_released")
    mailer.send()
    assert box.receivers == [list(TO)]
    assert newest.encode() in box.mails[0].replace(b"\r\n", b"\n")
    log.act("broadcast_done")
    a_mailer(log, box.port).send()  # which starts anew
    later(log, mailer, EVERY - RETRY)
    assert len(box.mails) == 1
    later(log, mailer, RETRY)
    later(log, mailer, EVERY)  # nothing has happened since, and that is told too
    assert len(box.mails) == 3
    assert "ada" not in (log.folder.folder / "mail.json").read_text()


def test_new_receivers_need_not_wait_for_a_day(log, mailer, box):
    log.act("message_drafted")
    mailer.send()
    a_mailer(log, box.port, to=("new@audit.example",)).send()
    assert box.receivers == [list(TO), ["new@audit.example"]]


@pytest.mark.parametrize("content", ["", "[]", '{"to": 1}', '{"sent_at": "yesterday"}'])
def test_a_damaged_memory_costs_a_mail_and_no_more(log, mailer, box, content):
    log.act("message_drafted")
    log.folder.folder.joinpath("mail.json").write_text(content)
    mailer.send()
    mailer.send()
    assert len(box.mails) == 1


def test_a_folder_that_cannot_be_written_makes_no_flood_of_mails(log, mailer, box):
    log.act("message_drafted")
    log.folder.folder.joinpath("mail.json").mkdir()
    for _ in range(3):
        later(log, mailer, RETRY)
    assert len(box.mails) == 1
    assert {entry["event"] for entry in log.logs} >= {"mail_state_not_written", "checkpoint_mailed"}


def test_what_fails_is_tried_again_after_a_quarter_of_an_hour_and_told_of_after_a_day(log, mailer, box):
    box.answer = "451 the disk is full"
    log.act("message_drafted")
    mailer.send()
    later(log, mailer, RETRY / 2)
    assert ["451" in entry["why"] for entry in log.said("checkpoint_not_mailed")] == [True]
    again = a_mailer(log, box.port)  # a sealer that starts anew knows since when
    later(log, again, ALARM_AFTER - RETRY)
    assert log.alarms() == []
    later(log, again, RETRY)
    assert log.alarms() == ALARM
    box.answer = "250 kept"
    later(log, again, RETRY)
    assert len(box.mails) == 1
    assert log.alarms() == []


def test_where_nobody_is_to_be_written_to_any_more_there_is_no_alarm_either(log, mailer, box):
    box.answer = "451 no"
    log.act("message_drafted")
    mailer.send()
    later(log, mailer, ALARM_AFTER)
    assert log.alarms() == ALARM
    AnchorMail(log.database, log.folder, None, to=()).send()
    assert log.alarms() == []


def test_one_receiver_who_is_gone_keeps_nobody_else_from_it(log, mailer, box):
    box.refuses = frozenset({TO[0]})
    log.act("message_drafted")
    for _ in range(3):
        later(log, mailer, RETRY)
    assert box.receivers == [[TO[1]]]
    assert [entry["receivers"] for entry in log.said("checkpoint_mail_refused")] == [1]
    box.refuses = frozenset(TO)
    later(log, mailer, EVERY)
    assert len(log.said("checkpoint_not_mailed")) == 1


# --- what is in it ------------------------------------------------------------------------------------------


def body(mail):
    return mail.partition(b"\r\n\r\n")[2]


FORMS = {
    "as it came": lambda mail: mail,
    "its text alone": body,
    "with the line ends of this machine": lambda mail: mail.replace(b"\r\n", b"\n"),
    "as quoted-printable": lambda mail: (
        mail.partition(b"\r\n\r\n")[0].replace(b": 8bit", b": quoted-printable")
        + b"\r\n\r\n"
        + quopri.encodestring(body(mail))
    ),
    "as base64": lambda mail: (
        mail.partition(b"\r\n\r\n")[0].replace(b": 8bit", b": base64")
        + b"\r\n\r\n"
        + base64.encodebytes(body(mail))
    ),
    "in other characters": lambda mail: (
        mail.partition(b"\r\n\r\n")[0].replace(b"utf-8", b"windows-1252")
        + b"\r\n\r\n"
        + body(mail).decode().encode("windows-1252")
    ),
}


@pytest.fixture(scope="module")
def mailed(tmp_path_factory, sqlite_template, served):
    """The mail, and the export of a log that went on since."""
    served.refuses = frozenset()
    served.mails.clear()
    for log in sealed(f"sqlite:///{sqlite_template}.mailed", copied(tmp_path_factory, sqlite_template)):
        log.act("message_drafted")
        note = log.act("message_submitted")
        a_mailer(log, served.port).send()
        log.act("message_returned")
        return note, served.mails[0], log.export()
    raise AssertionError


def copied(factory, template):
    template.with_name(f"{template.name}.mailed").write_bytes(template.read_bytes())
    return factory.mktemp("mailed")


@pytest.mark.parametrize("form", FORMS)
def test_a_saved_mail_is_what_the_log_can_be_checked_with(mailed, tmp_path, form):
    note, mail, export = mailed
    saved, file = tmp_path / "this-mail.txt", tmp_path / "audit.jsonl"
    saved.write_bytes(FORMS[form](mail))
    assert notes_of(str(saved)) == [note]
    file.write_text("".join(f"{line}\n" for line in export))
    said = []
    assert main([str(file), "--anchors", str(saved)], said.append) == 0
    assert "The first 2 events are those that were laid down outside." in said[0]
    file.write_text("".join(f"{line}\n" for line in cut_off(export)))
    assert main([str(file), "--anchors", str(saved), "--json"], said.append) == 1
    assert json.loads(said[1])["first_bad"] == 2


def cut_off(lines):
    """The log as it was after its first checkpoint: what came after it is gone."""
    last = next(number for number, line in enumerate(lines) if line.startswith('{"checkpoint"'))
    return [*lines[: last + 1], json.dumps({"end": {"checkpoints": 1, "events": 1}})]


def test_the_mail_says_what_it_is_and_is_no_letter_to_answer(mailed):
    _, mail, _ = mailed
    head, text = mail.partition(b"\r\n\r\n")[0].decode(), body(mail).decode()
    assert "Auto-Submitted: auto-generated" in head
    assert f"From: {FROM}" in head
    assert "Subject: Audit log of wyre.example/log: 2 events" in head
    assert "Keep this mail." in text
    assert "python3 verify_audit.py audit.jsonl --anchors this-mail.txt" in text


def test_a_file_without_a_checkpoint_is_told(tmp_path):
    for content in (
        b"",
        b"Dear Ada,\n\nnothing.\n",
        b"Content-Type: text/plain; charset=klingon\n\n\xff\xfe",
    ):
        (tmp_path / "mail.txt").write_bytes(content)
        with pytest.raises(Unreadable, match="holds no checkpoint"):
            notes_of(str(tmp_path / "mail.txt"))


# --- the way to the server ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


def url(scheme, port, password=PASSWORD):
    return f"{scheme}://{quote(USER, safe='')}:{quote(password, safe='')}@127.0.0.1:{port}"


def hand_over(address, **more):
    return MailServer(address, FROM, **more).send(TO, subject="Log", text="one\n")


def test_a_password_goes_over_starttls_or_tls_to_a_server_that_is_known(tls):
    at_server, at_client = tls
    with a_mail_server(starttls=at_server, login=True) as box:
        assert hand_over(url("smtp", box.port), tls=at_client) == 0
        with pytest.raises(NotMailed, match="certificate verify failed"):
            hand_over(url("smtp", box.port))
        with pytest.raises(NotMailed, match=r"does not accept the user or the password \(535\)") as caught:
            hand_over(url("smtp", box.port, "wr0ng"), tls=at_client)
        assert "wr0ng" not in str(caught.value)
        assert set(box.logins) == {(True, USER, PASSWORD), (True, USER, "wr0ng")}
        assert len(box.mails) == 1
    with a_mail_server(tls=at_server, login=True) as box:
        assert hand_over(url("smtps", box.port), tls=at_client) == 0
        with pytest.raises(NotMailed, match="certificate verify failed"):
            hand_over(url("smtps", box.port))
        assert [login[1:] for login in box.logins] == [(USER, PASSWORD)]


def test_a_password_is_not_sent_in_clear(box):
    with pytest.raises(NotMailed, match="offers no STARTTLS, and a password is not sent in clear"):
        hand_over(url("smtp", box.port))
    assert (box.mails, box.logins) == ([], [])


def test_without_a_password_a_relay_with_a_certificate_of_its_own_will_do(tls):
    with a_mail_server(starttls=tls[0]) as box:
        assert hand_over(f"smtp://127.0.0.1:{box.port}") == 0
        assert len(box.mails) == 1


def test_a_server_that_is_away_or_never_ends_is_given_up():
    with pytest.raises(NotMailed, match="Connection refused"):
        hand_over(f"smtp://127.0.0.1:{free_port()}")
    with a_server_that_never_ends() as talker, pytest.raises(NotMailed):
        hand_over(f"smtp://127.0.0.1:{talker.port}", total_s=0.3)
