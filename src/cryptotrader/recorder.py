"""Recording market streams as they come: every frame of every connection, with the order book snapshots they need."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from cryptotrader.base_operations import ApiConnection, Environment, api_connection
from cryptotrader.config import Backoff, Endpoint, get_logger
from cryptotrader.errors import BinanceError, RequestInvalid, SinkFailed
from cryptotrader.market_stream import MarketStream
from cryptotrader.models.control_models import ServerShutdown
from cryptotrader.protocol.channel import DEPTH, DEPTH_100MS, find_channel
from cryptotrader.recording import RecordingWriter
from cryptotrader.requests import DepthRequest
from cryptotrader.symbol_lookup import look_up_symbols
from cryptotrader.transport.base import FrameHandler, FrameTransport

logger = get_logger(__name__)

FLUSH_SECONDS = 1.0
"""Longest time that a frame waits for its segment."""

MOST_WAITING_BYTES = 256 * 1024 * 1024
"""Frames that may wait for a slow disk before recording fails."""

_CHANGES = (DEPTH, DEPTH_100MS)
_Frame = tuple[int, int, bytes, bool]
"""Receive time, connection, payload, and whether this side sent it."""


class Recorder:
    """Records market streams to a file until told to stop.

    For each stream of order book changes a snapshot is asked for on every new connection, and its request and reply
    are recorded too, so that the book can be built anew from the file alone.

    Args:
        endpoint: Where the streams come from.
        streams: Their names, such as ``btcusdt@depth@100ms``.
        path: The file; frames are appended when it is there already.
        snapshot_levels: Levels of each side of a snapshot (request weight 50 up to 1000, 250 up to 5000).
        backoff: Delays between connection attempts.
        environment: Dialer, budgets, randomness and clock.
        on_shutdown: Told when the server announces that it goes down.

    Attributes:
        frames: Frames received so far.
        connections: Connections opened so far.

    Raises:
        RequestInvalid: A name is no market stream, or none was given.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        streams: Sequence[str],
        path: Path,
        *,
        snapshot_levels: int = 1000,
        backoff: Backoff | None = None,
        environment: Environment | None = None,
        on_shutdown: Callable[[], None] | None = None,
    ) -> None:
        if not streams:
            raise RequestInvalid("give at least one stream", method="SUBSCRIBE")
        self._endpoint = endpoint
        self._channels = {name: row for row, name in map(find_channel, streams)}
        self._path = path
        self._levels = snapshot_levels
        self._backoff = backoff or Backoff(attempts=10)
        self._environment = environment or Environment()
        self._on_shutdown = on_shutdown
        self._waiting: list[_Frame] = []
        self._waiting_bytes = 0
        self._too_slow = asyncio.Event()
        self._disk_failed = False
        self._wanted: dict[str, None] = {}
        self._wants = asyncio.Event()
        self.frames = 0
        self.connections = 0

    async def run(self, stop: asyncio.Event) -> int:
        """Record until ``stop`` is set; returns how many frames were received.

        Raises:
            UnknownSymbol: The exchange does not trade a symbol; nothing was recorded.
            ConfigurationError: The file is no recording, or another process writes to it.
            SinkFailed: The file cannot be written; what stood before stays readable.
            ConnectFailed: The exchange cannot be reached any more; what had come was written.
        """
        symbols = [name.split("@")[0].upper() for name in self._channels if not name.startswith("!")]
        if symbols:
            await look_up_symbols(self._endpoint, list(dict.fromkeys(symbols)), environment=self._environment)
        writer = RecordingWriter(self._path)
        if writer.recovered:
            logger.warning("%s: cut off %d torn bytes at its end", self._path, writer.recovered)
        with ThreadPoolExecutor(1, thread_name_prefix="recording") as disk:
            try:
                await self._record(writer, disk, stop)
            finally:
                try:
                    if not self._disk_failed:  # else the rest would follow a torn segment
                        await self._write(writer, disk)
                finally:
                    await asyncio.get_running_loop().run_in_executor(disk, writer.close)
        return self.frames

    async def _record(self, writer: RecordingWriter, disk: ThreadPoolExecutor, stop: asyncio.Event) -> None:
        environment = replace(self._environment, dial=self._dial)
        api = api_connection(self._endpoint, backoff=self._backoff, environment=environment)
        market = MarketStream(self._endpoint, backoff=self._backoff, api=api, environment=environment)
        market.subscribe(*self._channels, on_payload=_nothing, on_control=self._control, on_connect=self._connected)
        work = [
            asyncio.ensure_future(each)
            for each in (
                self._keep_writing(writer, disk),
                self._fail_when_too_slow(),
                market.wait_closed(),
                self._snapshots(api),
                stop.wait(),
            )
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await market.close()
            await api.close()
            for ended in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended

    # what is recorded

    async def _dial(
        self, url: str, handler: FrameHandler, *, timeout: float, tls: ssl.SSLContext | None
    ) -> FrameTransport:
        """Open a connection whose frames are recorded."""
        number = self.connections = self.connections + 1
        tapped = _TappedHandler(handler, self._take, number)
        transport = await self._environment.dial(url, tapped, timeout=timeout, tls=tls)
        return _TappedTransport(transport, self._take, number, self._environment.clock_ns)

    def _take(self, received_ns: int, connection: int, payload: bytes, sent: bool) -> None:  # noqa: FBT001 - hot path
        self._waiting.append((received_ns, connection, payload, sent))
        self._waiting_bytes += len(payload)
        self.frames += not sent
        if self._waiting_bytes > MOST_WAITING_BYTES:
            self._too_slow.set()

    async def _fail_when_too_slow(self) -> None:
        await self._too_slow.wait()
        raise SinkFailed(str(self._path), "the disk is too slow for these streams")

    async def _keep_writing(self, writer: RecordingWriter, disk: ThreadPoolExecutor) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._write(writer, disk)

    async def _write(self, writer: RecordingWriter, disk: ThreadPoolExecutor) -> None:
        """Hand what waits to the disk's thread.

        Who is cancelled meanwhile waits for the disk: a segment that could not be written must be told.
        """
        frames, self._waiting, self._waiting_bytes = self._waiting, [], 0
        writing = asyncio.get_running_loop().run_in_executor(disk, _write_frames, writer, frames)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            writing.result()
            raise
        finally:
            self._disk_failed |= writing.done() and writing.exception() is not None

    # order book snapshots

    def _connected(self, streams: tuple[str, ...]) -> None:
        for stream in streams:
            if self._channels[stream] in _CHANGES:
                self._wanted[stream.split("@")[0].upper()] = None
        self._wants.set()

    async def _snapshots(self, api: ApiConnection) -> None:
        """Ask for snapshots, one after another; one that fails is asked for again on the next connection."""
        while True:
            self._wants.clear()
            for symbol in tuple(self._wanted):
                del self._wanted[symbol]
                try:
                    await api.call(DepthRequest(symbol=symbol, limit=self._levels))
                except BinanceError as error:
                    logger.warning("no order book snapshot of %s: %s", symbol, error)
            await self._wants.wait()

    def _control(self, event: object) -> None:
        if isinstance(event, ServerShutdown) and self._on_shutdown is not None:
            self._on_shutdown()


def _nothing(payload: bytes, received_ns: int) -> None:
    """Frames are taken at the connection already."""


def _write_frames(writer: RecordingWriter, frames: list[_Frame]) -> None:
    for received_ns, connection, payload, sent in frames:
        writer.add(received_ns, connection, payload, sent=sent)
    writer.flush()


@dataclass(frozen=True)
class _TappedHandler:
    """Takes each received frame before its handler does."""

    handler: FrameHandler
    take: Callable[[int, int, bytes, bool], None]
    number: int

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        self.take(received_ns, self.number, payload, False)
        self.handler.on_frame(payload, received_ns)

    def on_ping(self, payload: bytes) -> None:
        self.handler.on_ping(payload)

    def on_pong(self, payload: bytes) -> None:
        self.handler.on_pong(payload)

    def on_closed(self, reason: str) -> None:
        self.handler.on_closed(reason)


@dataclass(frozen=True)
class _TappedTransport:
    """Takes each frame that is sent."""

    transport: FrameTransport
    take: Callable[[int, int, bytes, bool], None]
    number: int
    clock_ns: Callable[[], int]

    def send(self, payload: bytes) -> None:
        self.take(self.clock_ns(), self.number, payload, True)
        self.transport.send(payload)

    def ping(self, payload: bytes = b"") -> None:
        self.transport.ping(payload)

    def pong(self, payload: bytes = b"") -> None:
        self.transport.pong(payload)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.transport.close(code, reason)

    def abort(self) -> None:
        self.transport.abort()
