"""The whole sandbox as one ASGI application: the parts, wired, and the front door that tells platforms apart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette

from channels.sandbox import STAND_INS, stand_in_class
from channels.sandbox.accounts import sandbox_accounts
from channels.sandbox.control import Control
from channels.sandbox.exchange import Exchange, Receive, Remembers, Scope, Send, StandIn
from channels.sandbox.facebook import Facebook
from channels.sandbox.faults import Faults
from channels.sandbox.kannel import Kannel
from channels.sandbox.ledger import Ledger
from channels.sandbox.media import MediaStore
from channels.sandbox.notify import Notify
from channels.sandbox.paging import PagingRooms
from channels.sandbox.receipts import Receipts
from channels.sandbox.settings import Settings
from channels.sandbox.sinch import PATHS as SINCH_PATHS
from channels.sandbox.sinch import Sinch
from channels.sandbox.smpp import SmppCentre
from channels.sandbox.staff import Staff
from channels.sandbox.twilio import Twilio
from channels.sandbox.wall import Wall
from channels.sandbox.weather import Weather
from channels.sandbox.x import X


class Sandbox:
    """Paths tell the platforms apart as their hosts would: /cgi-bin Kannel, /2 X, /v2 Notify, /2010-04-01 Twilio,
    /xms Sinch, those in STAND_INS what they say, /weather the weather service, the rest Graph; / is the wall. The SMPP centre has a port of its own."""

    def __init__(
        self, data_dir: Path, site_url: str = "", *, smpp_port: int = 0, exercise: bool = False
    ) -> None:
        accounts = sandbox_accounts(data_dir)
        settings, faults, media = Settings(), Faults(), MediaStore()
        self._ledger = Ledger(data_dir / "ledger.db")
        self._receipts = Receipts(settings)
        facebook = Facebook(accounts["facebook"], media, settings)
        x = X(accounts["x"], settings, media)
        kannel = Kannel(accounts["sms"], self._receipts)
        notify = Notify(accounts["notify"], settings, self._receipts)
        twilio = Twilio(accounts["twilio"], self._receipts, settings)
        sinch = Sinch(accounts["sinch"], self._receipts)
        further: list[StandIn] = [stand_in_class(name)(accounts[name]) for name in STAND_INS]
        self._centre = SmppCentre(accounts["smpp"], self._ledger, faults, settings, port=smpp_port)
        platforms: tuple[Remembers, ...] = (
            facebook,
            x,
            kannel,
            notify,
            twilio,
            sinch,
            self._centre,
            *further,
        )
        for platform in platforms:
            platform.restore(self._ledger.entries(platform.name))
        self._wall = Wall(facebook, x, self._ledger, site_url, exercise=exercise)
        self._control = Control(
            accounts=accounts,
            ledger=self._ledger,
            faults=faults,
            settings=settings,
            receipts=self._receipts,
            platforms=platforms,
            centre=self._centre,
        )
        self._pages = Starlette(
            routes=[
                *self._control.routes(),
                *media.routes(),
                *self._wall.routes(),
                *Staff(data_dir).routes(),
                *PagingRooms().routes(),
                *Weather().routes(),
            ],
            lifespan=self._lifespan,
        )
        self._facebook = Exchange(facebook, self._ledger, faults)
        self._by_prefix = {
            "/cgi-bin/": Exchange(kannel, self._ledger, faults),
            "/2/": Exchange(x, self._ledger, faults),
            "/v2/": Exchange(notify, self._ledger, faults),
            "/2010-04-01/": Exchange(twilio, self._ledger, faults),
            SINCH_PATHS: Exchange(sinch, self._ledger, faults),
            **{each.paths: Exchange(each, self._ledger, faults) for each in further},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "/")
        place = next((p for prefix, p in self._by_prefix.items() if path.startswith(prefix)), None)
        if scope["type"] == "http" and place:
            await place(scope, receive, send)
        elif scope["type"] != "http" or path == "/" or path.startswith(("/_sandbox/", "/weather/")):
            await self._pages(scope, receive, send)
        else:
            await self._facebook(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        await self._receipts.start()
        await self._wall.start()
        await self._centre.start()
        writer = asyncio.create_task(self._ledger.keep_writing())
        try:
            yield
        finally:
            await self._centre.stop()
            await self._receipts.stop()
            await self._wall.stop()
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            self._ledger.close()
