"""Calls the stub gateway and does nothing else, through the client that the product uses. Prints requests per second.

Arguments: the stub's address, how many requests, how many under way at once, and `many` for the gateway that
takes many recipients in a request, or `aiohttp` for the client that was measured against ours (docs/adr/0009-bulk-client.md).
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from itertools import islice

import aiohttp
import uvloop

from broadcaster.domain.post import Post
from channels.base import Account, Parcel, Secret
from channels.gateways.kannel import Kannel
from channels.sms import Sms

TEXT = "Flood warning for the River Wyre at Garstang. Move to upper floors now. Ref 7F3K2M"
POST = Post(channel="sms", account="sms", title="Flood warning", text=TEXT)


def account(url: str) -> Account:
    options = {
        "base_url": url,
        "username": "alerts",
        "sender": "WyreCouncil",
        "receipt_url": f"{url}/receipts",
    }
    return Account(name="sms", channel="sms", mode="live", options=options, secrets={"password": Secret("x")})


def many_at_once(url: str) -> Account:
    options = {"gateway": "sinch", "base_url": url, "service_plan_id": "plan", "sender": "WyreCouncil"}
    return Account(
        name="sms", channel="sms", mode="live", options=options, secrets={"api_token": Secret("token")}
    )


def parcels(count: int) -> list[Parcel]:
    return [Parcel(key=f"0198f2c0-7b1e-7c3a-9d55-{i:012d}", address=f"+4470{i:08d}") for i in range(count)]


def with_the_product(sender: Account, todo: Sequence[Parcel], under_way: int) -> None:
    left, open_now = iter(todo), 0
    with Sms(sender).sending(POST) as sending:
        done = 0
        while done < len(todo):
            group = list(islice(left, under_way - open_now))
            sending.put(group)
            open_now += len(group)
            answers = sending.take(5)
            done, open_now = done + len(answers), open_now - len(answers)


async def with_aiohttp(url: str, todo: Sequence[Parcel], under_way: int) -> None:
    gateway, room = Kannel(account(url)), asyncio.Semaphore(under_way)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(parcel: Parcel) -> None:
            [request] = gateway.requests(POST, [parcel])
            async with session.post(request.url, data=request.body, headers=request.headers) as response:
                await response.read()
            room.release()

        async with asyncio.TaskGroup() as group:
            for parcel in todo:
                await room.acquire()
                group.create_task(one(parcel))


def main(url: str, count: str, under_way: str, client: str = "product") -> None:
    todo = parcels(int(count))
    began = time.perf_counter()
    if client == "aiohttp":
        uvloop.run(with_aiohttp(url, todo, int(under_way)))
    else:
        with_the_product(many_at_once(url) if client == "many" else account(url), todo, int(under_way))
    print(round(len(todo) / (time.perf_counter() - began)))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
