"""Self-trade prevention: which orders may not meet, and what each loses when they do.

Source: Binance Spot documentation, "Self trade prevention FAQ": the taker's mode rules; ``TRANSFER`` needs that mode on
both orders and different accounts of one trade group, and is ``DECREMENT`` otherwise. A routed order that meets one of
another symbol cannot transfer either: what the one gives is not what the other receives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptotrader.models.base_models import SelfTradePreventionMode as Mode
from cryptotrader.models.order_models import ExecutionType, OrderStatus
from cryptotrader.simulator.venue.accounts import NO_GROUP, Account, quote_amount
from cryptotrader.simulator.venue.book import Order
from cryptotrader.simulator.venue.events import PreventedMatch
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import AccountOrder

if TYPE_CHECKING:
    from cryptotrader.simulator.venue.desk import Desk


@dataclass(frozen=True, slots=True)
class Prevention:
    """What a prevented match takes from each order; ``None`` where an order is not touched.

    Attributes:
        mode: The mode in effect.
        quantity: What would have been traded.
        from_taker: Quantity that the taker loses.
        from_maker: Quantity that the maker loses.
        transfers: Whether quantity and notional move between the accounts nevertheless.
    """

    mode: Mode
    quantity: int
    from_taker: int | None
    from_maker: int | None
    transfers: bool = False


def are_one(taker: Account, maker: Account) -> bool:
    """Whether a trade between the accounts would be a self-trade."""
    return taker.uid == maker.uid or (taker.trade_group_id != NO_GROUP and taker.trade_group_id == maker.trade_group_id)


def prevention(taker: AccountOrder, maker: AccountOrder, shown: int) -> Prevention | None:
    """What happens when two orders of one owner meet; ``None`` when they may trade.

    Args:
        taker: The order that comes.
        maker: The order that rests.
        shown: Quantity that the resting order shows.
    """
    mode = taker.self_trade_prevention_mode
    quantity = min(taker.remaining, shown)
    match mode:
        case Mode.NONE:
            return None
        case Mode.EXPIRE_TAKER:
            return Prevention(mode, quantity, taker.remaining, None)
        case Mode.EXPIRE_MAKER:
            return Prevention(mode, quantity, None, maker.remaining)
        case Mode.EXPIRE_BOTH:
            return Prevention(mode, quantity, taker.remaining, maker.remaining)
    both = taker.self_trade_prevention_mode is maker.self_trade_prevention_mode is Mode.TRANSFER
    if both and taker.symbol == maker.symbol:
        return Prevention(mode, quantity, quantity, quantity, transfers=taker.uid != maker.uid)
    return Prevention(Mode.DECREMENT, quantity, quantity, quantity)


def prevent(desk: Desk, market: Market, taker: AccountOrder, maker: Order, now_us: int) -> bool:
    """Keep orders of one owner from trading with each other; ``False`` when they may.

    An order that loses quantity counts as started: the other leg of its OCO pair ends.
    """
    owner, accounts = maker.owner, desk.treasury.accounts
    if owner is None or not are_one(accounts[taker.uid], accounts[owner.uid]):
        return False
    step = prevention(taker, owner, maker.remaining)
    if step is None:
        return False
    match = _record(desk, taker, owner, step, price=maker.price, now_us=now_us)
    if step.from_maker is not None:
        desk.lists.started(owner, now_us)
    if step.from_taker is not None:
        desk.lists.started(taker, now_us)
    if step.transfers:
        quote = quote_amount(maker.price, step.quantity)
        for order in (taker, owner):
            desk.treasury.pay(order, desk.lists.holder(order)[0], step.quantity, quote)
    if step.from_maker is not None:
        if step.from_maker == owner.remaining:
            market.book.cancel(maker.id)
        else:
            side = market.book.side(maker.is_buy)
            market.book.fill(side, side.levels[maker.price], maker, step.from_maker)
        _lose(desk, owner, step.from_maker, match)
    if step.from_taker is not None:
        _lose(desk, taker, step.from_taker, match)
    return True


def _record(
    desk: Desk, taker: AccountOrder, maker: AccountOrder, step: Prevention, *, price: int, now_us: int
) -> PreventedMatch:
    match = PreventedMatch(
        symbol=taker.symbol,
        id=desk.new_id(f"prevented {taker.symbol}"),
        taker_uid=taker.uid,
        maker_uid=maker.uid,
        taker_order_id=taker.id,
        maker_order_id=maker.id,
        maker_symbol=maker.symbol,
        trade_group_id=desk.treasury.accounts[taker.uid].trade_group_id,
        mode=step.mode,
        price=price,
        quantity=step.quantity,
        taker_quantity=step.from_taker,
        maker_quantity=step.from_maker,
        time_us=now_us,
    )
    for key in {(taker.uid, taker.symbol): None, (maker.uid, maker.symbol): None}:
        desk.history.prevented[key].append(match)
    return match


def _lose(desk: Desk, order: AccountOrder, quantity: int, match: PreventedMatch) -> None:
    """Take quantity from an order; one that has none left is over."""
    order.prevented += quantity
    order.prevented_match_id = match.id
    if match.trade_group_id != NO_GROUP:
        order.trade_group_id = match.trade_group_id
    if not order.remaining:
        order.status = OrderStatus.EXPIRED_IN_MATCH
        desk.history.close(order)
    desk.hold(order)
    desk.report(order, ExecutionType.TRADE_PREVENTION, match.time_us, prevented=match, prevented_quantity=quantity)
    desk.lists.after_close(order, match.time_us)
