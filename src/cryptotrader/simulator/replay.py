"""A recording as an exchange: its streams byte for byte, in their own pace or faster, and requests answered from it.

Recorded trades and books fill the venue's markets, so that requests, and streams that were not recorded, are answered
by the same code as those of a simulated market.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from math import inf
from pathlib import Path
from typing import Any, ClassVar

from cryptotrader.errors import ConfigurationError, DecodeFailed
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.market_models import KlineEvent, OrderBookSnapshot, WindowTickerEvent
from cryptotrader.protocol.channel import CHANNELS, KLINE_TIME_ZONE
from cryptotrader.protocol.frame_kinds import DecodedFrame, FrameDecoder
from cryptotrader.recording import RecordedFrame, RecordingReader
from cryptotrader.simulator.feeds import Feed, Feeds, LiveFeed
from cryptotrader.simulator.recorded_market import RecordedMarket
from cryptotrader.simulator.venue import Exchange

PayloadListener = Callable[[bytes], None]

_IDLE_US = 1_000_000
_COMBINED = b'{"stream":"'


class RecordedExchange(Exchange):
    """Markets that act as they were recorded.

    Args:
        path: A recording, or lines of frames with their receive time.

    Attributes:
        start_us: Time of the exchange's clock at the first frame, in microseconds.
        payload_listeners: Told the content of each recorded frame, by stream; has a list for each recorded stream.
        is_over: Whether the last frame was played.
        undecodable: Frames that could not be decoded.

    Raises:
        ConfigurationError: The file cannot be read, has no receive times, or holds no market.
        UnknownSymbol: A name does not end in a known quote asset.
    """

    has_accounts: ClassVar[bool] = False

    def __init__(self, path: Path) -> None:
        outline = _Outline()
        outline.read(path)
        self.start_us = outline.start_us
        super().__init__(outline.symbols, rate=0, start_us=self.start_us)
        self.markets = {
            symbol: RecordedMarket(
                symbol,
                outline.snapshots.get(symbol),
                has_aggregates=f"{symbol.lower()}@aggTrade" in outline.streams,
            )
            for symbol in outline.symbols
        }
        self.payload_listeners: dict[str, list[PayloadListener]] = {stream: [] for stream in outline.streams}
        self.is_over = False
        self.undecodable = 0
        self._decoder = FrameDecoder()
        self._clock_offset_us = outline.clock_offset_us or 0
        self._only_symbol = outline.symbols[0] if len(outline.symbols) == 1 else None
        self._path = path
        self._frames: Generator[RecordedFrame, None, None] | None = None
        self._next: RecordedFrame | None = None

    def listen(self) -> None:
        """Open the recording."""
        super().listen()
        self._frames = _frames(self._path)
        self.next_us = self.start_us
        self._read(self._frames)

    def close(self) -> None:
        """Close the recording."""
        if self._frames is not None:
            self._frames.close()

    def advance(self, now_us: int) -> None:
        """Play what was recorded until ``now_us``."""
        while self._next is not None and self._frames is not None and self.next_us <= now_us:
            self.now_us = max(self.now_us, int(self.next_us))
            self._play(self._next)
            self._read(self._frames)
        self.now_us = max(self.now_us, now_us)

    def _read(self, frames: Generator[RecordedFrame, None, None]) -> None:
        self._next = next(frames, None)
        if self._next is None:
            self.is_over = True
            self.next_us = inf
        else:
            self.next_us = max(self.next_us, self._next.received_ns // 1000 + self._clock_offset_us)

    def _play(self, frame: RecordedFrame) -> None:
        if frame.sent:
            self._decoder.note_sent(frame.payload, frame.connection)
            return
        try:
            decoded = self._decoder.decode(frame.payload, frame.connection)
        except DecodeFailed:
            self.undecodable += 1
            return
        for message in decoded.messages:
            market = self.markets.get(getattr(message, "symbol", None) or decoded.symbol or self._only_symbol or "")
            if isinstance(market, RecordedMarket):
                market.take(message)
        for stream in _streams_of(decoded):
            for tell in tuple(self.payload_listeners.get(stream, ())):
                tell(bytes(decoded.content))


class ReplayFeeds(Feeds):
    """The streams of a recording: those recorded as they are, others from the markets that the recording fills.

    The recording begins with the first subscription.

    Args:
        exchange: The recording.
        speed: How many times as fast as recorded.
    """

    def __init__(self, exchange: RecordedExchange, speed: float) -> None:
        super().__init__(exchange)
        self._recorded = exchange
        self._speed = speed
        self._wanted = False
        self._zero_us: int | None = None

    def subscribe(self, stream: str, *arguments: Any) -> None:
        """Send a stream's payloads to a listener."""
        super().subscribe(stream, *arguments)
        self._wanted = True

    def tick(self, now_us: int) -> int:
        """Let time pass until ``now_us``, by the clock of this machine; returns when to be ticked again."""
        if self._zero_us is None:
            if not self._wanted:
                return now_us + _IDLE_US
            self._zero_us = now_us
        start_us = self._recorded.start_us
        next_us = super().tick(start_us + int((now_us - self._zero_us) * self._speed))
        return self._zero_us + int((next_us - start_us) / self._speed)

    def _make(self, stream: str) -> Feed | None:
        listeners = self._recorded.payload_listeners.get(stream)
        if listeners is None:
            return super()._make(stream)
        return LiveFeed(stream, listeners, lambda feed: lambda payload: feed.send(lambda _: payload))


