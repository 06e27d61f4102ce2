"""The public REST reads, answered by the same handlers: other people's clients load symbols and times over REST.

Source: Binance Spot documentation, "REST API", general and market data endpoints.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from cryptotrader.config import TimeUnit
from cryptotrader.protocol.request import REGISTRY
from cryptotrader.simulator.api_requests import decode_request, encode_result
from cryptotrader.simulator.handlers import ApiError, answer
from cryptotrader.simulator.limits import AddressLimits
from cryptotrader.simulator.venue import Exchange
from cryptotrader.transport.serving import PlainAnswer

_PREFIX = "/api/v3/"
_METHODS = {
    "ping": "ping",
    "time": "time",
    "exchangeInfo": "exchangeInfo",
    "executionRules": "executionRules",
    "depth": "depth",
    "trades": "trades.recent",
    "historicalTrades": "trades.historical",
    "historicalBlockTrades": "blockTrades.historical",
    "aggTrades": "trades.aggregate",
    "klines": "klines",
    "uiKlines": "uiKlines",
    "avgPrice": "avgPrice",
    "ticker/24hr": "ticker.24hr",
    "ticker/tradingDay": "ticker.tradingDay",
    "ticker/price": "ticker.price",
    "ticker/bookTicker": "ticker.book",
    "ticker": "ticker",
    "referencePrice": "referencePrice",
    "referencePrice/calculation": "referencePrice.calculation",
}
_OK = 200
_TOO_MANY = -1003
_WEIGHT_OF_REJECTED = 1


def answer_rest(exchange: Exchange, address: AddressLimits, target: str, now_us: int) -> PlainAnswer:
    """Answer one GET.

    Args:
        exchange: Who answers.
        address: Where its weight is counted.
        target: Path and query.
        now_us: Unix time in microseconds.
    """
    path, _, query = target.partition("?")
    method = _METHODS.get(path.removeprefix(_PREFIX)) if path.startswith(_PREFIX) else None
    if method is None:
        return PlainAnswer(404, b'{"code":-1000,"msg":"The local exchange serves no such path."}')
    weight, status, body = _WEIGHT_OF_REJECTED, _OK, b""
    try:
        request = decode_request(REGISTRY[method], _parameters(query))
        weight = request.weight
        body = encode_result(answer(exchange, request, TimeUnit.MILLISECOND))
    except ApiError as error:
        status, body = error.status, msgspec.json.encode({"code": error.code, "msg": error.message})
    excess = address.request(weight, now_us)
    headers = {"X-MBX-USED-WEIGHT-1M": str(address.weight_used)}
    if excess is not None:
        headers["Retry-After"] = str(max(1, -((now_us - excess.until_us) // 1_000_000)))
        refusal = {"code": _TOO_MANY, "msg": excess.message}
        return PlainAnswer(excess.status, msgspec.json.encode(refusal), headers)
    return PlainAnswer(status, body, headers)


def _parameters(query: str) -> dict[str, Any]:
    """Parameters of a query; lists come as JSON texts."""
    sent: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        sent[name] = value
        if value.startswith("["):
            try:
                sent[name] = msgspec.json.decode(value)
            except msgspec.DecodeError:
                continue  # left as it is, it is refused as malformed
    return sent
