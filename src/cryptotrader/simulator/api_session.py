"""A client's connection to the WebSocket API: requests in, replies out."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from cryptotrader.models.base_models import RateLimit, RateLimitInterval, RateLimitType
from cryptotrader.simulator import api_requests
from cryptotrader.simulator.encoding import stamp
from cryptotrader.simulator.faults import ConnectionKind, FaultKind
from cryptotrader.simulator.handlers import ApiError, answer
from cryptotrader.simulator.limits import AddressLimits, Excess
from cryptotrader.simulator.session import POLICY_VIOLATION, ExchangeSession, Surroundings
from cryptotrader.simulator.target import Target

_OK = 200
_WEIGHT_OF_REJECTED = 1
_RATE_LIMIT = frozenset({FaultKind.RATE_LIMIT})


class ApiSession(ExchangeSession):
    """Answers its client's requests in the order in which they come."""

    kind: ClassVar[ConnectionKind] = "api"

    def __init__(self, surroundings: Surroundings, address: AddressLimits, target: Target) -> None:
        super().__init__(surroundings, address)
        self._unit = target.unit
        self._return_rate_limits = target.return_rate_limits

    def carries(self, stream: str) -> bool:  # noqa: ARG002 - the other kind does
        """Requests carry no streams."""
        return False

    def _begin(self) -> None:
        """Nothing is sent before the first request."""

    def _end(self) -> None:
        """Nothing is subscribed."""

    def _receive(self, payload: bytes, now_us: int) -> None:
        envelope = api_requests.parse(payload)
        request = envelope.request
        excess = self._excess(_WEIGHT_OF_REJECTED if isinstance(request, ApiError) else request.weight, now_us)
        if excess is not None:
            error = excess.error(stamp(now_us, self._unit), stamp(excess.until_us, self._unit))
            self._reply(envelope, excess.status, b"error", msgspec.json.encode(error))
            if excess.is_ban:
                self.close(POLICY_VIOLATION, "IP banned", now_us)
        elif isinstance(request, ApiError):
            self._refuse(envelope, request)
        else:
            self._surroundings.advance(now_us)  # so that replies agree with the streams at this moment
            try:
                result = answer(self._surroundings.exchange, request, self._unit)
            except ApiError as error:
                self._refuse(envelope, error)
            else:
                self._reply(envelope, _OK, b"result", api_requests.encode_result(result))

    def _excess(self, weight: int, now_us: int) -> Excess | None:
        """Count a request's weight; tells what it exceeds, if anything."""
        excess = self._address.request(weight, now_us)
        if excess is None and (hits := self._faults.hits(_RATE_LIMIT, self.kind)):
            excess = self._address.too_much_weight(now_us + round(hits[0].length * 1e6))
        return excess

    def _refuse(self, envelope: api_requests.Envelope, error: ApiError) -> None:
        body: dict[str, object] = {"code": error.code, "msg": error.message}
        if error.data is not None:
            body["data"] = error.data
        # a symbol that never had a reference price gets its refusal as a result with status 200
        name = b"result" if error.status == _OK else b"error"
        self._reply(envelope, error.status, name, msgspec.json.encode(body))

    def _reply(self, envelope: api_requests.Envelope, status: int, name: bytes, body: bytes) -> None:
        flag = envelope.return_rate_limits
        limits = self._rate_limits() if (self._return_rate_limits if flag is None else flag) else None
        frame = api_requests.encode_reply(envelope.id, status, name, body, limits)
        if self._faults.on_frames or self._held:
            self._send_through_faults(b"", frame)
        else:
            self._send(frame)

    def _rate_limits(self) -> bytes:
        used = RateLimit(
            rate_limit_type=RateLimitType.REQUEST_WEIGHT,
            interval=RateLimitInterval.MINUTE,
            interval_num=1,
            limit=self._limits.weight,
            count=self._address.weight_used,
        )
        return b"[%b]" % used.to_json()

    def _shutdown_event(self, now_us: int) -> bytes:
        return b'{"event":{"e":"serverShutdown","E":%d}}' % stamp(now_us, self._unit)
