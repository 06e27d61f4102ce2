"""The streaming client of a market-data platform: trades of some symbols, parsed and handed on, come what may."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import structlog

from cryptotrader.base_operations import Environment
from cryptotrader.config import LIVE, Backoff, Endpoint, Timeouts, get_logger
from cryptotrader.errors import ConfigurationError, ConsumerTooSlow
from cryptotrader.ingestion.config import DEFAULT_SYMBOLS, LIVE_STREAM_URL, BinanceConfig
from cryptotrader.market_stream import MarketStream
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.protocol.channel import TRADE

# rendered as structlog is configured, then handed to the library's logger: unconfigured it would print to stdout
logger = structlog.wrap_logger(get_logger(__name__))

MOST_MESSAGES_WAITING = 65_536
"""Messages that a slow ``on_message`` may be behind."""

LONGEST_RECONNECT_DELAY = 60.0

OnMessage = Callable[[dict[str, Any]], Awaitable[None] | None]
OnTrade = Callable[[TradeEvent], None]


class BinanceWebSocketClient:
    """Streams the trades of some symbols to callbacks.

    A callback never holds up the connection: an asynchronous ``on_message`` runs in one task behind a bounded queue, a
    synchronous one on one thread behind it. ``on_trade`` runs in the event loop and must not block.

    Args:
        symbols: Which symbols; BTCUSDT and ETHUSDT by default.
        on_message: Called with each message as parsed JSON, ``{"stream": …, "data": …}``.
        url: The combined stream.
        on_trade: Called with each trade as a typed event.
        config: Instead of ``symbols`` and ``url``; without it the delays of reconnecting come from the environment.
        environment: Dialer, budgets, randomness and clock.

    Raises:
        ConfigurationError: ``config`` is given together with ``symbols`` or another ``url``.
    """

    def __init__(
        self,
        symbols: Sequence[str] | None = None,
        on_message: OnMessage | None = None,
        url: str = LIVE_STREAM_URL,
        *,
        on_trade: OnTrade | None = None,
        config: BinanceConfig | None = None,
        environment: Environment | None = None,
    ) -> None:
        if config is not None and (symbols is not None or url != LIVE_STREAM_URL):
            raise ConfigurationError("give either config or symbols and url")
        chosen = DEFAULT_SYMBOLS if symbols is None else symbols
        self._config = config or BinanceConfig(websocket_url=url, symbols=list(chosen))
        self.symbols = list(self._config.symbols)
        self.on_message = on_message
        self.on_trade = on_trade
        self._environment = environment
        self._market: MarketStream | None = None
        self._closed = asyncio.Event()
        self._closed.set()

    async def connect(self) -> None:
        """Stream until ``disconnect()``; connections that end are replaced.

        Delays between attempts grow from ``reconnect_delay`` by doubling, up to a minute, and start anew with the first
        data.

        Raises:
            ConnectFailed: ``max_reconnect_attempts`` failed in a row.
            ConsumerTooSlow: ``on_message`` is too far behind; messages would be lost.
        """
        if self._market is not None:
            raise ConfigurationError("already connected")
        backoff = Backoff(
            initial=self._config.reconnect_delay,
            maximum=max(LONGEST_RECONNECT_DELAY, self._config.reconnect_delay),
            healthy_after=0.0,
            attempts=self._config.max_reconnect_attempts,
            jitter=False,
        )
        market = self._market = MarketStream(
            _endpoint(self._config.websocket_url), backoff=backoff, timeouts=Timeouts(), environment=self._environment
        )
        self._closed.clear()
        delivery = None if self.on_message is None else _Delivery(self.on_message)
        try:
            market.subscribe(
                *(TRADE.stream(symbol) for symbol in self.symbols),
                callback=self._take_trade if self.on_message is None or self.on_trade is not None else None,
                on_payload=None if delivery is None else delivery.take,
                on_connect=lambda _: logger.info("Connected to Binance WebSocket", symbols=self.symbols),
                on_error=lambda error: logger.warning("binance_stream_error", error=str(error)),
            )
            await _first_to_end(market.wait_closed(), *([] if delivery is None else [delivery.run()]))
        finally:
            self._market = None
            await market.close()
            if delivery is not None:
                delivery.close()
            self._closed.set()

    async def disconnect(self) -> None:
        """End ``connect()``; in any state, in under a second, and as often as you like."""
        if self._market is not None:
            await self._market.close()
        await self._closed.wait()

    def _take_trade(self, event: TradeEvent, received_ns: int) -> None:  # noqa: ARG002 - a Consumer
        if self.on_trade is not None:
            self.on_trade(event)


class _Delivery:
    """Messages on their way to one callback, in order."""

    def __init__(self, on_message: OnMessage) -> None:
        self._on_message = on_message
        self._queue: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue(MOST_MESSAGES_WAITING)
        self._overflow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_async = inspect.iscoroutinefunction(on_message)
        self._thread = None if self._is_async else ThreadPoolExecutor(1, thread_name_prefix="binance on_message")

    def take(self, payload: bytes, received_ns: int) -> None:
        """Queue a message."""
        if not self._queue.full():
            self._queue.put_nowait((payload, received_ns))
        elif not self._overflow.done():
            oldest_ns = self._queue.get_nowait()[1]
            self._overflow.set_exception(ConsumerTooSlow(received_ns - oldest_ns, 1))

    async def run(self) -> None:
        """Hand messages on until cancelled; a callback that raises is logged and gets the next one."""
        working = asyncio.ensure_future(self._work())
        try:
            await asyncio.wait([working, self._overflow], return_when=asyncio.FIRST_COMPLETED)
            for future in (self._overflow, working):
                if future.done():
                    future.result()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            payload, _ = await self._queue.get()
            try:
                await self._hand_on(msgspec.json.decode(payload))
            except Exception:
                logger.exception("binance_on_message_failed")

    async def _hand_on(self, message: dict[str, Any]) -> None:
        if self._thread is None:
            await self._on_message(message)  # type: ignore[misc]  # asynchronous, as the missing thread says
        else:
            result = await asyncio.get_running_loop().run_in_executor(self._thread, self._on_message, message)
            if result is not None and inspect.isawaitable(result):  # a plain callable that returns a coroutine
                await result

    def close(self) -> None:
        """End the thread without waiting for a callback that hangs."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)


def _endpoint(url: str) -> Endpoint:
    return LIVE if url == LIVE_STREAM_URL else Endpoint.from_url(url)


async def _first_to_end(*waits: Awaitable[Any]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
