"""CAP alerts of the website: by the published schema, read back by another parser, verified by two programs that are not ours."""

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml import XMLVerifier
from signxml.exceptions import InvalidDigest

from broadcaster.domain.message import Certainty, Kind, Severity, Urgency
from channels import cap, cap_signing
from channels.website import Website
from tests.contract.channel_suite import SHARED
from tests.contract.website_site import ATOM, BASE_URL, NOW, account, atom_schema, feed_alerts, files, post

SCHEMA = SHARED / "cap" / "schema" / "CAP-v1.2.xsd"
C = {"c": cap.CAP}
FLOOD = {
    "kind": "Alert",
    "incident": "ABC234",
    "category": "Met",
    "response": "Avoid",
    "urgency": "Immediate",
    "certainty": "Observed",
    "instruction": "Keep away from the river.",
    "details": "It rises <fast> & is cold.",
    "contact": "0300 123 4567",
    "starts": "2026-11-21T18:00:00+01:00",
}


@pytest.fixture(scope="module")
def schema():
    if not SCHEMA.exists():
        pytest.skip(f"the CAP schema is not at {SCHEMA}")
    return etree.XMLSchema(etree.parse(SCHEMA))


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    return tmp_path_factory.mktemp("keys") / "cap.pem"


@pytest.fixture
def signing(site, clock, key_file):
    return Website(account(site, cap_key=str(key_file)), now=clock)


def alert(site, reference="7f3k2m"):
    return (site / "alerts" / f"{reference}.cap.xml").read_bytes()


def read(content):
    """By the other parser of this house's Python, as text by the path of names."""
    found = {}

    def walk(element, path):
        name = element.tag.partition("}")[2]
        if name == "Signature":
            return
        here = f"{path}/{name}"
        if len(element):
            for each in element:
                walk(each, here)
        else:
            found.setdefault(here, []).append(element.text or "")

    walk(ET.fromstring(content), "")
    return found


def one(site, path, reference="7f3k2m"):
    return read(alert(site, reference)).get(f"/alert/{path}", [""])[0]


def test_a_message_is_an_alert_that_says_what_was_approved(signing, site, schema):
    signing.send(post(**FLOOD), "key-1")
    schema.assertValid(etree.fromstring(alert(site)))
    found = read(alert(site))
    assert {path.removeprefix("/alert/"): said[0] for path, said in found.items()} == {
        "identifier": "alerts.wyre.example-7F3K2M-1",
        "sender": "alerts.wyre.example",
        "sent": "2026-11-21T19:00:00+01:00",
        "status": "Actual",
        "msgType": "Alert",
        "scope": "Public",
        "incidents": "ABC234",
        "info/language": "en",
        "info/category": "Met",
        "info/event": "Flood",
        "info/responseType": "Avoid",
        "info/urgency": "Immediate",
        "info/severity": "Severe",
        "info/certainty": "Observed",
        "info/onset": "2026-11-21T18:00:00+01:00",
        "info/expires": "2026-11-21T23:00:00+01:00",
        "info/senderName": "Wyre Council",
        "info/headline": "Flood <now>",
        "info/description": "It rises <fast> & is cold.",
        "info/instruction": "Keep away from the river.",
        "info/web": f"{BASE_URL}/alerts/7f3k2m/",
        "info/contact": "0300 123 4567",
        "info/parameter/valueName": "Reference",
        "info/parameter/value": "7F3K2M",
        "info/area/areaDesc": "St Michael's",
    }
    assert found["/alert/info/parameter/value"] == ["7F3K2M", "Duty officer, Wyre Council"]


def test_feeds_lead_to_it_by_its_own_type(signing, site, tmp_path):
    signing.send(post(**FLOOD), "key-1")
    atom_schema(tmp_path).assertValid(etree.parse(site / "atom.xml"))
    entry = etree.parse(site / "atom.xml").find("a:entry", ATOM)
    links = {link.get("type"): link.get("href") for link in entry.findall("a:link", ATOM)}
    assert links[cap.MEDIA_TYPE] == feed_alerts(site)[0]["cap"] == f"{BASE_URL}/alerts/7f3k2m.cap.xml"


