"""The calls under /_sandbox, for tests and the demo: the ledger, faults, settings and accounts."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from channels.sandbox.accounts import Accounts
from channels.sandbox.exchange import BringsTexts, Remembers
from channels.sandbox.faults import Faults
from channels.sandbox.ledger import Ledger
from channels.sandbox.loopback import is_loopback
from channels.sandbox.receipts import Receipts
from channels.sandbox.settings import Settings
from channels.sandbox.smpp import SmppCentre

ROWS_PER_PAGE = 1000
MOST_ROWS = 100_000
INBOUND = ("platform", "from", "text", "url")
Handler = Callable[[Request], Awaitable[Response]]


class Control:
    def __init__(
        self,
        *,
        accounts: Accounts,
        ledger: Ledger,
        faults: Faults,
        settings: Settings,
        receipts: Receipts,
        platforms: Sequence[Remembers],
        centre: SmppCentre,
    ) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._faults = faults
        self._settings = settings
        self._receipts = receipts
        self._platforms = platforms
        self._centre = centre

    def routes(self) -> list[Route]:
        table: dict[str, dict[str, Handler]] = {
            "/_sandbox/accounts": {"GET": self._show_accounts},
            "/_sandbox/ledger": {"GET": self._show_ledger, "DELETE": self._start_afresh},
            "/_sandbox/ledger/summary": {"GET": self._summary},
            "/_sandbox/faults": {"GET": self._show_faults, "POST": self._order, "DELETE": self._clear_faults},
            "/_sandbox/settings": {"GET": self._show_settings, "POST": self._change},
            "/_sandbox/receipts": {"GET": self._show_receipts},
            "/_sandbox/inbound": {"POST": self._write_to_us},
            "/_sandbox/smpp": {"GET": self._show_centre, "POST": self._write_to_centre},
        }
        return [
            Route(path, _reporting(handler), methods=[method])
            for path, handlers in table.items()
            for method, handler in handlers.items()
        ]

    async def _show_accounts(self, _: Request) -> Response:
        return JSONResponse(self._accounts)

    async def _show_ledger(self, request: Request) -> Response:
        """A JSON list of rows, streamed. Ask again with `after` = the last row's id for more than `limit`."""
        query = request.query_params
        platform, accepted = query.get("platform", ""), query.get("accepted", "")
        if accepted not in ("", "0", "1"):
            raise ValueError("accepted is 0 or 1.")
        if platform and platform not in [p.name for p in self._platforms]:
            raise ValueError(f"platform is one of {', '.join(p.name for p in self._platforms)}.")
        after, limit = int(query.get("after", "0")), int(query.get("limit", str(MOST_ROWS)))
        if not 1 <= limit <= MOST_ROWS:
            raise ValueError(f"limit is a whole number from 1 to {MOST_ROWS}.")
        wanted = None if accepted == "" else accepted == "1"
        return StreamingResponse(
            self._rows(platform, after, limit, accepted=wanted), media_type="application/json"
        )

    async def _rows(
        self, platform: str, after: int, limit: int, *, accepted: bool | None
    ) -> AsyncIterator[str]:
        before = "["
        while limit > 0:
            size = min(limit, ROWS_PER_PAGE)
            rows = await self._ledger.page(platform=platform, accepted=accepted, after=after, limit=size)
            for row in rows:
                yield before + json.dumps(row)
                before = ",\n"
            if len(rows) < size:
                break
            after, limit = rows[-1]["id"], limit - size
        yield "]" if before != "[" else "[]"

    async def _summary(self, _: Request) -> Response:
        await self._ledger.flush()
        return JSONResponse(self._ledger.tally.to_json())

    async def _start_afresh(self, _: Request) -> Response:
        """An empty ledger, platforms without posts or used-up limits, no receipts under way. Faults stay."""
        await self._ledger.clear()
        self._receipts.forget()
        for platform in self._platforms:
            platform.forget()
        return Response(status_code=204)

    async def _show_faults(self, _: Request) -> Response:
        return JSONResponse(self._faults.listing())

    async def _order(self, request: Request) -> Response:
        return JSONResponse(self._faults.order(await _json(request)).to_json(), status_code=201)

    async def _clear_faults(self, _: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def _show_settings(self, _: Request) -> Response:
        return JSONResponse(self._settings.to_json())

    async def _change(self, request: Request) -> Response:
        self._settings.change(await _json(request))
        return JSONResponse(self._settings.to_json())

    async def _write_to_us(self, request: Request) -> Response:
        """{"platform", "from", "text", "url"}: a person writes to us, and the gateway brings it to this address."""
        given = await _json(request)
        if not isinstance(given, dict) or not all(isinstance(given.get(key), str) for key in INBOUND):
            raise ValueError(f"A text to us is a JSON object with the texts {', '.join(INBOUND)}.")
        able = {each.name: each for each in self._platforms if isinstance(each, BringsTexts)}
        if given["platform"] not in able or not is_loopback(given["url"]):
            raise ValueError(f"platform is one of {', '.join(able)}, and url an address on this machine.")
        brought = able[given["platform"]].heard(given["from"], given["text"], given["url"])
        self._receipts.now(brought)
        return Response(status_code=202)

    async def _show_centre(self, _: Request) -> Response:
        """Where the SMPP centre listens, and how many receipts and texts it has brought."""
        return JSONResponse({"port": self._centre.port, **self._centre.counts})

    async def _write_to_centre(self, request: Request) -> Response:
        """{"from", "text"}: a person writes to us, and the SMPP centre brings it to whoever is bound as a receiver."""
        self._centre.hear(await _json(request))
        return Response(status_code=202)

    async def _show_receipts(self, _: Request) -> Response:
        return JSONResponse(self._receipts.counts)


def _reporting(handler: Handler) -> Handler:
    """The handler, with what it finds wrong with a request told as a 400."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return handle


async def _json(request: Request) -> Any:
    return json.loads(await request.body())
