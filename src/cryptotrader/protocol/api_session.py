"""One WebSocket API connection without its socket: requests on their way, their replies, and the weight they cost."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cryptotrader.config import Timeouts, TimeUnit
from cryptotrader.errors import (
    BinanceError,
    DecodeFailed,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    RequestRejected,
    UnexpectedFrame,
)
from cryptotrader.models.account_models import SessionStatus
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.control_models import ServerShutdown
from cryptotrader.protocol import codec
from cryptotrader.protocol.clock import ClockOffset
from cryptotrader.protocol.identity import Identity, Key
from cryptotrader.protocol.limits import OrderBudget, WeightBudget
from cryptotrader.protocol.request import Method, Request, SecurityType, Signing
from cryptotrader.protocol.signing import signature_payload, window_on_wire

CONNECT_WEIGHT = 2
"""Request weight of opening a connection."""

_DRAIN_SECONDS = 1.0
_OK = 200
_UNAUTHORIZED = 401
_TOO_MUCH_WEIGHT = -1003
_TOO_MANY_ORDERS = -1015
_DAY_SECONDS = 86_400
_CLOCK_STEP = 1.0  # seconds between two connections that a clock does not lose by running fast or slow
_PUBLIC, _TRADE = SecurityType.NONE, SecurityType.TRADE
_BY_SESSION, _NEVER_SIGNED = Signing.UNLESS_LOGGED_ON, Signing.NEVER
_CHANGING_LOG_ON = frozenset({"session.logon", "session.logout"})
_NO_METHOD = Method("(no request)")


class _Pending(msgspec.Struct, eq=False):
    request: Request[Any]
    resolve: Callable[[Any], None]
    reject: Callable[[BinanceError], None]
    weight: int
    params: dict[str, Any]
    orders: OrderBudget | None

    @property
    def is_by_session(self) -> bool:
        """Whether the logged-on session stood for it."""
        return self.request.api.security is not _PUBLIC and "signature" not in self.params


class ApiSession:
    """Sans-I/O state of one WebSocket API connection.

    Args:
        weights: The budget of the address, shared by its connections.
        time_unit: Unit of the timestamps to ask for.
        timeouts: Deadlines of replies and of silence.
        on_shutdown: Told that the server goes down.
        on_problem: Told of frames that belong to no request.
        on_user_event: Told of user data events: subscription, the event as JSON, and its receive time in nanoseconds.

    Attributes:
        clock: The exchange's clock beside this one.
        logged_on_as: The API key whose requests may go without signature; ``None`` while that is nobody, or uncertain.
        on_signed_off: Told that the exchange does not take the session's key any more.
    """

    def __init__(
        self,
        *,
        weights: WeightBudget,
        time_unit: TimeUnit = TimeUnit.MILLISECOND,
        timeouts: Timeouts | None = None,
        on_shutdown: Callable[[ServerShutdown], None],
        on_problem: Callable[[BinanceError], None],
        on_user_event: Callable[[int | None, bytes, int], None] | None = None,
    ) -> None:
        self._weights = weights
        self._time_unit = time_unit
        self._timeouts = timeouts or Timeouts()
        self._on_shutdown = on_shutdown
        self._on_problem = on_problem
        self._on_user_event = on_user_event
        self._pending: dict[int, _Pending] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._last_id = self._newest_by_session = 0
        self._open = False
        self._heard = False
        self._heard_at = 0.0
        self._drain_until: float | None = None
        self._wall_offset = 0.0
        self._knows_wall = False
        self._log_on_number: int | None = None  # of the last log-on or log-out, until it is answered
        self.clock = ClockOffset()
        self.logged_on_as: str | None = None
        self.on_signed_off: Callable[[RequestRejected], None] | None = None
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
        """The connection is open; ``wall`` is Unix time by this machine's clock.

        That clock may be set, so that it counts once only; from then on the exchange's time is told by the connection's
        own clock and by looks at the exchange's.
        """
        if not self._knows_wall:
            self._wall_offset, self._knows_wall = wall - now, True
        elif abs(wall - now - self._wall_offset) > _CLOCK_STEP:
            self.clock.forget()  # the machine's clock was set, or it slept: what was known may be wrong
        self._open = True
        self.dead = None
        self.redial_at_once = False
        self._drain_until = None
        self._heard, self._heard_at = False, now
        self._weights.spend(CONNECT_WEIGHT)
        self._weights.settle(CONNECT_WEIGHT, self.exchange_time(now), charged=True)

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone: every request on its way has an unknown outcome."""
        self._open = False
        self.logged_on_as = self._log_on_number = None
        self.outbox.clear()
        self._deadlines.clear()
        for number in list(self._pending):
            if lost := self._take(number, now):
                lost.reject(OutcomeUnknown(lost.request.api.name, number, reason))

    def tick(self, now: float) -> float:
        """Do what is due: reply deadlines, silence, the end of draining; returns when to be called again."""
        if not self._open:
            return now + self._timeouts.stale
        if self._heard:
            self._heard, self._heard_at = False, now
        if now - self._heard_at >= self._timeouts.stale:
            self.dead = f"nothing received for {self._timeouts.stale:g} s"
        while self._deadlines and (self._deadlines[0][0] <= now or self._deadlines[0][1] not in self._pending):
            _, number = heapq.heappop(self._deadlines)
            if late := self._take(number, now):
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

    def wait(
        self, request: Request[Any], now: float, identity: Identity | None = None, *, urgent: bool = False
    ) -> float:
        """Seconds until the request's weight and orders may be spent; 0 when they may be spent now.

        A part of the weight is kept for requests that trade, and for those that are ``urgent``.
        """
        wall, api = self.exchange_time(now), request.api
        delay = self._weights.wait(request.weight, wall, keeps=not urgent and api.security is not _TRADE)
        if identity is None or not (orders := api.orders):
            return delay
        return max(delay, identity.orders.wait(orders, wall))

    def shortage(self, request: Request[Any], now: float, identity: Identity | None) -> tuple[int, str]:
        """Binance's code and words for the budget that a request has to wait for."""
        wall = self.exchange_time(now)
        if identity is not None and identity.orders.wait(request.api.orders, wall) > 0:
            return _TOO_MANY_ORDERS, "unfilled orders are"
        return _TOO_MUCH_WEIGHT, "request weight is"

    def timestamp(self, now: float) -> int:
        """The exchange's time, in the connection's unit."""
        scale = 1e6 if self._time_unit is TimeUnit.MICROSECOND else 1e3
        return int((now + self._wall_offset + self.clock.offset) * scale)

    def exchange_time(self, now: float) -> float:
        """Unix time by the exchange's clock, by which it counts weights and orders.

        Who tells the time of another day replays a recording, and counts by the time that it is.
        """
        offset = self.clock.offset
        return now + self._wall_offset + (offset if abs(offset) < _DAY_SECONDS else 0.0)

    def observe_time(self, sent: float, server_time: int, now: float) -> None:
        """Take a sample of the exchange's clock: the answer, arriving now, to a request that was ``sent`` before."""
        server = server_time / (1e6 if self._time_unit is TimeUnit.MICROSECOND else 1e3)
        self.clock.observe(sent + self._wall_offset, now + self._wall_offset, server)

    def send(
        self,
        request: Request[Any],
        params: dict[str, Any],
        *,
        now: float,
        timeout: float,
        resolve: Callable[[Any], None],
        reject: Callable[[BinanceError], None],
        identity: Identity | None = None,
        recv_window: float | None = None,
    ) -> int:
        """Put a request on its way; exactly one of ``resolve`` and ``reject`` is called later. Returns its id.

        Args:
            request: What to ask.
            params: Its parameters, checked.
            now: The time.
            timeout: Seconds for the reply.
            resolve: Called with the result.
            reject: Called with the error.
            identity: Who asks; needed for requests that are signed.
            recv_window: Milliseconds for which the request is good; Binance's 5,000 by default.

        Raises:
            RequestInvalid: The request needs a key, or a session that is logged on.
        """
        api = request.api
        params = self._authenticated(api, params, identity, recv_window, now)
        number = self._last_id = self._last_id + 1
        if api.name in _CHANGING_LOG_ON:  # until it is answered, nobody knows whose session this is
            self.logged_on_as, self._log_on_number = None, number
        weight, orders = request.weight, None
        if identity is not None and api.orders:
            orders = identity.orders
            orders.spend(api.orders)
        pending = self._pending[number] = _Pending(request, resolve, reject, weight, params, orders)
        if pending.is_by_session:
            self._newest_by_session = number
        heapq.heappush(self._deadlines, (now + timeout, number))
        self._weights.spend(weight)
        self.outbox.append(("send", codec.encode_request(number, api.name, params)))
        return number

    def _authenticated(
        self, api: Method, params: dict[str, Any], identity: Identity | None, recv_window: float | None, now: float
    ) -> dict[str, Any]:
        """The parameters with what proves who sends them."""
        if api.security is _PUBLIC:
            return params
        if api.signing is _NEVER_SIGNED:
            if self.logged_on_as is None:
                raise RequestInvalid("nobody is logged on, which takes an Ed25519 key", method=api.name)
            return params
        params = {**params, "timestamp": self.timestamp(now)}
        if recv_window is not None:
            params["recvWindow"] = window_on_wire(recv_window, method=api.name)
        if identity is None:
            raise RequestInvalid("needs a key", method=api.name)
        api_key = identity.key.api_key
        if api_key == self.logged_on_as and not identity.ad_hoc and api.signing is _BY_SESSION:
            return params
        params["apiKey"] = api_key
        params["signature"] = identity.key.sign(signature_payload(params))
        return params

    def forget(self, number: int, now: float) -> None:
        """The caller no longer waits; a reply that still comes is counted and dropped."""
        self._take(number, now)

    def receive(self, payload: bytes, received_ns: int, now: float) -> None:
        """Take one frame, received at a Unix time in nanoseconds, which is ``now``: a reply goes to its request."""
        self._heard = True
        try:
            self._take_in(codec.decode_api_frame(payload), payload, received_ns, now)
        except DecodeFailed as error:
            self._malformed(error)
        except Exception as error:  # noqa: BLE001 - told, not swallowed: one frame must not cost the connection
            failure = DecodeFailed("a frame could not be taken in", payload)
            failure.__cause__ = error
            self._malformed(failure)

    def _malformed(self, error: DecodeFailed) -> None:
        self.counters["undecodable"] += 1
        self._on_problem(error)

    def _take_in(self, frame: codec.ApiFrame, payload: bytes, received_ns: int, now: float) -> None:
        number = frame.id
        if isinstance(number, int) and number in self._pending and not frame.event:
            self._answer(number, frame, payload, now)
            return
        if frame.rate_limits:
            self._weights.learn(frame.rate_limits, self.exchange_time(now))
        if frame.event:
            self._receive_event(frame, payload, received_ns, now)
        else:
            self._take_stray(frame, payload, now)

    def _take_stray(self, frame: codec.ApiFrame, payload: bytes, now: float) -> None:
        """A reply that names no request that waits; a refused session is told this way."""
        self.counters["unmatched"] += 1
        if frame.error is None:
            return
        refusal = codec.rejection(_NO_METHOD, 0, frame.status, frame.error)
        self._obey(refusal, None)
        if frame.status == _UNAUTHORIZED and isinstance(refusal, RequestRejected):
            try:
                if (refused := self._refused_by_session()) is not None:
                    self._answer(refused, frame, payload, now)
            finally:
                self._sign_off(refusal, now)
        self._on_problem(UnexpectedFrame(f"error without a request: {frame.error.msg}", payload))

    def _refused_by_session(self) -> int | None:
        """Which request the exchange refused with the session's key; it does not say.

        Once it has refused one it refuses those after it, too: so the newest was refused, if no older one waits.
        """
        waiting = [number for number, pending in self._pending.items() if pending.is_by_session]
        return self._newest_by_session if waiting == [self._newest_by_session] else None

    def _answer(self, number: int, frame: codec.ApiFrame, payload: bytes, now: float) -> None:
        pending = self._pending.pop(number)
        try:
            self._settle(pending, number, frame, payload, now)
        except Exception as error:  # who asked must not wait for ever, since no deadline waits for it any more
            why = f"its answer could not be taken in: {error!r}"
            unknown = OutcomeUnknown(pending.request.api.name, number, why)
            unknown.__cause__ = error
            pending.reject(unknown)
            raise

    def _settle(self, pending: _Pending, number: int, frame: codec.ApiFrame, payload: bytes, now: float) -> None:
        api, error = pending.request.api, frame.error
        succeeded = error is None and frame.status == _OK
        wall = self.exchange_time(now)
        if frame.rate_limits:
            self._weights.learn(frame.rate_limits, wall)
        is_free = succeeded and api.free_on_success
        self._weights.settle(pending.weight, wall, charged=not frame.rate_limits and not is_free)
        if (orders := pending.orders) is not None:
            told = orders.learn(frame.rate_limits, wall)
            orders.settle(api.orders, wall, charged=succeeded and not told)
        if error is not None:
            refusal = codec.rejection(api, number, frame.status, error)
            if number == self._log_on_number:
                self._log_on_number = None
            self._obey(refusal, orders)
            pending.reject(refusal)
            return
        try:
            result = pending.request.result_decoder.decode(frame.result)
        except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
            pending.reject(self._misfit(api, frame, payload, cause))
            return
        if type(result) is SessionStatus and self._log_on_number in (None, number):
            self.logged_on_as, self._log_on_number = result.api_key, None
        pending.resolve(result)

    def _sign_off(self, refusal: RequestRejected, now: float) -> None:
        """The session's key is not taken any more; which of the requests that it stood for is meant, is not told."""
        self.logged_on_as = None
        why = f"the key of the session was refused: {refusal.message} (code {refusal.code})"
        for number in [number for number, pending in self._pending.items() if pending.is_by_session]:
            if refused := self._take(number, now):
                refused.reject(OutcomeUnknown(refused.request.api.name, number, why))
        if self.on_signed_off is not None:
            self.on_signed_off(refusal)

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

    def _obey(self, error: BinanceError, orders: OrderBudget | None) -> None:
        if not isinstance(error, RateLimited) or error.retry_after is None:
            return
        until = to_micros(error.retry_after) / 1e6
        if error.code == _TOO_MUCH_WEIGHT:
            self._weights.close_until(until)
        elif error.code == _TOO_MANY_ORDERS and orders is not None:
            orders.close_until(until)

    def _receive_event(self, frame: codec.ApiFrame, payload: bytes, received_ns: int, now: float) -> None:
        event = bytes(frame.event)
        if codec.event_type(event) == "serverShutdown":
            self.redial_at_once = True
            self._drain_until = now + _DRAIN_SECONDS
            self._on_shutdown(msgspec.json.decode(event, type=ServerShutdown))
        elif self._on_user_event is not None:
            self._on_user_event(frame.subscription_id, event, received_ns)
        else:
            self.counters["unknown_events"] += 1
            self._on_problem(UnexpectedFrame(f"unknown event {codec.event_type(event)!r}", payload))

    def _take(self, number: int, now: float) -> _Pending | None:
        """No longer wait for a reply; weight and orders are taken for used."""
        pending = self._pending.pop(number, None)
        if pending is not None:
            wall = self.exchange_time(now)
            self._weights.settle(pending.weight, wall, charged=True)
            if pending.orders is not None:
                pending.orders.settle(pending.request.api.orders, wall, charged=True)
        return pending


__all__ = ["CONNECT_WEIGHT", "ApiSession", "Identity", "Key"]