def test_our_verifier_and_xmlsec1_find_the_signature_good_and_a_changed_place_bad(
    signing, site, key_file, tmp_path
):
    signing.send(post(**FLOOD), "key-1")
    certificates = (site / "cap-certificates.pem").read_text()
    assert "PRIVATE" not in certificates
    XMLVerifier().verify(alert(site), x509_cert=certificates)
    assert cap_signing.verify(alert(site), (certificates,))
    moved = alert(site).replace(b"St Michael", b"St Nicholas")
    with pytest.raises(InvalidDigest):
        XMLVerifier().verify(moved, x509_cert=certificates)
    assert not cap_signing.verify(moved, (certificates,))
    assert key_file.stat().st_mode & 0o077 == 0


def test_xmlsec1_verifies_it(signing, site, tmp_path):
    program = shutil.which("xmlsec1")
    if not program:
        pytest.skip("xmlsec1 is not on this machine (apt-get install xmlsec1)")
    signing.send(post(**FLOOD), "key-1")
    (tmp_path / "moved.xml").write_bytes(alert(site).replace(b"St Michael", b"St Nicholas"))
    command = [program, "--verify", "--trusted-pem", str(site / "cap-certificates.pem")]
    whole = site / "alerts" / "7f3k2m.cap.xml"
    codes = [
        subprocess.run([*command, str(path)], capture_output=True, check=False).returncode
        for path in (whole, tmp_path / "moved.xml")
    ]
    assert codes[0] == 0
    assert codes[1] != 0


def test_sending_again_and_the_end_change_no_byte_of_it(signing, site, clock):
    signing.send(post(**FLOOD), "key-1")
    before = alert(site)
    clock.passes(minutes=1)
    signing.send(post(**FLOOD), "key-1")
    clock.passes(hours=9)
    signing.refresh()
    assert alert(site) == before
    assert feed_alerts(site)[0]["ended"] is True
    assert feed_alerts(site)[0]["cap"].endswith("7f3k2m.cap.xml")


def test_a_crash_before_the_file_makes_the_same_alert_again(signing, site, clock, schema):
    signing.send(post(**FLOOD), "key-1")
    before = read(alert(site))
    (site / "alerts" / "7f3k2m.cap.xml").unlink()
    clock.passes(seconds=20)
    signing.send(post(**FLOOD), "key-1")
    assert read(alert(site)) == before


def test_an_update_and_a_cancel_refer_to_all_that_are_in_force(signing, site, clock, schema):
    flood = {**FLOOD, "expires": "2026-11-22T23:00:00+01:00"}
    signing.send(post("222222", **{**flood, "expires": "2026-11-21T20:30:00+01:00"}), "a")
    clock.passes(hours=1)
    signing.send(post("333333", **{**flood, "kind": "Update"}), "b")
    clock.passes(hours=1)
    signing.send(post("444444", **{**flood, "kind": "Update"}), "c")
    signing.send(post("777777", **{**flood, "incident": "OTHERS"}), "d")
    clock.passes(hours=1)
    signing.send(post("555555", **{**flood, "kind": "Cancel"}), "e")
    clock.passes(hours=1)
    signing.send(post("666666", **{**flood, "kind": "Update"}), "f")
    for reference in ("222222", "333333", "444444", "555555", "666666", "777777"):
        schema.assertValid(etree.fromstring(alert(site, reference)))
    first, second, third, cancel = (
        f"alerts.wyre.example,alerts.wyre.example-{n * 6}-1,{one(site, 'sent', n * 6)}" for n in "2345"
    )
    assert one(site, "references", "222222") == one(site, "references", "777777") == ""
    assert one(site, "references", "333333") == first
    assert one(site, "references", "444444") == second  # the first has ended
    assert one(site, "references", "555555").split() == [second, third]
    assert one(site, "msgType", "555555") == "Cancel"
    assert (
        one(site, "references", "666666") == cancel
    )  # all others are cancelled: what follows something says what


