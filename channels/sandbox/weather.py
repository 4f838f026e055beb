"""The stand-in weather service: an Atom feed of CAP alerts that tests and the demo fill, with faults on demand.

GET /weather/atom.xml and /weather/ID.cap.xml as a service would; POST /_sandbox/weather issues, updates and cancels, and
POST /_sandbox/weather/fault makes it fail as feeds do. Only issued alerts are CAP by the letter; the faults are not.
"""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.cap import CAP, MEDIA_TYPE, as_written
from channels.website_feeds import ATOM

SENDER = "weather@sandbox.example"
FAULTS = ("", "broken", "huge", "slow", "500", "entities", "html", "links_broken")
SLOW_S, HUGE_BYTES = 60.0, 3_000_000
BOMB = b"""<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><feed>&b;</feed>"""
_DEFAULTS = {
    "event": "wind",
    "headline": "Amber warning of wind affecting North West England",
    "description": "Gusts of up to 75 mph are expected near the coast, with large waves over the sea wall.",
    "instruction": "Keep off the seafront. Avoid driving.",
    "severity": "Severe",
    "urgency": "Expected",
    "certainty": "Likely",
    "area": "North West England",
}


class Weather:
    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._alerts: list[dict[str, Any]] = []
        self._fault = ""
        self._asked = {"feed": 0, "not_modified": 0, "alert": 0}

    def routes(self) -> list[Route]:
        return [
            Route("/weather/atom.xml", self._feed, methods=["GET"]),
            Route("/weather/{name}", self._alert, methods=["GET"]),
            Route("/_sandbox/weather", self._show, methods=["GET"]),
            Route("/_sandbox/weather", self._issue, methods=["POST"]),
            Route("/_sandbox/weather", self._forget, methods=["DELETE"]),
            Route("/_sandbox/weather/fault", self._order, methods=["POST"]),
        ]

    async def _show(self, _: Request) -> Response:
        return JSONResponse({"alerts": self._alerts, "fault": self._fault, "asked": self._asked})

    async def _forget(self, _: Request) -> Response:
        self.forget()
        return Response(status_code=204)

    async def _order(self, request: Request) -> Response:
        """{"kind": one of FAULTS}; empty: none."""
        given = await _object(request)
        if given is None or given.get("kind", "") not in FAULTS:
            return JSONResponse({"error": f"kind is one of {', '.join(filter(None, FAULTS))}"}, 400)
        self._fault = str(given.get("kind", ""))
        return Response(status_code=204)

    async def _issue(self, request: Request) -> Response:
        """A new alert: any of _DEFAULTS, `hours` until it ends, `kind` and, for Update and Cancel, `refers_to` an identifier."""
        given = await _object(request)
        if given is None or not all(isinstance(v, str | int | float) for v in given.values()):
            return JSONResponse({"error": "An alert is a JSON object of texts and numbers."}, 400)
        before = next((a for a in self._alerts if a["identifier"] == given.get("refers_to")), None)
        now = datetime.now(UTC)
        made = {
            **_DEFAULTS,
            "kind": "Alert",
            "status": "Actual",
            **{key: str(value) for key, value in given.items() if key not in {"hours", "refers_to"}},
            "identifier": f"sandbox.{len(self._alerts) + 1}.{now:%Y%m%d%H%M%S}",
            "sent": as_written(now),
            "expires": as_written(now + timedelta(hours=float(given.get("hours", 12)))),
            "references": f"{SENDER},{before['identifier']},{before['sent']}" if before else "",
        }
        self._alerts.append(made)
        return JSONResponse(made, 201)

    async def _feed(self, request: Request) -> Response:
        self._asked["feed"] += 1
        if self._fault and self._fault != "links_broken":
            return await self._failing()
        body = self._atom(str(request.base_url))
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == etag:
            self._asked["not_modified"] += 1
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, media_type="application/atom+xml", headers={"ETag": etag})

    async def _alert(self, request: Request) -> Response:
        self._asked["alert"] += 1
        wanted = request.path_params["name"].removesuffix(".cap.xml")
        found = next((each for each in self._alerts if each["identifier"] == wanted), None)
        if found is None or self._fault == "links_broken":
            return Response("not here", 404)
        return Response(_cap(found), media_type=MEDIA_TYPE)

    async def _failing(self) -> Response:
        if self._fault == "slow":
            await asyncio.sleep(SLOW_S)
        bodies = {
            "broken": b"<?xml version='1.0'?><feed><entry><title>half",
            "huge": b"<feed>" + b" " * HUGE_BYTES + b"</feed>",
            "entities": BOMB,
            "html": b"<html><body>Our site is being mended.</body></html>",
        }
        status = 500 if self._fault == "500" else 200
        return Response(bodies.get(self._fault, b""), status, media_type="application/atom+xml")

    def _atom(self, base: str) -> bytes:
        feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]  # None is the stubs' gap
        newest = self._alerts[-1]["sent"] if self._alerts else "1970-01-01T00:00:00-00:00"
        for name, text in (
            ("id", f"{base}weather/atom.xml"),
            ("title", "Weather warnings"),
            ("updated", newest),
        ):
            etree.SubElement(feed, f"{{{ATOM}}}{name}").text = text
        for alert in reversed(self._alerts):
            entry = etree.SubElement(feed, f"{{{ATOM}}}entry")
            told = (("id", alert["identifier"]), ("title", alert["headline"]), ("updated", alert["sent"]))
            for name, text in told:
                etree.SubElement(entry, f"{{{ATOM}}}{name}").text = text
            href = f"{base}weather/{alert['identifier']}.cap.xml"
            etree.SubElement(entry, f"{{{ATOM}}}link", type=MEDIA_TYPE, href=href)
        return etree.tostring(feed, xml_declaration=True, encoding="utf-8")


def _cap(alert: dict[str, Any]) -> bytes:
    root = etree.Element(f"{{{CAP}}}alert", nsmap={None: CAP})  # type: ignore[dict-item]
    head = (
        ("identifier", alert["identifier"]),
        ("sender", SENDER),
        ("sent", alert["sent"]),
        ("status", alert["status"]),
        ("msgType", alert["kind"]),
        ("scope", "Public"),
        ("references", alert["references"]),
    )
    info = etree.Element(f"{{{CAP}}}info")
    body = (
        ("language", "en-GB"),
        ("category", "Met"),
        *((name, alert[name]) for name in ("event", "urgency", "severity", "certainty", "expires")),
        ("senderName", "The sandbox's weather service"),
        *((name, alert[name]) for name in ("headline", "description", "instruction")),
    )
    for parent, pairs in ((root, head), (info, body)):
        for name, text in pairs:
            if text:
                etree.SubElement(parent, f"{{{CAP}}}{name}").text = text
    area = etree.SubElement(info, f"{{{CAP}}}area")
    etree.SubElement(area, f"{{{CAP}}}areaDesc").text = alert["area"]
    root.append(info)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


async def _object(request: Request) -> dict[str, Any] | None:
    try:
        given = await request.json()
    except ValueError:
        return None
    return given if isinstance(given, dict) else None
