"""A client's connection to the WebSocket API: requests in, replies and user data events out."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

import msgspec

from cryptotrader.models.base_models import RateLimit, RateLimitInterval, RateLimitType
from cryptotrader.models.order_models import AmendResponse, OrderStatus
from cryptotrader.protocol.request import Request, SecurityType
from cryptotrader.simulator import api_requests
from cryptotrader.simulator.api_errors import BAD_SYMBOL, ApiError, no_accounts
from cryptotrader.simulator.api_requests import Envelope
from cryptotrader.simulator.conversation import Conversation
from cryptotrader.simulator.encoding import stamp
from cryptotrader.simulator.faults import ON_OUTCOMES, ConnectionKind, FaultKind
from cryptotrader.simulator.handlers import OF_CONVERSATION, Caller, answer, answer_caller
from cryptotrader.simulator.limits import AddressLimits, Excess
from cryptotrader.simulator.security import UNAUTHORIZED, Security, check_time, rejected_key
from cryptotrader.simulator.session import POLICY_VIOLATION, ExchangeSession, Surroundings
from cryptotrader.simulator.target import Target

_OK = 200
_INTERNAL_ERROR = 500
_WEIGHT_OF_REJECTED = 1
_RATE_LIMIT = frozenset({FaultKind.RATE_LIMIT})
_UNKNOWN_OUTCOMES = {
    FaultKind.TIMEOUT: (
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
    FaultKind.UNEXPECTED: (
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
    ),
}


class ApiSession(ExchangeSession):
    """Answers its client's requests in the order in which they come."""

    kind: ClassVar[ConnectionKind] = "api"

    def __init__(self, surroundings: Surroundings, address: AddressLimits, target: Target) -> None:
        super().__init__(surroundings, address)
        self._unit = target.unit
        self._security = Security(surroundings.keys)
        self._conversation = Conversation(
            self._security,
            surroundings.events,
            surroundings.limits,
            target.unit,
            self._post,
            return_rate_limits=target.return_rate_limits,
        )

    def carries(self, stream: str) -> bool:  # noqa: ARG002 - the other kind does
        """Requests carry no streams."""
        return False

    def _begin(self) -> None:
        self._conversation.connected_us = self._surroundings.clock()

    def _end(self) -> None:
        self._conversation.close()

    def _post(self, frame: bytes) -> None:
        """Send a reply or an event, as far as the faults in force let it through."""
        if self._faults.on_frames or self._held:
            self._send_through_faults(b"", frame)
        else:
            self._send(frame)

    def _receive(self, payload: bytes, now_us: int) -> None:
        envelope = api_requests.parse(payload)
        self._conversation.now_us, self._conversation.proven = now_us, None
        excess = self._excess(_weight_in_advance(envelope), now_us)
        if excess is not None:
            error = excess.error(stamp(now_us, self._unit), stamp(excess.until_us, self._unit))
            self._reply(envelope, excess.status, b"error", msgspec.json.encode(error))
            if excess.is_ban:
                self.close(POLICY_VIOLATION, "IP banned", now_us)
            return
        self._surroundings.advance(now_us)  # so that replies agree with the streams at this moment
        if self._security.has_lost_its_key:
            self._conversation.log_out()
            self._refuse(Envelope(None, envelope.request, return_rate_limits=False), rejected_key(UNAUTHORIZED))
            return
        try:
            result = self._answer(envelope, now_us)
        except ApiError as error:
            self._address.charge(_weight_of_failure(envelope, error))
            self._refuse(envelope, error)
        else:
            self._address.charge(-_weight_given_back(envelope, result))
            self._reply(envelope, _OK, b"result", api_requests.encode_result(result))

    def _excess(self, weight: int, now_us: int) -> Excess | None:
        """Count a request's weight; tells what it exceeds, if anything."""
        excess = self._address.request(weight, now_us)
        if excess is None and (hits := self._faults.hits(_RATE_LIMIT, self.kind)):
            excess = self._address.too_much_weight(now_us + round(hits[0].length * 1e6))
        return excess

    def _answer(self, envelope: Envelope, now_us: int) -> Any:
        """The result of a request.

        Raises:
            ApiError: It is refused, or its outcome stays unknown.
        """
        request, method = envelope.request, envelope.method
        if method is not None and method.api.security is not SecurityType.NONE:
            if not self._surroundings.exchange.has_accounts:
                raise no_accounts()
            self._conversation.proven = self._security.prove(method.api, envelope.params, now_us)
        if isinstance(request, ApiError):
            raise request
        if (converse := OF_CONVERSATION.get(type(request))) is not None:
            return converse(self._conversation, request, self._unit)
        key = self._conversation.proven
        if key is None:
            return answer(self._surroundings.exchange, request, self._unit)
        caller = Caller(self._surroundings.exchange, key.uid, self._surroundings.counts)
        if type(request).api.security is SecurityType.TRADE:
            check_time(envelope.params, self._surroundings.clock())  # once more, before it is matched
            self._lose_outcome(caller, request)
        return answer_caller(caller, request, self._unit)

    def _lose_outcome(self, caller: Caller, request: Request[Any]) -> None:
        """Answer that the outcome is unknown, where a fault asks for it; the request may be carried out all the same.

        Raises:
            ApiError: The outcome is unknown.
        """
        hits = self._faults.hits(ON_OUTCOMES, self.kind)
        if not hits:
            return
        if self._faults.is_done(hits[0]):
            with suppress(ApiError):  # whether it was refused stays unknown too
                answer_caller(caller, request, self._unit)
        raise ApiError(_INTERNAL_ERROR, *_UNKNOWN_OUTCOMES[hits[0].fault])

    def _refuse(self, envelope: Envelope, error: ApiError) -> None:
        body: dict[str, object] = {"code": error.code, "msg": error.message}
        if error.data is not None:
            body["data"] = error.data
        # a symbol that never had a reference price gets its refusal as a result with status 200
        name = b"result" if error.status == _OK else b"error"
        self._reply(envelope, error.status, name, msgspec.json.encode(body))

    def _reply(self, envelope: Envelope, status: int, name: bytes, body: bytes) -> None:
        flag = envelope.return_rate_limits
        is_asked = self._conversation.return_rate_limits if flag is None else flag
        limits = self._rate_limits(envelope) if is_asked else None
        self._post(api_requests.encode_reply(envelope.id, status, name, body, limits))

    def _rate_limits(self, envelope: Envelope) -> bytes:
        """The limits that the request touched."""
        key, method = self._conversation.proven, envelope.method
        touched = (
            [] if key is None or method is None or not method.api.orders else self._surroundings.counts.shown(key.uid)
        )
        touched.append(
            RateLimit(
                rate_limit_type=RateLimitType.REQUEST_WEIGHT,
                interval=RateLimitInterval.MINUTE,
                interval_num=1,
                limit=self._limits.weight,
                count=self._address.weight_used,
            )
        )
        return msgspec.json.encode(touched)

    def _shutdown_event(self, now_us: int) -> bytes:
        return b'{"event":{"e":"serverShutdown","E":%d}}' % stamp(now_us, self._unit)


def _weight_in_advance(envelope: Envelope) -> int:
    """What a request costs, unless its outcome decides."""
    request = envelope.request
    if isinstance(request, ApiError):
        return _WEIGHT_OF_REJECTED
    return 0 if type(request).api.free_on_success else request.weight


def _weight_of_failure(envelope: Envelope, error: ApiError) -> int:
    """What a refused request costs beside what was counted in advance; less than nothing where refusals cost less."""
    request = envelope.request
    if isinstance(request, ApiError):
        return 0
    weight, of_bad_symbol = request.weight, type(request).api.weight_of_bad_symbol
    if error.code == BAD_SYMBOL and of_bad_symbol is not None:
        weight = of_bad_symbol
    return weight - _weight_in_advance(envelope)


def _weight_given_back(envelope: Envelope, result: Any) -> int:
    """An amendment by which the order expires costs nothing."""
    if isinstance(result, AmendResponse) and result.amended_order.status is OrderStatus.EXPIRED:
        return 0 if isinstance(envelope.request, ApiError) else envelope.request.weight
    return 0