def test_the_first_that_readers_hear_is_an_alert_whatever_we_call_it(signing, site):
    signing.send(post(**{**FLOOD, "kind": "Update"}), "key-1")
    assert (one(site, "msgType"), one(site, "references")) == ("Alert", "")


def test_a_page_that_is_changed_is_an_update_of_itself(signing, site, clock, schema):
    signing.send(post(**FLOOD), "key-1")
    sent = one(site, "sent")
    clock.passes(minutes=5)
    signing.send(post(**{**FLOOD, "area": "Hambleton"}), "key-2")
    schema.assertValid(etree.fromstring(alert(site)))
    assert one(site, "identifier") == "alerts.wyre.example-7F3K2M-2"
    assert one(site, "msgType") == "Update"
    assert one(site, "references") == f"alerts.wyre.example,alerts.wyre.example-7F3K2M-1,{sent}"


def test_languages_go_into_one_alert_and_a_late_one_does_not_hold_it_up_for_long(
    signing, site, clock, schema
):
    both = {**FLOOD, "languages": "en cy"}
    signing.send(post(**both), "key-1")
    assert not (site / "alerts" / "7f3k2m.cap.xml").exists()
    assert feed_alerts(site)[0]["cap"] == ""
    signing.send(post(language="cy", title="Llifogydd", **both), "key-2")
    schema.assertValid(etree.fromstring(alert(site)))
    assert read(alert(site))["/alert/info/language"] == ["en", "cy"]
    assert read(alert(site))["/alert/info/headline"] == ["Flood <now>", "Llifogydd"]
    assert one(site, "identifier").endswith("-1")
    signing.send(post("888888", **both), "key-3")
    clock.passes(minutes=1)
    signing.refresh()
    assert read(alert(site, "888888"))["/alert/info/language"] == ["en"]


def test_an_exercise_says_so_and_never_stands_in_the_live_feed(signing, site, clock, schema, key_file):
    drill = Website(account(site, mode="exercise", cap_key=str(key_file)), now=clock)
    drill.send(post("999999", title="EXERCISE: Flood", **FLOOD), "key-1")  # one folder for both, by mistake
    schema.assertValid(etree.fromstring(alert(site, "999999")))
    assert one(site, "status", "999999") == "Exercise"
    assert "drill" in one(site, "note", "999999")
    signing.send(post(**FLOOD), "key-2")
    assert [each["reference"] for each in feed_alerts(site)] == ["7F3K2M"]
    for name in ("atom.xml", "index.html", "alerts.json"):
        assert b"EXERCISE" not in (site / name).read_bytes()
        assert b"999999" not in (site / name).read_bytes()
    assert one(site, "references") == ""


def test_a_key_that_is_gone_wrong_holds_up_no_warning_and_is_told_beforehand(site, clock, tmp_path, schema):
    (tmp_path / "bad.pem").write_text("no key")
    website = Website(
        replace(account(site, cap_key=str(tmp_path / "bad.pem")), allowed_hosts=frozenset()), now=clock
    )
    website.send(post(**FLOOD), "key-1")
    schema.assertValid(etree.fromstring(alert(site)))
    assert b"Signature" not in alert(site)
    found = website.probe()
    assert (found.code, "unsigned" in found.operator_text) == ("cap_key_bad", True)


def test_what_an_earlier_key_signed_can_be_verified_after_its_change(site, clock, tmp_path):
    path = tmp_path / "cap.pem"
    website = Website(account(site, cap_key=str(path)), now=clock)
    website.send(post(**FLOOD), "key-1")
    cap_signing.rotate(path, name="Wyre Council")
    website.send(post("222222", **FLOOD), "key-2")
    published = cap_signing.SigningKey(
        private="", certificates=cap_signing.load_or_create(path, name="").certificates
    )
    assert (site / "cap-certificates.pem").read_text() == "".join(published.certificates)
    assert [len(published.certificates), path.stat().st_mode & 0o077] == [2, 0]
    for reference, mine in (("7f3k2m", 1), ("222222", 0)):
        assert cap_signing.verify(alert(site, reference), (published.certificates[mine],))
        assert not cap_signing.verify(alert(site, reference), (published.certificates[1 - mine],))