# --------------------------------------------------------------------------------------------- what a file holds


def _frames(path: Path) -> Generator[RecordedFrame, None, None]:
    with RecordingReader(path) as reader:
        yield from reader


class _Outline:
    """What is needed of a recording before it is played; decodes as little of it as possible.

    Attributes:
        start_us: The exchange's time at the first frame.
        clock_offset_us: How far the exchange's clock ran ahead of the recorder's.
        streams: Names of the recorded streams.
        snapshots: The first order book of each symbol.
    """

    def __init__(self) -> None:
        self._decoder = FrameDecoder()
        self._names: set[bytes] = set()
        self._unnamed: OrderBookSnapshot | None = None
        self._first_ns = 0
        self.start_us = 0
        self.clock_offset_us: int | None = None
        self.streams: set[str] = set()
        self.snapshots: dict[str, OrderBookSnapshot] = {}

    def read(self, path: Path) -> None:
        """Look through a file.

        Raises:
            ConfigurationError: It cannot be read, has no receive times, or holds no market.
        """
        with RecordingReader(path) as reader:
            for frame in reader:
                self._take(frame)
        self.streams.update(name.decode() for name in self._names)
        if not self.symbols:
            raise ConfigurationError(f"{path} holds no market stream to replay")
        if not self._first_ns:
            raise ConfigurationError(f"{path} tells no receive times, by which a replay is paced")
        if self._unnamed is not None and len(self.symbols) == 1:
            self.snapshots.setdefault(self.symbols[0], self._unnamed)
        self.start_us = self._first_ns // 1000 + (self.clock_offset_us or 0)

    @property
    def symbols(self) -> list[str]:
        """Symbols of the recorded streams."""
        return sorted({name.split("@")[0].upper() for name in self.streams if not name.startswith("!")})

    def _take(self, frame: RecordedFrame) -> None:
        payload = frame.payload
        self._first_ns = self._first_ns or frame.received_ns
        if frame.sent:
            self._decoder.note_sent(payload, frame.connection)
        elif self.clock_offset_us is not None and payload.startswith(_COMBINED):
            self._names.add(payload[len(_COMBINED) : payload.find(b'"', len(_COMBINED))])
        else:
            with contextlib.suppress(DecodeFailed):  # counted when it is played
                self._look_at(self._decoder.decode(payload, frame.connection), frame)

    def _look_at(self, decoded: DecodedFrame, frame: RecordedFrame) -> None:
        self.streams.update(_streams_of(decoded))
        for message in decoded.messages:
            if isinstance(message, OrderBookSnapshot):
                if decoded.symbol is not None:
                    self.snapshots.setdefault(decoded.symbol, message)
                self._unnamed = self._unnamed or message
            elif self.clock_offset_us is None and (event_time := getattr(message, "event_time", None)):
                self.clock_offset_us = to_micros(event_time) - frame.received_ns // 1000


def _streams_of(decoded: DecodedFrame) -> Iterator[str]:
    """The stream that a frame belongs to; of a frame without a name, all that could have carried it."""
    if decoded.stream is not None:
        yield decoded.stream
        return
    for channel in CHANNELS:
        if channel is KLINE_TIME_ZONE or channel.many or not decoded.messages:
            continue
        message = decoded.messages[0]
        if type(message) is channel.event:
            interval = message.kline.interval if isinstance(message, KlineEvent) else ""
            window = message.event_type.removesuffix("Ticker") if isinstance(message, WindowTickerEvent) else ""
            symbol = getattr(message, "symbol", "")
            yield channel.pattern.format(symbol=symbol.lower(), interval=interval, window=window, levels="")
