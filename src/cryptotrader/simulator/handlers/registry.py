"""Which function answers which request.

Three kinds of requests are answered from three places: public ones from the exchange, those of an account from its
caller, and those about the connection from its conversation.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cryptotrader.config import TimeUnit
from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.models.order_models import OrderRateLimitExceededMode
from cryptotrader.protocol.request import Request
from cryptotrader.simulator.api_errors import (
    BAD_REQUEST,
    ApiError,
    bad_symbol,
    duplicate_symbols,
    not_supported,
    status_mismatch,
)
from cryptotrader.simulator.conversation import Conversation
from cryptotrader.simulator.encoding import stamp
from cryptotrader.simulator.limits import Excess
from cryptotrader.simulator.order_counts import OrderCounts
from cryptotrader.simulator.venue import Exchange, Market
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.history import History
from cryptotrader.simulator.venue.rejections import CANCEL_REJECTED, NEW_ORDER_REJECTED, Rejection
from cryptotrader.simulator.venue.trading import Trading

_REFUSED_BY_MATCHING = frozenset({NEW_ORDER_REJECTED, CANCEL_REJECTED, -2021, -2022})
"""Errors of orders that count as sent in all the same."""


@dataclass(frozen=True)
class Caller:
    """Who asks for something of an account.

    Attributes:
        exchange: Where.
        uid: Whose account it is.
        counts: Unfilled orders of all accounts.
        excess: The limit of unfilled orders that the request exceeds; only a cancel-replace comes so far.
    """

    exchange: Exchange
    uid: int
    counts: OrderCounts
    excess: Excess | None = None

    @property
    def account(self) -> Account:
        """The account."""
        return self.exchange.trading.account(self.uid)

    @property
    def trading(self) -> Trading:
        """What accounts may do."""
        return self.exchange.trading

    @property
    def history(self) -> History:
        """What accounts did."""
        return self.exchange.desk.history


PublicHandler = Callable[[Exchange, Any, TimeUnit], Any]
AccountHandler = Callable[[Caller, Any, TimeUnit], Any]
ConversationHandler = Callable[[Conversation, Any, TimeUnit], Any]
H = TypeVar("H", bound=Callable[..., Any])
P = TypeVar("P", bound=PublicHandler)
A = TypeVar("A", bound=AccountHandler)
C = TypeVar("C", bound=ConversationHandler)

PUBLIC: dict[type[Request[Any]], PublicHandler] = {}
OF_ACCOUNT: dict[type[Request[Any]], AccountHandler] = {}
OF_CONVERSATION: dict[type[Request[Any]], ConversationHandler] = {}
HANDLERS: ChainMap[type[Request[Any]], Callable[..., Any]] = ChainMap({}, PUBLIC, OF_ACCOUNT, OF_CONVERSATION)


def _register(table: MutableMapping[type[Request[Any]], Any], request: type[Request[Any]]) -> Callable[[H], H]:
    def register(handler: H) -> H:
        table[request] = handler
        return handler

    return register


def handles(request: type[Request[Any]]) -> Callable[[P], P]:
    """Register a function as the one that answers a public request."""
    return _register(PUBLIC, request)


def handles_account(request: type[Request[Any]]) -> Callable[[A], A]:
    """Register a function as the one that answers a request of an account."""
    return _register(OF_ACCOUNT, request)


def handles_conversation(request: type[Request[Any]]) -> Callable[[C], C]:
    """Register a function as the one that answers a request about the connection."""
    return _register(OF_CONVERSATION, request)


def answer(exchange: Exchange, request: Request[Any], unit: TimeUnit) -> Any:
    """The result of a public request: a model, or a list of models.

    Raises:
        ApiError: The exchange refuses.
    """
    if broken := request.violation():
        raise ApiError(BAD_REQUEST, broken.code, broken.text)
    handler = PUBLIC.get(type(request))
    if handler is None:
        raise not_supported()
    return handler(exchange, request, unit)


def answer_caller(caller: Caller, request: Request[Any], unit: TimeUnit) -> Any:
    """The result of an account's request, which was checked when it was read; new orders are counted.

    Raises:
        ApiError: The exchange refuses.
    """
    handler, orders = OF_ACCOUNT[type(request)], type(request).api.orders
    if orders:
        excess = caller.counts.excess(caller.uid, orders)
        if excess is not None and not cancels_only(request):
            raise too_many_orders(excess, caller.exchange.now_us, unit)
        if excess is not None:
            caller, orders = replace(caller, excess=excess), 0
        caller.counts.add(caller.uid, orders)
    try:
        return handler(caller, request, unit)
    except Rejection as rejection:
        error = ApiError(BAD_REQUEST, rejection.code, rejection.message)
        error.__cause__ = rejection
    except ApiError as refusal:
        error = refusal
    if orders and error.code not in _REFUSED_BY_MATCHING:
        caller.counts.add(caller.uid, -orders)
    raise error


def cancels_only(request: Request[Any]) -> bool:
    """Whether a cancel-replace is to cancel even when too many orders are unfilled."""
    mode = getattr(request, "order_rate_limit_exceeded_mode", None)
    return mode is OrderRateLimitExceededMode.CANCEL_ONLY


def too_many_orders(excess: Excess, now_us: int, unit: TimeUnit) -> ApiError:
    """Too many orders of the account are unfilled."""
    data = {"serverTime": stamp(now_us, unit), "retryAfter": stamp(excess.until_us, unit)}
    return ApiError(excess.status, excess.code, excess.message, data)


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
