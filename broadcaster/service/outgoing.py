"""One request to an address that a person gave, and to nothing inside: where the name leads is looked up once, every address is
checked, and exactly a checked one is connected to. No redirect is followed, and all of it is over in time.

Whoever can enter an address could otherwise have this machine ask whatever it reaches behind the firewall (OWASP, SSRF).
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit

import certifi
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from broadcaster.domain.errors import Invalid
from channels.http import USER_AGENT
from channels.http_connections import PlainPool, TlsPool

CONNECT_S, TOTAL_S = 5.0, 15.0
LEADS_TO_IPV4 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))


class NotReached(Exception):
    """Its text says in a word or two why."""


class Outgoing:
    """`may_stay_here` says whether addresses of this machine itself are allowed, http too: in a sandbox they are."""

    def __init__(self, *, may_stay_here: Callable[[], bool], total_s: float = TOTAL_S) -> None:
        self._may_stay_here = may_stay_here
        self._total_s = total_s

    def check(self, url: str) -> str:
        """The host. Invalid where this is no address that could ever be posted to."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            host = ""
        if not host or len(url) > 2_000 or not url.isascii() or not url.isprintable() or " " in url:
            raise Invalid("This is no address. Give one such as https://hooks.example.org/broadcaster.")
        if parts.username or parts.password:
            raise Invalid(
                "The address holds a name or a password. Leave them out: the signature proves who sends."
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and self._is_here(parts)):
            raise Invalid("The address must begin with https://. Nothing was changed.")
        if _literal(host) and not self._allowed(host):
            raise Invalid(
                "The address is inside of a private network. Only public addresses are told anything."
            )
        return host

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer. NotReached where there is none."""
        end = time.monotonic() + self._total_s
        try:
            host = self.check(url)
            parts = urlsplit(url)
            address = self._address(host, parts.port or _usual(parts))
            return self._post(parts, address, end, body, headers)
        except Invalid as refused:
            raise NotReached("address_refused") from refused
        except (HTTPError, OSError, ValueError) as error:
            raise NotReached(type(error).__name__) from error

    def get(self, url: str, *, most_bytes: int) -> bytes:
        """What stands at an address, at most so much. NotReached where there is nothing, or more."""
        end = time.monotonic() + self._total_s
        try:
            host = self.check(url)
            parts = urlsplit(url)
            address = self._address(host, parts.port or _usual(parts))
            return self._get(parts, address, end, most_bytes)
        except Invalid as refused:
            raise NotReached("address_refused") from refused
        except (HTTPError, OSError, ValueError, EOFError) as error:
            raise NotReached(type(error).__name__) from error

    def _get(self, parts: SplitResult, address: str, end: float, most_bytes: int) -> bytes:
        sent = {**_usual_headers(parts), "Accept": "application/json", "Accept-Encoding": "identity"}
        with self._pool(parts, address, end) as pool:
            answer = pool.urlopen(
                "GET", _target(parts), headers=sent, retries=False, redirect=False, preload_content=False
            )
            # not decoded: a few bytes could become as many as the memory holds
            found: bytes = answer.read(most_bytes + 1, decode_content=False)
            answer.close()
        if answer.status != 200:
            raise NotReached(f"answered_{answer.status}")
        if len(found) > most_bytes:
            raise NotReached("too_much")
        return found

    def _post(
        self, parts: SplitResult, address: str, end: float, body: bytes, headers: Mapping[str, str]
    ) -> int:
        sent = {**_usual_headers(parts), **headers}
        with self._pool(parts, address, end) as pool:
            answer = pool.urlopen(
                "POST",
                _target(parts),
                body=body,
                headers=sent,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            answer.close()  # what it says is nobody's business: an answer read and shown would be a way to read inside
            return answer.status

    def _pool(self, parts: SplitResult, address: str, end: float) -> HTTPConnectionPool:
        host, port = parts.hostname or "", parts.port or _usual(parts)
        timeout = Timeout(connect=CONNECT_S, read=self._total_s)
        if parts.scheme != "https":
            return PlainPool(address, port, end=lambda: end, timeout=timeout)
        return TlsPool(
            address,
            port,
            end=lambda: end,
            timeout=timeout,
            cert_reqs="CERT_REQUIRED",
            ca_certs=certifi.where(),
            server_hostname=host,
            assert_hostname=host,
        )

    def _address(self, host: str, port: int) -> str:
        """One where the name leads to. NotReached where any of them is not allowed: a name that leads inside and outside is
        meant to deceive."""
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        if not found or not all(self._allowed(each) for each in found):
            raise NotReached("address_refused")
        return min(found, key=lambda each: (":" in each, each))

    def _allowed(self, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
        inside = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        ip = inside or ip
        if ip.is_loopback:
            return self._may_stay_here()
        return ip.is_global and not ip.is_multicast and not _carries_another(ip)

    def _is_here(self, parts: SplitResult) -> bool:
        host = parts.hostname or ""
        return self._may_stay_here() and _literal(host) and ipaddress.ip_address(host).is_loopback


def _carries_another(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """An IPv6 address that leads to an IPv4 one (6to4, Teredo, NAT64, and `::10.0.0.7` of RFC 4291): it may be an inner one."""
    if isinstance(ip, ipaddress.IPv4Address):
        return False
    return bool(ip.sixtofour or ip.teredo) or any(ip in each for each in LEADS_TO_IPV4)


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _usual_headers(parts: SplitResult) -> dict[str, str]:
    return {"Host": parts.netloc, "User-Agent": USER_AGENT, "Connection": "close"}


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _usual(parts: SplitResult) -> int:
    return 443 if parts.scheme == "https" else 80
