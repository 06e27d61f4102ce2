"""Market data as it happens: one method per kind of stream, over as many connections as the streams need.

Source: Binance Spot documentation, "WebSocket Streams".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, TypeVar, Unpack, overload

from cryptotrader.base_operations import (
    ApiConnection,
    ConnectionState,
    Environment,
    StreamConnection,
    api_connection,
    stream_connection,
)
from cryptotrader.config import Backoff, Endpoint, Timeouts, get_logger
from cryptotrader.errors import ConnectFailed, GapUnfilled, RequestInvalid, RequestRejected
from cryptotrader.live_book import LiveOrderBook
from cryptotrader.models.base_models import KlineInterval, Model
from cryptotrader.models.control_models import Gap, Reconnected, ServerShutdown
from cryptotrader.models.market_models import (
    AggregateTradeEvent,
    AveragePriceEvent,
    BlockTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    MiniTickerEvent,
    OrderBookSnapshot,
    PartialDepthEvent,
    ReferencePriceEvent,
    TickerEvent,
    Trade,
    TradeEvent,
    WindowTickerEvent,
)
from cryptotrader.protocol import channel
from cryptotrader.protocol.channel import Channel, find_channel
from cryptotrader.protocol.stream_session import StreamCounters
from cryptotrader.requests import DepthRequest, TradesHistoricalRequest
from cryptotrader.subscription import DEFAULT_BUFFER, CallbackSubscription, Subscription
from cryptotrader.trade_healing import TradeHealer

logger = get_logger(__name__)
E = TypeVar("E", bound=Model)
Control = Reconnected | ServerShutdown
Consumer = Callable[[Any, int], None]
PayloadConsumer = Callable[[bytes, int], None]


class Options(TypedDict, total=False):
    """What every kind of stream accepts; see ``MarketStream.subscribe``."""

    callback: Consumer | None
    control: bool
    buffer: int
    on_payload: PayloadConsumer | None
    on_control: Callable[[Control], None] | None
    on_connect: Callable[[tuple[str, ...]], None] | None
    on_error: Callable[[Exception], None] | None


@dataclass(eq=False)
class _Entry:
    """A subscription and what it wants besides its events."""

    subscription: Subscription[Any]
    consumer: Consumer | None
    on_payload: PayloadConsumer | None = None
    on_control: Callable[[Control], None] | None = None
    on_connect: Callable[[tuple[str, ...]], None] | None = None
    healer: TradeHealer | None = None


@dataclass(eq=False)
class _Link:
    """A connection and the subscriptions of its streams."""

    connection: StreamConnection = field(init=False)
    entries: dict[str, list[_Entry]] = field(default_factory=dict)
    unconfirmed: set[str] = field(default_factory=set)
    lost: tuple[int, str] | None = None


class MarketStream:
    """The market streams of one endpoint. Needs a running event loop.

    Streams are spread over connections of up to 1024 streams each; connections are opened when needed, kept up, and
    closed when their last stream is gone.

    Args:
        endpoint: Where to connect.
        backoff: Delays between connection attempts.
        timeouts: Deadlines.
        api: For past trades and order book snapshots; by default a connection of its own, opened when needed.
        environment: Dialer, budgets, randomness and clock.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        backoff: Backoff | None = None,
        timeouts: Timeouts | None = None,
        api: ApiConnection | None = None,
        environment: Environment | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._options: dict[str, Any] = {"backoff": backoff, "timeouts": timeouts, "environment": environment}
        self._clock_ns = (environment or Environment()).clock_ns
        self._own_api = api is None
        self._api = api or api_connection(endpoint, timeouts=timeouts, environment=environment)
        self._links: list[_Link] = []
        self._places: dict[str, _Link] = {}
        self._entries: dict[Subscription[Any], _Entry] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._is_shut = False
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # ------------------------------------------------------------------------------------------------ any stream

    def subscribe(
        self,
        *streams: str,
        callback: Consumer | None = None,
        control: bool = False,
        buffer: int = DEFAULT_BUFFER,
        on_payload: PayloadConsumer | None = None,
        on_control: Callable[[Control], None] | None = None,
        on_connect: Callable[[tuple[str, ...]], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
    ) -> Subscription[Any]:
        """Subscribe to streams by name, such as ``btcusdt@kline_1m``. May be called from inside a callback.

        Args:
            streams: Stream names; the symbol's case does not matter.
            callback: Called with each event and its receive time in nanoseconds, in the event loop; must not block.
                Without it, iterate the result.
            control: Let ``Reconnected`` and ``ServerShutdown`` appear among the events.
            buffer: Events that an iterating consumer may be behind.
            on_payload: Called with each frame as received, before it is decoded.
            on_control: Called with ``Reconnected`` and ``ServerShutdown``.
            on_connect: Called with the streams of a connection each time all of them are confirmed.
            on_error: For callbacks: told of errors, which are logged otherwise.

        Raises:
            RequestInvalid: A name is no market stream, or none was given.
            ConnectFailed: The market stream was closed.
        """
        names = tuple(dict.fromkeys(find_channel(stream)[1] for stream in streams))
        if not names:
            raise RequestInvalid("give at least one stream", method="SUBSCRIBE")
        subscription = self._make_subscription(names, callback, on_error, buffer)
        deliver = callback or subscription.put
        wants_events = callback is not None or on_payload is None
        entry = _Entry(subscription, deliver if wants_events else None, on_payload, on_control, on_connect)
        if control:
            entry.on_control = lambda event: deliver(event, self._clock_ns())
        return self._attach(entry)

    def _make_subscription(
        self,
        names: tuple[str, ...],
        callback: Consumer | None,
        on_error: Callable[[Exception], None] | None,
        buffer: int,
    ) -> Subscription[Any]:
        if callback is not None:
            return CallbackSubscription(names, clock_ns=self._clock_ns, on_error=on_error, on_close=self._detach)
        return Subscription(names, clock_ns=self._clock_ns, buffer=buffer, on_close=self._detach)

    def _of_kind(
        self, kind: Channel[E], symbols: tuple[str, ...], options: Options, **values: str | int
    ) -> Subscription[Any]:
        if not symbols:
            raise RequestInvalid("give at least one symbol", method="SUBSCRIBE")
        return self.subscribe(*(kind.stream(symbol, **values) for symbol in symbols), **options)

    # ------------------------------------------------------------------------------------------------ kinds of streams

    @overload
    def trades(
        self,
        *symbols: str,
        control: Literal[False] = False,
        heal: bool = True,
        callback: Consumer | None = None,
        buffer: int = DEFAULT_BUFFER,
        on_error: Callable[[Exception], None] | None = None,
    ) -> Subscription[TradeEvent]: ...
    @overload
    def trades(
        self,
        *symbols: str,
        control: Literal[True],
        heal: bool = True,
        callback: Consumer | None = None,
        buffer: int = DEFAULT_BUFFER,
        on_error: Callable[[Exception], None] | None = None,
    ) -> Subscription[TradeEvent | Gap | Reconnected | ServerShutdown]: ...
    def trades(
        self,
        *symbols: str,
        control: bool = False,
        heal: bool = True,
        callback: Consumer | None = None,
        buffer: int = DEFAULT_BUFFER,
        on_error: Callable[[Exception], None] | None = None,
    ) -> Subscription[Any]:
        """Trades, dense by id: what is lost on the way is fetched with ``trades.historical`` and put in its place.

        Args:
            symbols: One or more symbols.
            control: Let ``Gap``, ``Reconnected`` and ``ServerShutdown`` appear among the trades, in order. Without it a
                hole that cannot be filled raises ``GapUnfilled``, after which iteration may go on.
            heal: Fill holes; without it trades come as they are received.
            callback: As in ``subscribe``.
            buffer: As in ``subscribe``.
            on_error: As in ``subscribe``.
        """
        if not heal:
            options = Options(callback=callback, control=control, buffer=buffer, on_error=on_error)
            return self._of_kind(channel.TRADE, symbols, options)
        names = tuple(dict.fromkeys(channel.TRADE.stream(symbol) for symbol in symbols))
        if not names:
            raise RequestInvalid("give at least one symbol", method="SUBSCRIBE")
        subscription = self._make_subscription(names, callback, on_error, buffer)
        deliver = callback or subscription.put

        def on_gap(gap: Gap, received_ns: int) -> None:
            if control:
                deliver(gap, received_ns)
            else:
                subscription.fail(GapUnfilled(gap.symbol, gap.first, gap.last, gap.why))

        healer = TradeHealer(self._past_trades, deliver=deliver, on_gap=on_gap, hold=buffer)
        entry = _Entry(subscription, healer.put, healer=healer)
        if control:
            entry.on_control = lambda event: deliver(event, self._clock_ns())
        return self._attach(entry)

    def aggregate_trades(self, *symbols: str, **options: Unpack[Options]) -> Subscription[AggregateTradeEvent]:
        """Trades of one taker order at one price, taken together. Options as in ``subscribe``."""
        return self._of_kind(channel.AGGREGATE_TRADE, symbols, options)

    def block_trades(self, *symbols: str, **options: Unpack[Options]) -> Subscription[BlockTradeEvent]:
        """Block trades. Options as in ``subscribe``."""
        return self._of_kind(channel.BLOCK_TRADE, symbols, options)

    def klines(
        self, interval: KlineInterval | str, *symbols: str, utc_plus_8: bool = False, **options: Unpack[Options]
    ) -> Subscription[KlineEvent]:
        """The current candle, every one or two seconds; with ``utc_plus_8`` its borders follow UTC+8."""
        kind = channel.KLINE_TIME_ZONE if utc_plus_8 else channel.KLINE
        return self._of_kind(kind, symbols, options, interval=interval)

    def mini_tickers(self, *symbols: str, **options: Unpack[Options]) -> Subscription[MiniTickerEvent]:
        """Prices and volumes of the last 24 hours, every second; without symbols, of all that changed."""
        if not symbols:
            return self.subscribe(channel.ALL_MINI_TICKERS.stream(), **options)
        return self._of_kind(channel.MINI_TICKER, symbols, options)

    def tickers(self, *symbols: str, **options: Unpack[Options]) -> Subscription[TickerEvent]:
        """Full statistics of the last 24 hours, every second. Options as in ``subscribe``."""
        return self._of_kind(channel.TICKER, symbols, options)

    def window_tickers(
        self, window: Literal["1h", "4h", "1d"], *symbols: str, **options: Unpack[Options]
    ) -> Subscription[WindowTickerEvent]:
        """Statistics of a rolling window, every second; without symbols, of all that changed."""
        if not symbols:
            return self.subscribe(channel.ALL_WINDOW_TICKERS.stream(window=window), **options)
        return self._of_kind(channel.WINDOW_TICKER, symbols, options, window=window)

    def book_tickers(self, *symbols: str, **options: Unpack[Options]) -> Subscription[BookTickerEvent]:
        """The best bid and ask, at each change. Options as in ``subscribe``."""
        return self._of_kind(channel.BOOK_TICKER, symbols, options)

    def average_prices(self, *symbols: str, **options: Unpack[Options]) -> Subscription[AveragePriceEvent]:
        """The average price of the last minutes, every second. Options as in ``subscribe``."""
        return self._of_kind(channel.AVERAGE_PRICE, symbols, options)

    def reference_prices(self, *symbols: str, **options: Unpack[Options]) -> Subscription[ReferencePriceEvent]:
        """The reference price, every second. Options as in ``subscribe``."""
        return self._of_kind(channel.REFERENCE_PRICE, symbols, options)

    def partial_depth(
        self, levels: Literal[5, 10, 20], *symbols: str, every_100ms: bool = True, **options: Unpack[Options]
    ) -> Subscription[PartialDepthEvent]:
        """The best levels of the order book. The events carry no symbol: subscribe one symbol at a time."""
        kind = channel.PARTIAL_DEPTH_100MS if every_100ms else channel.PARTIAL_DEPTH
        return self._of_kind(kind, symbols, options, levels=levels)

    def depth(
        self, *symbols: str, every_100ms: bool = True, **options: Unpack[Options]
    ) -> Subscription[DepthUpdateEvent]:
        """Changes of the order book. ``order_book`` keeps a book from them."""
        return self._of_kind(channel.DEPTH_100MS if every_100ms else channel.DEPTH, symbols, options)

    async def order_book(self, symbol: str, *, limit: int = 1000) -> LiveOrderBook:
        """An order book that is kept current; returns once it is in step with the exchange.

        Args:
            symbol: Which one.
            limit: Levels of each side to start from (weight 50 up to 1000, 250 up to 5000).

        Raises:
            ConnectFailed: No connection.
            RequestRejected: No such symbol.
        """

        async def snapshot() -> OrderBookSnapshot:
            return await self._api.call(DepthRequest(symbol=symbol.upper(), limit=limit))

        book = LiveOrderBook(symbol, snapshot)
        book.follow(self.depth(symbol, callback=book.on_event, on_control=book.on_control, on_error=book.on_error))
        try:
            await book.wait_synchronised()
        except BaseException:
            await book.close()
            raise
        return book

    @property
    def states(self) -> tuple[ConnectionState, ...]:
        """The state of each connection, in the order they were opened."""
        return tuple(link.connection.state for link in self._links)

    @property
    def counters(self) -> StreamCounters:
        """What the present connections received besides known events."""
        total = StreamCounters()
        for link in self._links:
            total.add(link.connection.session.counters)
        return total

    # ------------------------------------------------------------------------------------------------ life

    async def wait_closed(self) -> None:
        """Wait until ``close()``.

        Raises:
            ConnectFailed: A connection was given up after its last attempt.
        """
        await asyncio.shield(self._ended)

    def shut(self) -> None:
        """From now on nothing is subscribed, for good; ``close()`` follows."""
        self._is_shut = True

    async def close(self) -> None:
        """Close all connections, in under a second; iterations end. It is final."""
        self.shut()
        entries, self._entries = list(self._entries.values()), {}
        links, self._links = self._links, []
        self._places.clear()
        for entry in entries:
            entry.subscription.close()
            if entry.healer is not None:
                entry.healer.close()
        connections = [link.connection for link in links] + ([self._api] if self._own_api else [])
        try:
            await asyncio.gather(*(connection.close() for connection in connections), *self._closing)
            await asyncio.gather(*(entry.healer.wait_closed() for entry in entries if entry.healer is not None))
        finally:
            if not self._ended.done():
                self._ended.set_result(None)

    async def _past_trades(self, symbol: str, first: int, count: int) -> list[Trade]:
        return await self._api.call(TradesHistoricalRequest(symbol=symbol, from_id=first, limit=count))

    # ------------------------------------------------------------------------------------------------ connections

    def _attach(self, entry: _Entry) -> Subscription[Any]:
        if self._is_shut:
            raise ConnectFailed("the market stream was closed by its owner")
        touched = set[_Link]()
        self._entries[entry.subscription] = entry
        if self._ended.done():
            self._ended = asyncio.get_running_loop().create_future()
        for stream in entry.subscription.streams:
            link = self._places.get(stream) or self._link_with_room()
            link.connection.session.add(stream, entry.consumer, entry.on_payload)
            self._places[stream] = link
            link.entries.setdefault(stream, []).append(entry)
            touched.add(link)
        for link in touched:
            streams = set(entry.subscription.streams) & link.connection.session.confirmed
            entry.subscription.mark_confirmed(streams)
            link.unconfirmed |= {stream for stream in entry.subscription.streams if stream in link.entries} - streams
            link.connection.open()
            link.connection.work()
        return entry.subscription

    def _detach(self, subscription: Subscription[Any]) -> None:
        entry = self._entries.pop(subscription, None)
        if entry is None:
            return
        if entry.healer is not None:
            entry.healer.close()
        for stream in subscription.streams:
            link = self._places.get(stream)
            if link is None:
                continue
            link.entries[stream].remove(entry)
            link.connection.session.discard(stream, entry.consumer, entry.on_payload)
            if not link.entries[stream]:
                self._forget(link, stream)
            link.connection.work()

    def _forget(self, link: _Link, stream: str) -> None:
        """A stream has no subscription left; a connection without streams is closed."""
        del link.entries[stream], self._places[stream]
        link.unconfirmed.discard(stream)
        if not link.entries and link in self._links:
            self._links.remove(link)
            task = asyncio.get_running_loop().create_task(link.connection.close(), name="close an empty connection")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _link_with_room(self) -> _Link:
        for link in self._links:
            if link.connection.session.room:
                return link
        link = _Link()
        link.connection = stream_connection(
            self._endpoint,
            on_shutdown=lambda event: self._on_control(link, event),
            on_confirmed=lambda streams: self._on_confirmed(link, streams),
            on_problem=lambda stream, error: self._on_problem(link, stream, error),
            on_lost=lambda reason: self._on_lost(link, reason),
            on_failed=lambda error: self._on_failed(link, error),
            **self._options,
        )
        self._links.append(link)
        return link

    # ------------------------------------------------------------------------------------------------ what links tell

    def _on_confirmed(self, link: _Link, streams: set[str]) -> None:
        link.unconfirmed -= streams
        for entry in _entries_of(link, streams):
            entry.subscription.mark_confirmed(streams)
        if link.unconfirmed:
            return
        lost, link.lost = link.lost, None
        back_ns = self._clock_ns()
        for entry in _entries_of(link, link.entries):
            own = tuple(stream for stream in entry.subscription.streams if stream in link.entries)
            if lost is not None:
                back = Reconnected(streams=own, lost_ns=lost[0], back_ns=back_ns, reason=lost[1])
                _hand(entry, entry.on_control, back)
            _hand(entry, entry.on_connect, own)

    def _on_lost(self, link: _Link, reason: str) -> None:
        link.unconfirmed = set(link.entries)
        link.lost = link.lost or (self._clock_ns(), reason)
        for entry in _entries_of(link, link.entries):
            entry.subscription.mark_lost(set(entry.subscription.streams) & link.entries.keys())

    def _on_control(self, link: _Link, event: ServerShutdown) -> None:
        for entry in _entries_of(link, link.entries):
            _hand(entry, entry.on_control, event)

    def _on_problem(self, link: _Link, stream: str | None, error: Exception) -> None:
        for entry in _entries_of(link, link.entries if stream is None else {stream}):
            entry.subscription.fail(error)
        if stream is not None and isinstance(error, RequestRejected):
            logger.warning("%s was refused: %s", stream, error)

    def _on_failed(self, link: _Link, error: ConnectFailed) -> None:
        for entry in _entries_of(link, link.entries):
            entry.subscription.fail(error)
        if not self._ended.done():
            self._ended.set_exception(error)
            self._ended.exception()  # told to the subscriptions too: nobody has to wait here


def _hand(entry: _Entry, callback: Callable[[Any], None] | None, content: object) -> None:
    """Call what a consumer gave; its errors are its own."""
    if callback is None:
        return
    try:
        callback(content)
    except Exception as error:  # noqa: BLE001 - told, not swallowed
        entry.subscription.fail(error)


def _entries_of(link: _Link, streams: Any) -> list[_Entry]:
    """The subscriptions of some streams of a link, each once."""
    return list(dict.fromkeys(entry for stream in streams for entry in link.entries.get(stream, ())))
