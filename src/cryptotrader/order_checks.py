"""What is settled of an order before it is sent: its client order ids, its amounts, and the filters it has to pass.

Source: Binance Spot documentation, "Filters".
"""

from __future__ import annotations

import asyncio
import secrets
import string
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec

from cryptotrader.base_operations import ApiConnection
from cryptotrader.config import PATIENCE_SECONDS
from cryptotrader.errors import ConfigurationError, ConnectFailed, FilterViolated, OutcomeUnknown, RequestRejected
from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.models.market_models import ExchangeInfo
from cryptotrader.protocol.request import Request
from cryptotrader.protocol.symbol_rules import AT_MARKET, SymbolRules
from cryptotrader.requests import ExchangeInfoRequest, OrderAmendKeepPriorityRequest

R = TypeVar("R", bound=Request[Any])

ID_PREFIX = "ct-"
_ID_LENGTH = 20
_LONGEST_ID = 36
_QUESTIONS = 3
_NO_SUCH_SYMBOL = -1121
_GOOD_SECONDS = 24 * 3600.0
"""Filters change a few times a year; none is trusted longer."""
_REFUSING_SECONDS = 60.0
"""Filters that are older are read again before an order is refused for them."""
_BASE62 = string.digits + string.ascii_letters
_CLIENT_ID = "client_order_id"
_SHARED_BY_LEGS = ("side", "quantity")


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """How orders are placed.

    Attributes:
        id_prefix: What the client order ids begin with.
        check_filters: Hold orders against their symbol's filters before they are sent.
        round_to_filters: Bring prices to the nearest tick and quantities down to the step.
        patience: Seconds to wait for request weight and order budget before ``RateLimited`` is raised.
    """

    id_prefix: str = ID_PREFIX
    check_filters: bool = True
    round_to_filters: bool = False
    patience: float = PATIENCE_SECONDS


class ClientIds:
    """Random client order ids with a prefix; 20 base62 characters do not meet twice.

    Args:
        prefix: What they begin with.

    Raises:
        ConfigurationError: The prefix is too long, or of characters that Binance does not take.
    """

    def __init__(self, prefix: str = ID_PREFIX) -> None:
        if len(prefix) + _ID_LENGTH > _LONGEST_ID or not set(prefix) <= set(_BASE62 + "-_"):
            raise ConfigurationError(f"client order ids cannot begin with {prefix!r}")
        self._prefix = prefix

    def new(self) -> str:
        """An id that was never used."""
        return self._prefix + "".join(secrets.choice(_BASE62) for _ in range(_ID_LENGTH))

    def complete(self, request: R) -> R:
        """The request with an id wherever it places an order and has none."""
        names = [
            name
            for name in request.__struct_fields__
            if _is_own_id(name) and getattr(request, name) is None and _has_leg(request, name)
        ]
        return msgspec.structs.replace(request, **{name: self.new() for name in names})


def _is_own_id(name: str) -> bool:
    """Whether a field names an order or a list that is being placed."""
    return name.endswith(_CLIENT_ID) and "orig" not in name and name != "cancel_new_client_order_id"


def _has_leg(request: Request[Any], name: str) -> bool:
    """Whether the order that a field names is part of the request; the lower leg of a pair may be left out."""
    kind = name.removesuffix(_CLIENT_ID) + "type"
    return kind not in request.__struct_fields__ or getattr(request, kind) is not None


def own_ids(request: Request[Any]) -> list[str]:
    """The client order ids of what a request places, a list's own among them, in its order."""
    names = filter(_is_own_id, request.__struct_fields__)
    return [getattr(request, name) for name in names if getattr(request, name) is not None]


def order_ids(request: Request[Any]) -> list[str]:
    """The client order ids of the orders that a request places, in its order."""
    listed = getattr(request, "list_client_order_id", None)
    return [each for each in own_ids(request) if each != listed]


class _Leg(NamedTuple):
    """One order of a request: what its fields begin with, and its amounts."""

    prefix: str
    type: OrderType
    side: Side
    amounts: dict[str, Decimal]
    trailing_delta: int | None


class _Known(NamedTuple):
    """A symbol's filters, and when they were read by the event loop's clock."""

    rules: SymbolRules
    read_at: float


