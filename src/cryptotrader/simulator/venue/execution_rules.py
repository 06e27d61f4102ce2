"""How far an account's order is matched, and why what is left of it does not go to the book.

No taker trades further from the reference price than the exchange's execution rule says; the crowd stays near it by
itself. Source: Binance Spot documentation, "Execution rules" and "Expiry reason".
"""

from __future__ import annotations

from decimal import Decimal

from cryptotrader.models.base_models import TimeInForce
from cryptotrader.models.market_models import ExecutionRule
from cryptotrader.models.order_models import ExpiryReason
from cryptotrader.simulator.venue.filters import scaled
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.statistics import reference_price
from cryptotrader.simulator.venue.symbols import UNIT

_UP, _DOWN = Decimal("1.1000"), Decimal("0.9000")
PRICE_RANGE = ExecutionRule(
    rule_type="PRICE_RANGE",
    bid_limit_mult_up=_UP,
    bid_limit_mult_down=_DOWN,
    ask_limit_mult_up=_UP,
    ask_limit_mult_down=_DOWN,
)
"""The rule as ``executionRules`` shows it."""


def taker_bound(market: Market, now_us: int, *, is_buy: bool) -> int | None:
    """The worst price at which a taker may trade now; ``None`` where there is no reference price."""
    reference = reference_price(market, now_us)
    if reference is None:
        return None
    return reference * scaled(_UP if is_buy else _DOWN) // UNIT


def tighter(first: int | None, second: int | None, *, is_buy: bool) -> int | None:
    """The worse price that both limits of a taker allow; ``None`` stands for any price."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second) if is_buy else max(first, second)


def why_over(order: AccountOrder, *, was_stopped: bool) -> ExpiryReason | None:
    """Why the rest of a matched order does not go to the book; ``None`` when it does.

    Args:
        order: Which was matched.
        was_stopped: Whether there is more that it would take if it were not for the execution rule.
    """
    if was_stopped:
        return ExpiryReason.EXECUTION_RULE_PRICE_RANGE_EXCEEDED
    if order.is_at_market:
        return ExpiryReason.INSUFFICIENT_LIQUIDITY
    if order.time_in_force is TimeInForce.IOC:
        return ExpiryReason.UNFILLED_IOC_QUANTITY_EXPIRED
    if order.time_in_force is TimeInForce.FOK:
        return ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED
    return None
