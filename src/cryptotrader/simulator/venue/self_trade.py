"""Self-trade prevention: which orders may not meet, and what each loses when they do.

Source: Binance Spot documentation, "Self trade prevention FAQ": the taker's mode rules; ``TRANSFER`` needs that mode on
both orders and different accounts of one trade group, and is ``DECREMENT`` otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptotrader.models.base_models import SelfTradePreventionMode as Mode
from cryptotrader.simulator.venue.accounts import NO_GROUP, Account
from cryptotrader.simulator.venue.orders import AccountOrder


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
    if mode is Mode.TRANSFER and maker.self_trade_prevention_mode is Mode.TRANSFER:
        return Prevention(mode, quantity, quantity, quantity, transfers=taker.uid != maker.uid)
    return Prevention(Mode.DECREMENT, quantity, quantity, quantity)
