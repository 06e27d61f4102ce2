"""The execution rule of the exchange: how far from the reference price a taker may trade.

Source: Binance Spot documentation, "Execution rules". The rule holds for orders of accounts; the crowd stays near the
reference price by itself.
"""

from __future__ import annotations

from decimal import Decimal

from cryptotrader.models.market_models import ExecutionRule
from cryptotrader.simulator.venue.filters import scaled
from cryptotrader.simulator.venue.market import Market
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
