"""Diagnose the base operations: connecting, pings, requests, errors, reconnecting and closing.

Run ``python -m cryptotrader.diagnostics.binance_websocket_diagnostic --help``.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptotrader.base_operations import ConnectionState
from cryptotrader.diagnostics.access import open_api
from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import TEST_SYMBOL, Finding, Outcome, Trial, elapsed, take, until
from cryptotrader.errors import RequestInvalid, RequestRejected
from cryptotrader.market_stream import MarketStream
from cryptotrader.protocol.channel import TRADE
from cryptotrader.requests import DepthRequest, PingRequest, TimeRequest

ROUND_TRIPS = 10
MAX_ROUND_TRIP = 1.0
"""Seconds; a slower median is a failure."""
MAX_OFFSET = 1.0
"""Seconds between the exchange's clock and ours; Binance refuses signed requests from a clock that is further ahead."""
PING_SECONDS = 20.0
"""Source: Binance Spot documentation, "General connection information": the server pings every 20 seconds."""
MAX_CLOSE = 1.0
INVALID_SYMBOL = -1121


@asynccontextmanager
async def _streams(trial: Trial) -> AsyncIterator[MarketStream]:
    """A connection to the market streams, closed at the end."""
    market = MarketStream(trial.endpoint, **trial.options)
    try:
        yield market
    finally:
        await market.close()


async def streams_connect(trial: Trial) -> str:
    """The market streams can be connected to and confirm a stream."""
    async with _streams(trial) as market:
        started = elapsed()
        await market.book_tickers(TEST_SYMBOL).confirmed(trial.timeout)
        require(market.states == (ConnectionState.OPEN,), f"the connection is {market.states}")
        return f"connected in {(elapsed() - started) * 1000:.1f} ms"


async def stream_commands(trial: Trial) -> str:
    """An open connection takes SUBSCRIBE and UNSUBSCRIBE."""
    async with _streams(trial) as market:
        first = market.book_tickers(TEST_SYMBOL)
        await first.confirmed(trial.timeout)
        second = market.subscribe(TRADE.stream(TEST_SYMBOL))
        await second.confirmed(trial.timeout)
        second.close()
        again = market.subscribe(TRADE.stream(TEST_SYMBOL))
        await again.confirmed(trial.timeout)
        await take(first, 1, trial.timeout)
        return f"{second.streams[0]} subscribed, unsubscribed and subscribed again beside {first.streams[0]}"


async def api_connects(trial: Trial) -> str:
    """The WebSocket API can be connected to and answers."""
    async with open_api(trial) as api:
        started = elapsed()
        await api.call(PingRequest(), patience=trial.timeout)
        return f"connected and answered in {(elapsed() - started) * 1000:.1f} ms"


async def server_pings(trial: Trial) -> str | Finding:
    """The server pings both connections, and is answered with the same payload."""
    async with open_api(trial) as api, _streams(trial) as market:
        await api.call(PingRequest(), patience=trial.timeout)
        await market.book_tickers(TEST_SYMBOL).confirmed(trial.timeout)
        sockets = trial.sockets.opened
        try:
            await until(lambda: all(socket.pongs for socket in sockets), trial.timeout, "ping of both connections")
        except AssertionError:
            if trial.timeout > PING_SECONDS:
                raise
            return Finding(Outcome.QUIET, f"--timeout is shorter than the {PING_SECONDS:g} s between two pings")
        for socket in sockets:
            require(set(socket.pongs) <= set(socket.pings), "a pong differs from its ping")
        return f"{sum(len(socket.pongs) for socket in sockets)} pings answered on two connections"


async def round_trip(trial: Trial) -> str:
    """Requests are answered without delay."""
    async with open_api(trial) as api:
        await api.call(PingRequest(), patience=trial.timeout)
        taken: list[float] = []
        for _ in range(ROUND_TRIPS):
            started = elapsed()
            await api.call(PingRequest(), patience=trial.timeout)
            taken.append(elapsed() - started)
    median, worst = statistics.median(taken), max(taken)
    shown = f"median {median * 1000:.2f} ms, worst {worst * 1000:.2f} ms of {ROUND_TRIPS}"
    require(median <= MAX_ROUND_TRIP, f"slow: {shown}")
    return shown


