"""One WebSocket API connection without its socket: requests on their way, their replies, and the weight they cost."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cryptotrader.config import Timeouts, TimeUnit
from cryptotrader.errors import BinanceError, DecodeFailed, OutcomeUnknown, RateLimited, UnexpectedFrame
from cryptotrader.models.control_models import ServerShutdown
from cryptotrader.protocol import codec
from cryptotrader.protocol.limits import WeightBudget
from cryptotrader.protocol.request import Method, Request

CONNECT_WEIGHT = 2
"""Request weight of opening a connection."""

_DRAIN_SECONDS = 1.0
_OK = 200
_TOO_MUCH_WEIGHT = -1003
_NO_METHOD = Method("(no request)")


@dataclass(eq=False, slots=True)
class _Pending:
    request: Request[Any]
    resolve: Callable[[Any], None]
    reject: Callable[[BinanceError], None]
    weight: int


class ApiSession:
    """Sans-I/O state of one WebSocket API connection.

    Args:
        weights: The budget of the address, shared by its connections.
        time_unit: Unit of the timestamps to ask for.
        timeouts: Deadlines of replies and of silence.
        on_shutdown: Told that the server goes down.
        on_problem: Told of frames that belong to no request.
    """

    def __init__(
        self,
        *,
        weights: WeightBudget,
        time_unit: TimeUnit = TimeUnit.MILLISECOND,
        timeouts: Timeouts | None = None,
        on_shutdown: Callable[[ServerShutdown], None],
        on_problem: Callable[[BinanceError], None],
    ) -> None:
        self._weights = weights
        self._time_unit = time_unit
        self._timeouts = timeouts or Timeouts()
        self._on_shutdown = on_shutdown
        self._on_problem = on_problem
        self._pending: dict[int, _Pending] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._last_id = 0
        self._open = False
        self._heard = False
        self._heard_at = 0.0
        self._drain_until: float | None = None
        self._wall_offset = 0.0
        self.counters: Counter[str] = Counter()
        self.outbox: deque[tuple[str, bytes]] = deque()
        self.redial_at_once = False
        self.dead: str | None = None

    @property
    def in_flight(self) -> int:
        """Requests that wait for their reply."""
        return len(self._pending)

    @property
    def accepts_requests(self) -> bool:
        """Whether a request may be sent now: connected, and the server has not said that it goes down."""
        return self._open and self.dead is None and self._drain_until is None

    # -------------------------------------------------------------------------------------------- life of a connection

    def url(self, base: str) -> str:
        """The address to dial."""
        if self._time_unit is TimeUnit.MILLISECOND:
            return base
        return f"{base}{'&' if urlsplit(base).query else '?'}timeUnit={self._time_unit.value}"

    def opened(self, now: float, wall: float) -> None:
        """The connection is open; ``wall`` is Unix time, by which weights are counted."""
        self._wall_offset = wall - now
        self._open = True
        self.dead = None
        self.redial_at_once = False
        self._drain_until = None
        self._heard, self._heard_at = False, now
        self._weights.spend(CONNECT_WEIGHT, wall)
        self._weights.settle(CONNECT_WEIGHT, wall, charged=True)

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone: every request on its way has an unknown outcome."""
        self._open = False
        self.outbox.clear()
        self._deadlines.clear()
        for number in list(self._pending):
            if lost := self._take(number, now, charged=True):
                lost.reject(OutcomeUnknown(lost.request.api.name, number, reason))

    def tick(self, now: float) -> float:
        """Do what is due: reply deadlines, silence, the end of draining; returns when to be called again."""
        if not self._open:
            return now + self._timeouts.stale
        if self._heard:
            self._heard, self._heard_at = False, now
        if now - self._heard_at >= self._timeouts.stale:
            self.dead = f"nothing received for {self._timeouts.stale:g} s"
        while self._deadlines and self._deadlines[0][0] <= now:
            _, number = heapq.heappop(self._deadlines)
            if late := self._take(number, now, charged=True):
                late.reject(OutcomeUnknown(late.request.api.name, number, "no reply in time"))
        if self._drain_until is not None and (not self._pending or now >= self._drain_until):
            self.dead = "server shutdown"
        deadlines = [now + self._timeouts.stale / 5]
        if self._deadlines:
            deadlines.append(self._deadlines[0][0])
        if self._drain_until is not None:
            deadlines.append(self._drain_until)
        return min(deadlines)

    def ping(self, payload: bytes, now: float) -> None:
        """A ping came; it is answered at once."""
        self._heard, self._heard_at = True, now
        self.outbox.append(("pong", payload))

    # --------------------------------------------------------------------------------------------------------- requests

    def wait(self, request: Request[Any], now: float) -> float:
        """Seconds until the request's weight may be spent; 0 when it may be sent now."""
        return self._weights.wait(request.weight, now + self._wall_offset)

    def send(
        self,
        request: Request[Any],
        params: dict[str, Any],
        *,
        now: float,
        timeout: float,
        resolve: Callable[[Any], None],
        reject: Callable[[BinanceError], None],
    ) -> int:
        """Put a request on its way; exactly one of ``resolve`` and ``reject`` is called later. Returns its id."""
        self._last_id += 1
        weight = request.weight
        self._pending[self._last_id] = _Pending(request, resolve, reject, weight)
        heapq.heappush(self._deadlines, (now + timeout, self._last_id))
        self._weights.spend(weight, now + self._wall_offset)
        self.outbox.append(("send", codec.encode_request(self._last_id, request.api.name, params)))
        return self._last_id

    def forget(self, number: int, now: float) -> None:
        """The caller no longer waits; a reply that still comes is counted and dropped."""
        self._take(number, now, charged=True)

    def receive(self, payload: bytes, received_ns: int) -> None:
        """Take one frame: a reply goes to its request."""
        self._heard = True
        try:
            frame = codec.decode_api_frame(payload)
        except DecodeFailed as error:
            self.counters["undecodable"] += 1
            self._on_problem(error)
            return
        now = received_ns / 1e9 - self._wall_offset
        if frame.rate_limits:
            self._weights.learn(frame.rate_limits, now + self._wall_offset)
        if frame.event:
            self._receive_event(bytes(frame.event), payload, now)
        elif (number := frame.id) is None or not isinstance(number, int) or number not in self._pending:
            self.counters["unmatched"] += 1
            if frame.error is not None:
                self._obey(codec.rejection(_NO_METHOD, 0, frame.status, frame.error))
                self._on_problem(UnexpectedFrame(f"error without a request: {frame.error.msg}", payload))
        else:
            self._answer(number, frame, payload, now)

    def _answer(self, number: int, frame: codec.ApiFrame, payload: bytes, now: float) -> None:
        succeeded = frame.status == _OK and frame.error is None
        api = self._pending[number].request.api
        pending = self._take(number, now, charged=not frame.rate_limits and not (succeeded and api.free_on_success))
        if pending is None:
            return
        if frame.error is not None:
            error = codec.rejection(api, number, frame.status, frame.error)
            self._obey(error)
            pending.reject(error)
            return
        try:
            result = pending.request.result_decoder.decode(frame.result)
        except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
            pending.reject(self._misfit(api, frame, payload, cause))
            return
        pending.resolve(result)

    def _misfit(self, api: Method, frame: codec.ApiFrame, payload: bytes, cause: Exception) -> BinanceError:
        """A result that is not of its type; some refusals come as results with status 200 (``referencePrice``)."""
        error: BinanceError
        try:
            body = msgspec.json.decode(frame.result, type=codec.ErrorBody)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.counters["undecodable"] += 1
            error = DecodeFailed(f"not a result of {api.name}", payload)
        else:
            error = codec.rejection(api, 0, 400, body)
        error.__cause__ = cause
        return error

    def _obey(self, error: BinanceError) -> None:
        if isinstance(error, RateLimited) and error.retry_after is not None and error.code == _TOO_MUCH_WEIGHT:
            scale = 1e6 if error.retry_after >= 10**14 else 1e3
            self._weights.close_until(error.retry_after / scale)

    def _receive_event(self, event: bytes, payload: bytes, now: float) -> None:
        if codec.event_type(event) == "serverShutdown":
            self.redial_at_once = True
            self._drain_until = now + _DRAIN_SECONDS
            self._on_shutdown(msgspec.json.decode(event, type=ServerShutdown))
            return
        self.counters["unknown_events"] += 1
        self._on_problem(UnexpectedFrame(f"unknown event {codec.event_type(event)!r}", payload))

    def _take(self, number: int, now: float, *, charged: bool) -> _Pending | None:
        pending = self._pending.pop(number, None)
        if pending is not None:
            self._weights.settle(pending.weight, now + self._wall_offset, charged=charged)
        return pending
