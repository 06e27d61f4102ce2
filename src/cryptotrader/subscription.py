"""What a consumer holds: events in order, in a bounded buffer, as an iterator, in batches or by callback."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from cryptotrader.config import get_logger
from cryptotrader.errors import ConnectFailed, ConsumerTooSlow, RequestRejected

logger = get_logger(__name__)
T = TypeVar("T")

DEFAULT_BUFFER = 65_536
"""Events that a consumer may be behind."""


class _Failure:
    """An error on its way to the consumer, in order with the events."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Subscription(Generic[T]):
    """Events of one or more streams. Iterate it, take ``batches()``, or give a callback when subscribing.

    An error raised by the iterator (``GapUnfilled``, ``ConsumerTooSlow``, ``DecodeFailed`` …) does not end it: iterate
    again to go on. ``ConnectFailed`` ends it, and so does ``close()``.

    Attributes:
        streams: Names of the streams.
    """

    _takes_errors = True

    def __init__(
        self,
        streams: tuple[str, ...],
        *,
        clock_ns: Callable[[], int],
        buffer: int = DEFAULT_BUFFER,
        on_close: Callable[[Subscription[T]], None],
    ) -> None:
        self.streams = streams
        self._clock_ns = clock_ns
        self._limit = buffer
        self._on_close = on_close
        self._events: deque[T | _Failure] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._lost = 0
        self._lost_since_ns = 0
        self._unconfirmed = set(streams)
        self._changed = asyncio.Event()
        self._ended: ConnectFailed | None = None
        self._refused: RequestRejected | None = None
        self._closed = False

    # ------------------------------------------------------------------------------------------- from the connection

    def put(self, event: T, received_ns: int) -> None:
        """Take one event; a ``Consumer``. When the buffer is full the event is lost and the consumer will be told."""
        if len(self._events) >= self._limit or self._lost:
            if not self._lost:
                self._lost_since_ns = received_ns
            self._lost += 1
            return
        self._events.append(event)
        if self._waiter is not None:
            self._wake()

    def fail(self, error: Exception) -> None:
        """Raise an error to the consumer, after the events that came before."""
        if isinstance(error, RequestRejected):
            self._refused = error
        if isinstance(error, ConnectFailed):
            self._ended = error
        elif self._takes_errors and len(self._events) >= self._limit:
            self._lost += 1
        elif self._takes_errors:
            self._events.append(_Failure(error))
        self._changed.set()
        self._wake()

    def mark_confirmed(self, streams: set[str]) -> None:
        """The server has confirmed these streams."""
        self._unconfirmed -= streams
        if not self._unconfirmed:
            self._refused = None
        self._changed.set()

    def mark_lost(self, streams: set[str]) -> None:
        """These streams are not being sent at the moment."""
        self._unconfirmed |= streams

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # --------------------------------------------------------------------------------------------- for the consumer

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next event.

        Raises:
            ConsumerTooSlow: The buffer overflowed; what was buffered has been delivered before.
            ConnectFailed: The connection was given up.
            BinanceError: Whatever else happened to these streams.
        """
        while not self._events:
            await self._until_more()
        event = self._events.popleft()
        if type(event) is _Failure:
            raise event.error
        return event  # type: ignore[return-value]  # a failure was raised above

    async def batches(self, size: int = 1024) -> AsyncIterator[list[T]]:
        """Lists of up to ``size`` events: whatever has come since the last one. Errors as in iteration."""
        events = self._events
        while True:
            while not events:
                try:
                    await self._until_more()
                except StopAsyncIteration:
                    return
            batch: list[T] = []
            while events and len(batch) < size:
                event = events.popleft()
                if type(event) is _Failure:
                    if batch:
                        events.appendleft(event)
                        break
                    raise event.error
                batch.append(event)  # type: ignore[arg-type]  # a failure was raised above
            yield batch

    async def confirmed(self, timeout: float | None = 10.0) -> None:
        """Wait until the server has confirmed all streams.

        Raises:
            ConnectFailed: Not within ``timeout`` seconds, or the connection was given up.
            RequestRejected: A stream was refused.
        """
        try:
            async with asyncio.timeout(timeout):
                while self._unconfirmed:
                    if self._ended is not None:
                        raise self._ended
                    if self._refused is not None:
                        raise self._refused
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise ConnectFailed(f"{len(self._unconfirmed)} streams not confirmed within {timeout} s") from error

    def close(self) -> None:
        """Unsubscribe; iteration ends after what is buffered."""
        if not self._closed:
            self._closed = True
            self._on_close(self)
            self._changed.set()
            self._wake()

    async def _until_more(self) -> None:
        if self._lost:
            lost, self._lost = self._lost, 0
            raise ConsumerTooSlow(self._clock_ns() - self._lost_since_ns, lost)
        if self._ended is not None:
            raise self._ended
        if self._closed:
            raise StopAsyncIteration
        if self._waiter is not None:
            raise RuntimeError("a subscription has one consumer; subscribe again for another")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CallbackSubscription(Subscription[T]):
    """Events that go to a callback instead; this object unsubscribes and tells errors.

    Args:
        on_error: Told of errors; by default they are logged.
    """

    _takes_errors = False

    def __init__(
        self,
        streams: tuple[str, ...],
        *,
        clock_ns: Callable[[], int],
        on_error: Callable[[Exception], None] | None = None,
        on_close: Callable[[Subscription[T]], None],
    ) -> None:
        super().__init__(streams, clock_ns=clock_ns, on_close=on_close)
        self._on_error = on_error

    def fail(self, error: Exception) -> None:
        """Tell an error."""
        super().fail(error)
        if self._on_error is None:
            logger.error("%s: %s", ", ".join(self.streams[:3]), error, exc_info=error)
            return
        try:
            self._on_error(error)
        except Exception:
            logger.exception("%s: on_error failed with %r", ", ".join(self.streams[:3]), error)

    async def __anext__(self) -> T:
        """Not for callbacks."""
        raise RuntimeError("the events of this subscription go to its callback")