async def requests_in_flight(trial: Trial) -> str:
    """Many requests may be on their way at once, and each gets its own answer."""
    async with open_api(trial) as api:
        asked = [TimeRequest() if number % 2 else PingRequest() for number in range(2 * ROUND_TRIPS)]
        answers = await asyncio.gather(*(api.call(request, patience=trial.timeout) for request in asked))
        for request, answer in zip(asked, answers, strict=True):
            require(hasattr(answer, "server_time") is isinstance(request, TimeRequest), "an answer was mixed up")
        return f"{len(answers)} answers on one connection"


async def clock(trial: Trial) -> str:
    """Our clock and the exchange's agree."""
    async with open_api(trial) as api:
        await api.call(PingRequest(), patience=trial.timeout)
        before = trial.environment.clock_ns() / 1e9
        answer = await api.call(TimeRequest(), patience=trial.timeout)
        after = trial.environment.clock_ns() / 1e9
    offset = answer.server_time / 1000 - (before + after) / 2
    uncertainty = (after - before) / 2
    shown = f"the exchange is {offset * 1000:+.1f} ms ahead, known to {uncertainty * 1000:.1f} ms"
    require(abs(offset) <= MAX_OFFSET + uncertainty, f"set this machine's clock: {shown}")
    return shown


async def request_errors(trial: Trial) -> str:
    """What is refused comes as a typed error: by the library before sending, and by the exchange."""
    async with open_api(trial) as api:
        try:
            await api.call(DepthRequest(symbol=TEST_SYMBOL, limit=0), patience=trial.timeout)
        except RequestInvalid:
            require(not trial.sockets.opened, "an invalid request opened a connection")
        else:
            raise AssertionError("an invalid request was not refused")
        try:
            await api.call(DepthRequest(symbol="NOSUCHSYMBOL"), patience=trial.timeout)
        except RequestRejected as error:
            if error.code != INVALID_SYMBOL:
                raise
            return f"code {error.code}: {error.message}"
        raise AssertionError("an unknown symbol was not refused")


async def reconnect(trial: Trial) -> str:
    """Connections that break are opened again, and their streams are subscribed again."""
    async with open_api(trial) as api, _streams(trial) as market:
        events = market.book_tickers(TEST_SYMBOL)
        await events.confirmed(trial.timeout)
        await api.call(PingRequest(), patience=trial.timeout)
        before = len(trial.sockets.opened)
        started = elapsed()
        trial.sockets.drop()
        await until(lambda: len(trial.sockets.opened) >= before + 2, trial.timeout, "second connection of both kinds")
        await api.call(PingRequest(), patience=trial.timeout)
        await events.confirmed(trial.timeout)
        seconds = elapsed() - started
        await take(events, 1, trial.timeout)
        return f"both connections were back after {seconds:.2f} s"


async def close(trial: Trial) -> str:
    """Closing takes less than a second and leaves nothing behind."""
    async with open_api(trial) as api, _streams(trial) as market:
        await market.book_tickers(TEST_SYMBOL).confirmed(trial.timeout)
        await api.call(PingRequest(), patience=trial.timeout)
        opened = trial.sockets.open
        started = elapsed()
        await market.close()
        await api.close()
        seconds = elapsed() - started
    require(seconds < MAX_CLOSE, f"closing took {seconds:.2f} s")
    return f"{opened} sockets closed in {seconds * 1000:.1f} ms"


SCRIPT = Script(
    feature="Binance WebSocket base operations",
    tests={
        "streams_connect": streams_connect,
        "stream_commands": stream_commands,
        "api_connects": api_connects,
        "round_trip": round_trip,
        "requests_in_flight": requests_in_flight,
        "clock": clock,
        "request_errors": request_errors,
        "reconnect": reconnect,
        "close": close,
        "server_pings": server_pings,
    },
)

if __name__ == "__main__":
    sys.exit(run_script(SCRIPT))
