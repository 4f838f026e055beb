"""T46: what strangers type, for each door that takes it: nothing is fetched, nothing is worked out, nothing is lost on the way."""

import csv
import io
import re
import socket
from dataclasses import replace
from urllib.parse import quote

import pytest

from broadcaster.domain.errors import Invalid
from broadcaster.domain.notice import fill
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.service.outgoing import NotReached, Outgoing
from broadcaster.service.table_file import row
from tests.integration.console_routes import ALL_ROLES, filled, routes
from tests.integration.identities import outcome
from tests.integration.visitor import visitor
from tests.unit.shipped import LONDON, NOW

DATABASES = ("sqlite",)

# --- addresses --------------------------------------------------------------------------------------------

#: Each is this machine, one inside, or no host at all, however it is written.
HOSTS = """
127.0.0.1 127.1 127.0.1 2130706433 017700000001 0177.0.0.1 0x7f000001 0x7f.0.0.1 0x7f.1 127.0.0.1. localhost localhost. LOCALHOST
0 0.0.0.0 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.7] [::127.0.0.1] [fe80::1] [fe80::1%25lo]
10.0.0.7 10.1 167772167 0x0a000007 012.0.0.7 172.16.0.1 172.31.255.254 192.168.1.1 3232235777 100.64.0.1 198.18.0.1
169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 [::ffff:169.254.169.254] [fd00:ec2::254] 192.0.2.1 203.0.113.7
224.0.0.1 255.255.255.255 240.0.0.1 [ff02::1] [fc00::1] [fd12:3456::1] [2002:7f00:1::] [2002:a00:7::] [64:ff9b::7f00:1]
[64:ff9b::a00:7] [2001:0:7f00:1::] [2001:db8::1]
""".split()  # noqa: SIM905 - a table to look over
ADDRESSES = [
    *(f"https://{host}/latest/meta-data" for host in HOSTS),
    *("file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://10.0.0.7/", "http://example.org/"),
    *("https://user:word@example.org/", "https://example.org@127.0.0.1/", "https:///path", "https://"),
]
LEADS_INSIDE = {"inside.example": ["10.0.0.7"], "both.example": ["93.184.215.14", "169.254.169.254"]}


@pytest.fixture
def connections(monkeypatch):
    """Whoever was connected to; a name leads where LEADS_INSIDE says, whatever the network would answer."""
    met, resolve = [], socket.getaddrinfo

    def look_up(host, port, *rest, **given):
        found = LEADS_INSIDE.get(host)
        if found is None:
            return resolve(host, port, *rest, **given)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: met.append(address))
    return met


def test_no_address_that_leads_inside_is_asked_however_it_is_written(connections):
    assert len(ADDRESSES) >= 60
    careful = Outgoing(may_stay_here=lambda: False, total_s=1.0)
    for address in [*ADDRESSES, *(f"https://{name}/" for name in LEADS_INSIDE)]:
        for ask in (
            lambda to: careful.get(to, most_bytes=100),
            lambda to: careful.post(to, b"{}", {}),
        ):
            with pytest.raises(NotReached):
                ask(address)
    assert connections == []


def test_a_name_is_looked_up_once_so_that_it_cannot_lead_elsewhere_the_second_time(connections, monkeypatch):
    answers, resolve = ["93.184.215.14", "127.0.0.1"], socket.getaddrinfo

    def look_up(host, *rest, **given):
        return resolve(answers.pop(0) if host == "turns.example" else host, *rest, **given)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(NotReached):  # nobody answers there
        Outgoing(may_stay_here=lambda: False, total_s=0.5).get("https://turns.example/", most_bytes=100)
    assert [address[0] for address in connections] == ["93.184.215.14"]


# --- templates --------------------------------------------------------------------------------------------

#: The last are those of CVE-2016-10745, 2019-10906, 2024-56326, 2024-56201 and 2025-27516 against Jinja's own sandbox.
TEMPLATES = [
    *("{{7*7}}", "{{ 7 * 7 }}", "{{7*'7'}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{7*7}", "*{7*7}", "@(7*7)", "[[7*7]]"),
    *("{% print(7*7) %}", "{%- if true -%}x{%- endif -%}", "{# gone #}", "{% raw %}", "{% endraw %}", "{%", "{{", "}}"),
    *("{{ config }}", "{{ self }}", "{{ request }}", "{{ facts }}", "{{ cycler.__init__.__globals__.os.popen('id') }}"),
    *("{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ lipsum.__globals__ }}", "{{ namespace }}", "{{ range(10**9) }}"),
    *("{% for x in range(10**9) %}{% endfor %}", "{% include '/etc/passwd' %}", "{% import 'os' as os %}", "{{ joiner }}"),
    *("%(area)s", "%s%s%n", "{0.__class__}", "{area.__class__}", "$area", "\\g<0>", "\\1"),
    "{{ '{0.__class__.__mro__}'.format(x) }}",
    "{{ '%s' % [].__class__ }}{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "{% set f = ''.format %}{{ f('{0.__class__}') }}",
    "{% from 'x{{ 1 }}' import a %}",
    "{{ ''|attr('format')('{0.__class__}') }}",
]  # fmt: skip


