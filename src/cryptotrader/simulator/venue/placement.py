"""Placing single orders: what is checked, in which order, and what comes of it."""

from __future__ import annotations

from copy import copy

from cryptotrader.models.base_models import OrderType
from cryptotrader.models.order_models import WorkingFloor
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.desk import Desk
from cryptotrader.simulator.venue.events import Placement
from cryptotrader.simulator.venue.filters import Counts, Situation
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import CONTINGENT, AccountOrder, NewOrder, record
from cryptotrader.simulator.venue.pegs import pegged_price
from cryptotrader.simulator.venue.rejections import (
    BAD_SYMBOL,
    DUPLICATE_ORDER,
    UNSUPPORTED_COMBINATION,
    Rejection,
    order_rejected,
)
from cryptotrader.simulator.venue.rulebook import check_allowed, check_form, mode_of

_ROUTED_TYPES = (OrderType.LIMIT, OrderType.MARKET)


def market_of(desk: Desk, symbol: str) -> Market:
    """The market of a symbol.

    Raises:
        Rejection: It is not listed (-1121).
    """
    market = desk.markets.get(symbol)
    if market is None:
        raise Rejection(BAD_SYMBOL, "Invalid symbol.")
    return market


def check_order(desk: Desk, account: Account, new: NewOrder, now_us: int) -> None:
    """All that is checked before an order comes to matching.

    Raises:
        Rejection: The symbol, the account or a filter does not admit it.
    """
    market = market_of(desk, new.symbol)
    check_allowed(new, market, account)
    check_form(new)
    check_filters(desk, account, new, added([new]), now_us)


def added(orders: list[NewOrder], lists: int = 0) -> Counts:
    """What a request adds to the open orders."""
    return Counts(
        orders=len(orders),
        algos=sum(order.type in CONTINGENT for order in orders),
        icebergs=sum(bool(order.iceberg_quantity) for order in orders),
        lists=lists,
    )


def check_filters(desk: Desk, account: Account, new: NewOrder, adding: Counts, now_us: int) -> None:
    """Check an order against all filters.

    Args:
        desk: Where it is sent.
        account: Whose it is.
        new: The order.
        adding: What its whole request adds to the open orders.
        now_us: Current time.

    Raises:
        Rejection: One is violated, or there is nothing to peg to.
    """
    market = desk.markets[new.symbol]
    is_pegged = new.peg_price_type is not None and new.type not in CONTINGENT
    everywhere = desk.history.counts_everywhere(account.uid) if desk.rulebook.exchange_filters else Counts()
    situation = Situation(
        market=market,
        now_us=now_us,
        pegged_price=pegged_price(new, market.book) if is_pegged else 0,
        on_symbol=desk.history.counts(account.uid, new.symbol).plus(adding),
        on_exchange=everywhere.plus(adding),
        position=lambda: account.total(market.listing.base) + desk.history.open_buys(account.uid, new.symbol),
    )
    desk.rulebook.of(market).filters.check(new, situation)


def build(desk: Desk, account: Account, new: NewOrder, now_us: int) -> AccountOrder:
    """The record of an order, not yet kept.

    Raises:
        Rejection: Its client order id belongs to an open order.
    """
    market = desk.markets[new.symbol]
    if new.client_order_id and desk.history.is_open_client_id(account.uid, new.symbol, new.client_order_id):
        raise order_rejected(DUPLICATE_ORDER)
    return record(
        new,
        uid=account.uid,
        number=market.new_order_id(),
        client_order_id=new.client_order_id or desk.new_client_order_id(),
        mode=mode_of(new, market.info),
        now_us=now_us,
    )


def place(desk: Desk, account: Account, new: NewOrder, now_us: int, *, routed: bool = False) -> Placement:
    """Take in a checked order and let it do what it does at once.

    Raises:
        Rejection: Matching does not take it; nothing has changed.
    """
    order = build(desk, account, new, now_us)
    if routed:
        order.used_sor, order.working_floor = True, WorkingFloor.EXCHANGE
    desk.prepare(order, now_us)
    desk.hold(order)
    desk.accept(order, now_us)
    return run(desk, order, now_us)


def run(desk: Desk, order: AccountOrder, now_us: int) -> Placement:
    """Begin an accepted order; returns what it did, without what that led to."""
    key = order.uid, order.symbol
    fills, prevented = desk.history.executions[key], desk.history.prevented[key]
    first_fill, first_prevented = len(fills), len(prevented)
    desk.begin(order, now_us)
    return Placement(
        order=copy(order),
        fills=[item for item in fills[first_fill:] if item.order_id == order.id],
        prevented=[item for item in prevented[first_prevented:] if item.taker_order_id == order.id],
    )


def check_routed(desk: Desk, account: Account, new: NewOrder) -> None:
    """Check that an order may use smart order routing.

    Raises:
        Rejection: Its symbol, type or account may not.
    """
    market_of(desk, new.symbol)
    if account.prevent_sor:
        raise order_rejected("This action is disabled on this account.")
    if not desk.router.markets_of(new.symbol) or new.type not in _ROUTED_TYPES or new.quote_quantity:
        raise order_rejected(UNSUPPORTED_COMBINATION)
    if new.peg_price_type is not None:
        raise order_rejected(UNSUPPORTED_COMBINATION)
