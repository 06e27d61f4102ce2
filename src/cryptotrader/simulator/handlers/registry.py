"""Which function answers which request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cryptotrader.config import TimeUnit
from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.protocol.request import Request
from cryptotrader.simulator.handlers.errors import (
    bad_combination,
    bad_symbol,
    duplicate_symbols,
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
    given = {name for name in request.__struct_fields__ if getattr(request, name) is not None}
    if any(rule.broken_by(given) for rule in request.api.rules):
        raise bad_combination()
    return HANDLERS[type(request)](exchange, request, unit)


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