def test_what_looks_like_a_template_is_sent_as_it_was_typed(world, subtests):
    assert len(TEMPLATES) >= 40
    for payload in TEMPLATES:
        with subtests.test(payload):
            ref = world.draft(action=f"Stay {payload} in.", area=f"Wyre {payload}")
            proof = world.parts.compose.preview(ref)
            for each in proof.posts:
                assert f"Stay {payload} in." in each.post.text, each.channel


def test_what_looks_like_a_template_in_a_template_is_wording(subtests):
    notice, example = shipped_notice("severe-weather"), shipped_example("severe-weather")
    for payload in TEMPLATES:
        with subtests.test(payload):
            details = f"{notice.wording['details']}\n\n{payload}"
            worded = replace(notice, wording={**notice.wording, "details": details}, languages={})
            assert fill(worded, example, zone=LONDON, now=NOW).details.endswith(f"\n\n{payload}")


# --- tables -----------------------------------------------------------------------------------------------

FORMULAS = [
    *("=1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("https://evil.example","x")', "=IMPORTXML(CONCAT(1),1)", "=WEBSERVICE(1)"),
    *("+1", "+44 7700 900001", "+cmd|' /C calc'!A0", "-1", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)", "@A1", "\t=1+1", "\r=1+1"),
    *("\n=1+1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(1)", "=1+1\r\n=2+2"),
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_table_is_a_formula(formula):
    (cells,) = csv.reader(io.StringIO(row((formula, f"a {formula}", 1)), newline=""))
    assert cells == [f"'{formula}", f"a {formula}", "1"]


# --- line breaks ------------------------------------------------------------------------------------------

BREAKS = ["\r\n", "\n", "\r", "\r\n\r\n", "\n\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"]
BREAKS += [
    "%0d%0a",
    "%0a",
    "%E5%98%8A%E5%98%8D",
    "\u560a\u560d",
    "\\r\\n",
    "&#13;&#10;",
    "\x00\r\n",
    " \r\n ",
]


def test_no_line_break_makes_a_header_of_ours(world):
    ada = visitor(world, "ada", *ALL_ROLES)
    ref = world.submit(channels=("website",)).ref
    names = ("next", "ref", "name", "form", "as", "at", "about", "language", "sheet", "form-id")
    assert len(BREAKS) == 20
    for path in routes("GET"):
        if path.endswith(("/live", "/sign-out")):
            continue
        typed = "".join(f"/{each}Set-Cookie: planted=1" for each in BREAKS)
        query = "&".join(f"{name}={quote(typed)}" for name in names)
        answer = ada.ask("GET", f"{filled(path, ref=ref, target_id=1)}?{query}")
        assert not [told for told in answer.cookies if told.startswith("planted")], path
        assert not [value for value in answer.headers.values() if re.search(r"[\r\n\0]", value)], path


def test_a_headline_stays_on_its_line(world, subtests):
    for sign in BREAKS[:12]:
        with subtests.test(repr(sign)), pytest.raises(Invalid) as caught:
            world.draft(headline=f"Amber{sign}Subject: planted")
        assert "headline" in caught.value.details[0]


# --- characters -------------------------------------------------------------------------------------------

ODD = [
    *"\x00\x01\x07\x08\x1b\x7f\x80\x9b\xad",
    *"\u061c\u180e\u200b\u200c\u200e\u200f\u202a\u202b\u202d\u202e\u2060\u2066\u2067\u2069",
]
ODD += [*"\ufeff\ufff9\ufffe\uffff\ud800\udfff\ue000", *"\U000e0001\U000e0041\U0001fffe\U0010ffff"]


def test_what_nobody_sees_is_refused_by_its_number_or_told_with_it(world, subtests):
    """Whatever way: what is on the page is what was approved, with nothing in it that a person could not see."""
    assert len(ODD) >= 30
    for odd in ODD:
        code = f"U+{ord(odd):04X}"
        with subtests.test(code):
            said = outcome(lambda typed=odd: world.draft(action=f"Keep{typed} off the seafront."))
            if isinstance(said, Invalid):
                assert code in said.details[0]
                continue
            proof = world.parts.compose.preview(said)
            told = [*(f.text for f in proof.findings), *proof.problems]
            sent = [each.post.text for each in proof.posts if odd in each.post.text]
            assert not sent or any(code in each for each in told)
