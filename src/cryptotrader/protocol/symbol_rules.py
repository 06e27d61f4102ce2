"""A symbol's filters on the caller's side: rounding to its steps, and violations by name before anything is sent.

Only what the order and the symbol tell by themselves is checked; filters over averages, open orders or balances are the
exchange's to check.

Source: Binance Spot documentation, "Filters".
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from cryptotrader.models.base_models import (
    IcebergPartsFilter,
    LotSizeFilter,
    MarketLotSizeFilter,
    MinNotionalFilter,
    NotionalFilter,
    OrderType,
    PriceFilter,
    Side,
    SymbolInfo,
    TrailingDeltaFilter,
)
from cryptotrader.protocol.exact import EXACT

AT_MARKET = frozenset({OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT})
_STOP_LOSSES = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})


class SymbolRules:
    """The filters of one symbol.

    Args:
        info: The symbol, as ``exchangeInfo`` tells it.
    """

    def __init__(self, info: SymbolInfo) -> None:
        self.info = info
        self._price = info.filter(PriceFilter)
        self._lot = info.filter(LotSizeFilter)
        self._market_lot = info.filter(MarketLotSizeFilter)
        self._notional = info.filter(NotionalFilter)
        self._min_notional = info.filter(MinNotionalFilter)
        self._parts = info.filter(IcebergPartsFilter)
        self._trailing = info.filter(TrailingDeltaFilter)

    def round_price(self, price: Decimal) -> Decimal:
        """The nearest price on the symbol's tick."""
        return _on_step(price, self._price.tick_size if self._price else Decimal(0), ROUND_HALF_EVEN)

    def round_quantity(self, quantity: Decimal, *, at_market: bool = False) -> Decimal:
        """The quantity on the symbol's step, never more than asked for."""
        step = self._lot.step_size if self._lot else Decimal(0)
        if at_market and self._market_lot is not None and self._market_lot.step_size:
            step = max(step, self._market_lot.step_size)
        return _on_step(quantity, step, ROUND_DOWN)

    def violation(
        self,
        *,
        type: OrderType,  # noqa: A002 - Binance's word
        side: Side,
        price: Decimal | None = None,
        quantity: Decimal | None = None,
        stop_price: Decimal | None = None,
        iceberg_qty: Decimal | None = None,
        trailing_delta: int | None = None,
    ) -> tuple[str, str] | None:
        """The first filter that an order breaks, by its name, and why; ``None`` when it breaks none."""
        at_market = type in AT_MARKET
        checks = (
            *self._of_prices(price, stop_price),
            *self._of_quantities(quantity, iceberg_qty, at_market=at_market),
            *self._of_notional(price, quantity, at_market=at_market),
            *self._of_delta(trailing_delta, above=(side is Side.BUY) == (type in _STOP_LOSSES)),
        )
        return next(((name, why) for name, broken, why in checks if broken), None)

    def _of_prices(self, *prices: Decimal | None) -> Iterator[tuple[str, bool, str]]:
        rule = self._price
        for price in prices:
            if rule is None or price is None:
                continue
            name = "PRICE_FILTER"
            yield name, bool(rule.min_price) and price < rule.min_price, f"{price:f} is below {rule.min_price:f}"
            yield name, bool(rule.max_price) and price > rule.max_price, f"{price:f} is above {rule.max_price:f}"
            yield name, _is_off(price, rule.tick_size), f"{price:f} is no multiple of {rule.tick_size:f}"

    def _of_quantities(
        self, quantity: Decimal | None, iceberg: Decimal | None, *, at_market: bool
    ) -> Iterator[tuple[str, bool, str]]:
        rules: list[tuple[str, LotSizeFilter | MarketLotSizeFilter | None]] = [("LOT_SIZE", self._lot)]
        if at_market:
            rules.append(("MARKET_LOT_SIZE", self._market_lot))
        for name, rule in rules:
            for amount in (quantity, iceberg):
                if rule is None or amount is None:
                    continue
                yield name, amount < rule.min_qty, f"{amount:f} is below {rule.min_qty:f}"
                yield name, bool(rule.max_qty) and amount > rule.max_qty, f"{amount:f} is above {rule.max_qty:f}"
                yield name, _is_off(amount, rule.step_size), f"{amount:f} is no multiple of {rule.step_size:f}"
        if self._parts is not None and quantity is not None and iceberg:
            parts = EXACT.divide(quantity, iceberg).to_integral_value(ROUND_CEILING, EXACT)
            yield "ICEBERG_PARTS", parts > self._parts.limit, f"{parts} parts are more than {self._parts.limit}"

    def _of_notional(
        self, price: Decimal | None, quantity: Decimal | None, *, at_market: bool
    ) -> Iterator[tuple[str, bool, str]]:
        if price is None or quantity is None or at_market:
            return
        value = EXACT.multiply(price, quantity)
        if self._notional is not None:
            least, most = self._notional.min_notional, self._notional.max_notional
            yield "NOTIONAL", value < least, f"{value:f} is below {least:f}"
            yield "NOTIONAL", bool(most) and value > most, f"{value:f} is above {most:f}"
        if self._min_notional is not None:
            least = self._min_notional.min_notional
            yield "MIN_NOTIONAL", value < least, f"{value:f} is below {least:f}"

    def _of_delta(self, delta: int | None, *, above: bool) -> Iterator[tuple[str, bool, str]]:
        rule = self._trailing
        if rule is None or delta is None:
            return
        least = rule.min_trailing_above_delta if above else rule.min_trailing_below_delta
        most = rule.max_trailing_above_delta if above else rule.max_trailing_below_delta
        yield "TRAILING_DELTA", not least <= delta <= most, f"{delta} is not between {least} and {most}"


def _on_step(amount: Decimal, step: Decimal, rounding: str) -> Decimal:
    return EXACT.multiply(EXACT.divide(amount, step).to_integral_value(rounding, EXACT), step) if step else amount


def _is_off(amount: Decimal, step: Decimal) -> bool:
    return bool(step) and bool(EXACT.remainder(amount, step))
