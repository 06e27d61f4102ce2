"""Which function answers which request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cryptotrader.config import TimeUnit
from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.protocol.request import Request
from cryptotrader.simulator.handlers.errors import (
    BAD_REQUEST,
    ApiError,
    bad_symbol,
    duplicate_symbols,
    not_supported,
    status_mismatch,
)
from cryptotrader.simulator.venue import Exchange, Market

Handler = Callable[[Exchange, Any, TimeUnit], Any]
H = TypeVar("H", bound=Handler)

HANDLERS: dict[type[Request[Any]], Handler] = {}


def handles(request: type[Request[Any]]) -> Callable[[H], H]:
    """Register a function as the one that answers a request."""

    def register(handler: H) -> H:
        HANDLERS[request] = handler
        return handler

    return register


def answer(exchange: Exchange, request: Request[Any], unit: TimeUnit) -> Any:
    """The result of a request: a model, or a list of models.

    Raises:
        ApiError: The exchange refuses.
    """
    if broken := request.violation():
        raise ApiError(BAD_REQUEST, broken.code, broken.text)
    handler = HANDLERS.get(type(request))
    if handler is None:
        raise not_supported()
    return handler(exchange, request, unit)


def one_market(exchange: Exchange, symbol: str, status: SymbolStatusFilter | None = None) -> Market:
    """The market of a symbol, in the asked phase.

    Raises:
        ApiError: No such symbol, or another phase.
    """
    market = exchange.markets.get(symbol)
    if market is None:
        raise bad_symbol()
    if status is not None and market.status.value != status.value:
        raise status_mismatch()
    return market


def markets(
    exchange: Exchange, symbols: tuple[str, ...] | None, status: SymbolStatusFilter | None = None
) -> list[Market]:
    """The markets of the symbols, or all of them, as far as they are in the asked phase.

    Raises:
        ApiError: No such symbol, or a symbol named twice.
    """
    if symbols is not None and len(set(symbols)) < len(symbols):
        raise duplicate_symbols()
    names = exchange.markets if symbols is None else symbols
    found = [one_market(exchange, name) for name in names]
    return [market for market in found if status is None or market.status.value == status.value]
