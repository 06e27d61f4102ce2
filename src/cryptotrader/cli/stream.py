"""``cryptotrader stream``: market streams on the screen."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from typing import Annotated, Any

import typer

from cryptotrader.cli.running import CaOption, EndpointOption, run, show_logs
from cryptotrader.cli.views import event_text
from cryptotrader.config import Backoff, Endpoint, endpoint_named
from cryptotrader.market_stream import MarketStream
from cryptotrader.protocol.channel import find_channel
from cryptotrader.subscription import Subscription
from cryptotrader.symbol_lookup import look_up_symbols


def stream(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Stream names, such as btcusdt@trade.")],
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the frames as received, one a line.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many events.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Stop after this time.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.")] = False,
) -> None:
    """Print market streams as they come.

    Examples:

      cryptotrader stream btcusdt@trade --count 10

      cryptotrader stream btcusdt@kline_1m ethusdt@bookTicker --seconds 30 --json

      cryptotrader stream btcusdt@depth@100ms --endpoint local
    """
    show_logs(verbose=verbose)
    streams = [find_channel(name)[1] for name in names]
    where = endpoint_named(endpoint, ca)
    run(lambda: _stream(streams, where, json=json, count=count, seconds=seconds))


async def _stream(
    streams: list[str], endpoint: Endpoint, *, json: bool, count: int | None, seconds: float | None
) -> int:
    symbols = [name.split("@")[0].upper() for name in streams if not name.startswith("!")]
    if symbols:
        await look_up_symbols(endpoint, list(dict.fromkeys(symbols)))
    market = MarketStream(endpoint, backoff=Backoff(attempts=10))
    try:
        async with asyncio.timeout(seconds):
            if json:
                await _print_frames(market, streams, count)
            else:
                await _print_events(market, streams, count)
    except TimeoutError:
        pass  # the asked time is over
    finally:
        await market.close()
    return 0


async def _print_frames(market: MarketStream, streams: list[str], count: int | None) -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left = [count if count is not None else -1]

    def show(payload: bytes, received_ns: int) -> None:  # noqa: ARG001 - a payload consumer
        if done.done():
            return
        try:
            sys.stdout.write(payload.decode() + "\n")
            sys.stdout.flush()
        except OSError as error:  # whoever read our output has left
            done.set_exception(error)
            return
        left[0] -= 1
        if left[0] == 0:
            done.set_result(None)

    market.subscribe(*streams, on_payload=show)
    waits = [done, asyncio.ensure_future(market.wait_closed())]
    try:
        finished, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in finished:
            task.result()
    finally:
        for task in waits:
            task.cancel()


async def _print_events(market: MarketStream, streams: list[str], count: int | None) -> None:
    subscription: Subscription[Any] = market.subscribe(*streams, control=True)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    shown = 0
    async for event in subscription:
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {event_text(event)}"[:width] + "\n")
        sys.stdout.flush()
        shown += 1
        if shown == count:
            return