class FilterCheck:
    """The filters of symbols, kept for a day.

    Args:
        api: The connection.
        rounds: Bring prices to the nearest tick and quantities down to the step first.
        checks: Check at all.
    """

    def __init__(self, api: ApiConnection, *, rounds: bool = False, checks: bool = True) -> None:
        self._api = api
        self._rounds = rounds
        self._checks = checks
        self._known: dict[str, _Known] = {}

    async def passed(self, request: R, symbol: str) -> R:
        """The request, rounded if so asked, once its own rules and the symbol's filters are kept.

        What is given as text, such as the type, comes back as what it stands for.

        Raises:
            FilterViolated: A filter is broken; nothing was sent.
            RequestInvalid: The request breaks a documented rule; nothing was sent.
            RequestRejected: The exchange has no such symbol.
            ConnectFailed: The filters could not be read; nothing was sent.
        """
        request = request.checked()
        if not self._checks and not self._rounds:
            return request
        try:
            return self._held_against(request, await self.rules(symbol))
        except FilterViolated:
            if self._age(symbol) < _REFUSING_SECONDS:
                raise
        return self._held_against(request, await self.rules(symbol, longest=_REFUSING_SECONDS))

    def _held_against(self, request: R, rules: SymbolRules) -> R:
        if self._rounds:
            request = _rounded(request, rules)
        for leg in _legs(request) if self._checks else ():
            _check(request.api.name, leg, rules)
        return request

    async def rules(self, symbol: str, longest: float = _GOOD_SECONDS) -> SymbolRules:
        """The filters of a symbol, read anew when they are ``longest`` seconds old; errors as ``passed``."""
        if self._age(symbol) >= longest:
            info = await self._read(ExchangeInfoRequest(symbol=symbol))
            self._known[symbol] = _Known(SymbolRules(info.symbols[0]), asyncio.get_running_loop().time())
        return self._known[symbol].rules

    def _age(self, symbol: str) -> float:
        known = self._known.get(symbol)
        return float("inf") if known is None else asyncio.get_running_loop().time() - known.read_at

    async def _read(self, request: ExchangeInfoRequest) -> ExchangeInfo:
        """Ask, and ask again: a question has no effect. Nobody is to think that an order's outcome is unknown."""
        try:
            for _ in range(_QUESTIONS - 1):
                with suppress(OutcomeUnknown):
                    return await self._api.call(request)
            return await self._api.call(request)
        except RequestRejected as error:
            if error.code != _NO_SUCH_SYMBOL:
                raise
            what = f"{request.symbol}: {error.message}"
            raise RequestRejected(error.method, error.status, error.code, what, error.data) from error
        except OutcomeUnknown as error:
            raise ConnectFailed(f"the filters of {request.symbol} could not be read: {error}") from error

    def forget(self) -> None:
        """The exchange's filters may not be the ones that are known: read them again when next needed."""
        self._known.clear()


def _legs(request: Request[Any]) -> Iterator[_Leg]:
    """Each order that a request places or amends."""
    if isinstance(request, OrderAmendKeepPriorityRequest):
        # what can be amended is a limit order; its side matters to trailing orders only
        yield _Leg("", OrderType.LIMIT, Side.BUY, {"quantity": Decimal(request.new_qty)}, None)
    fields = request.__struct_fields__
    for name in fields:
        if not (name == "type" or name.endswith("_type")) or not isinstance(getattr(request, name), OrderType):
            continue
        prefix = name.removesuffix("type")
        given = {each: _of_leg(request, prefix, each) for each in ("price", "quantity", "stop_price", "iceberg_qty")}
        yield _Leg(
            prefix,
            getattr(request, name),
            _of_leg(request, prefix, "side"),
            {each: Decimal(value) for each, value in given.items() if value is not None},
            _of_leg(request, prefix, "trailing_delta"),
        )


def _of_leg(request: Request[Any], prefix: str, field: str) -> Any:
    """A leg's field; legs of a pair share side and quantity: ``pending_above_type`` goes with ``pending_side``."""
    while True:
        if prefix + field in request.__struct_fields__:
            return getattr(request, prefix + field)
        if not prefix or field not in _SHARED_BY_LEGS:
            return None
        prefix = "_".join([*prefix.split("_")[:-2], ""]) if prefix.count("_") > 1 else ""


def _check(method: str, leg: _Leg, rules: SymbolRules) -> None:
    found = rules.violation(type=leg.type, side=leg.side, trailing_delta=leg.trailing_delta, **leg.amounts)
    if found is not None:
        name, why = found
        raise FilterViolated(rules.info.symbol, name, f"{leg.prefix.replace('_', ' ')}{why}", method=method)


def _rounded(request: R, rules: SymbolRules) -> R:
    """Prices on the nearest tick, quantities down to the step."""
    kinds = {each.prefix: each.type for each in _legs(request)}
    at_market = bool(kinds) and all(kind in AT_MARKET for kind in kinds.values())
    changed: dict[str, Decimal] = {}
    for name in request.__struct_fields__:
        value = getattr(request, name)
        if value is None or name == "quote_order_qty":
            continue
        if name.endswith("price"):
            changed[name] = rules.round_price(Decimal(value))
        elif name.endswith(("quantity", "iceberg_qty", "new_qty")):
            changed[name] = rules.round_quantity(Decimal(value), at_market=at_market)
    return msgspec.structs.replace(request, **changed)