def test_a_certificate_that_ends_soon_is_told(site, clock, tmp_path):
    path = tmp_path / "cap.pem"
    cap_signing.load_or_create(path, name="Wyre", now=NOW - timedelta(days=3 * 365 - 20))
    website = Website(replace(account(site, cap_key=str(path)), allowed_hosts=frozenset()), now=clock)
    assert website.probe().code == "cap_key_ends"


def test_what_was_published_before_there_were_alerts_gets_none_later(signing, site, clock):
    signing.send(post(**FLOOD), "key-1")
    path = site / ".alerts" / "7F3K2M.json"
    document = path.read_text().replace('"exercise": false,', "").replace('"cap":', '"past":')
    path.write_text(document)
    (site / "alerts" / "7f3k2m.cap.xml").unlink()
    signing.refresh()
    assert not [name for name in files(site) if name.endswith(".cap.xml")]


PRINTABLE = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=60
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
OFFSETS = st.sampled_from(["", "Z", "+00:00", "-00:00", "+01:00", "-09:30", "+14:00", "no time"])


@given(
    facts=st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("event", "area", "details", "instruction", "contact", "source"), PRINTABLE),
            "severity": st.sampled_from([*Severity, "Grave"]),
            "urgency": st.sampled_from([*Urgency, ""]),
            "certainty": st.sampled_from([*Certainty, "Sure"]),
            "category": st.sampled_from([*cap.CATEGORIES, "Weather"]),
            "response": st.sampled_from([*cap.RESPONSES, "Run"]),
            "expires": st.builds(lambda at, o: at.replace(tzinfo=None).isoformat() + o, MOMENTS, OFFSETS),
            "starts": st.builds(lambda at, o: at.replace(tzinfo=None).isoformat() + o, MOMENTS, OFFSETS),
        },
    ),
    headline=PRINTABLE,
    name=PRINTABLE,
    sent=MOMENTS,
    kind=st.sampled_from(list(Kind)),
    exercise=st.booleans(),
    languages=st.lists(st.sampled_from(["en", "cy", "es", "en-GB"]), min_size=1, unique=True),
)
@settings(max_examples=40)
def test_whatever_was_approved_is_valid_and_reads_back_equal(
    schema, key_file, facts, headline, name, sent, kind, exercise, languages
):
    made = cap.Alert(
        identifier="a-1",
        sender=cap.token("Wyre, <Council> & co"),
        sender_name=name,
        sent=sent,
        kind=kind,
        web="https://a.example/",
        reference="7F3K2M",
        exercise=exercise,
        references=[cap.Earlier(sender="s", identifier="i", sent="2026-11-21T18:00:00-00:00")],
        infos=[cap.Info(language=each, headline=headline, facts=facts) for each in languages],
    )
    key = cap_signing.load_or_create(key_file, name="Wyre")
    content = cap.as_bytes(cap_signing.signed(cap.build(made), key))
    schema.assertValid(etree.fromstring(content))
    assert cap_signing.verify(content, key.certificates)
    found = read(content)
    assert found["/alert/info/language"] == languages
    assert datetime.fromisoformat(found["/alert/sent"][0]) == sent.replace(microsecond=0)
    for fact, path in (("details", "description"), ("instruction", "instruction"), ("contact", "contact")):
        assert found.get(f"/alert/info/{path}", [""])[0] == facts.get(fact, "")
    if _is_time(facts.get("expires", "")):
        moment = datetime.fromisoformat(facts["expires"])
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        assert datetime.fromisoformat(found["/alert/info/expires"][0]) == moment.replace(microsecond=0)
    else:
        assert "/alert/info/expires" not in found


def _is_time(text):
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False
