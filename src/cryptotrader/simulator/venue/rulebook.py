"""What each symbol allows: feature flags, order types, self-trade prevention modes, permissions and filters.

Source: Binance Spot documentation, "Exchange information", "Filters" and the texts of "Error codes".
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptotrader.models.base_models import (
    Filter,
    KnownFilter,
    LotSizeFilter,
    MarketLotSizeFilter,
    OrderType,
    SelfTradePreventionMode,
    SymbolInfo,
    SymbolStatus,
)
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.filters import FilterSet, scaled
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import CONTINGENT, MARKET_TYPES, NewOrder
from cryptotrader.simulator.venue.rejections import UNSUPPORTED_COMBINATION, order_rejected, refused

_TYPE_NAMES = {
    OrderType.LIMIT: "Limit",
    OrderType.LIMIT_MAKER: "Limit maker",
    OrderType.MARKET: "Market",
    OrderType.STOP_LOSS: "Stop loss",
    OrderType.STOP_LOSS_LIMIT: "Stop loss limit",
    OrderType.TAKE_PROFIT: "Take profit",
    OrderType.TAKE_PROFIT_LIMIT: "Take profit limit",
}


class SymbolRules:
    """The rules of one symbol, ready to be checked.

    Args:
        info: As ``exchangeInfo`` shows it.
        others: Filters of the exchange and of assets.

    Attributes:
        filters: All of them.
        lot: Step of a quantity.
        market_lot: Step of a quantity at market, which keeps to both steps.
        least: Least quantity.
    """

    def __init__(self, info: SymbolInfo, others: Sequence[Filter]) -> None:
        self.info = info
        self.others = others
        self.filters = FilterSet((*info.filters, *others))
        lot, at_market = info.filter(LotSizeFilter), info.filter(MarketLotSizeFilter)
        self.lot = max(1, scaled(lot.step_size)) if lot else 1
        self.market_lot = max(self.lot, scaled(at_market.step_size)) if at_market else self.lot
        self.least = max(1, scaled(lot.min_qty)) if lot else 1


class Rulebook:
    """Rules of all symbols; a symbol's are compiled anew when its information is replaced.

    Attributes:
        exchange_filters: Limits on all symbols together.
        asset_filters: Limits on one order's amount of an asset.
    """

    def __init__(self) -> None:
        self.exchange_filters: tuple[KnownFilter, ...] = ()
        self.asset_filters: tuple[KnownFilter, ...] = ()
        self._rules: dict[str, SymbolRules] = {}

    def of(self, market: Market) -> SymbolRules:
        """The rules of a market."""
        others = self.exchange_filters + self.asset_filters
        rules = self._rules.get(market.listing.symbol)
        if rules is None or rules.info is not market.info or rules.others != others:
            rules = self._rules[market.listing.symbol] = SymbolRules(market.info, others)
        return rules


def mode_of(new: NewOrder, info: SymbolInfo) -> SelfTradePreventionMode:
    """The self-trade prevention mode of an order."""
    return new.self_trade_prevention_mode or info.default_self_trade_prevention_mode


def check_allowed(new: NewOrder, market: Market, account: Account) -> None:
    """Check an order against the symbol's flags and the account's rights.

    Raises:
        Rejection: Something is switched off or not permitted.
    """
    info = market.info
    if market.status is not SymbolStatus.TRADING:
        raise refused("Market is closed.")
    if not account.can_trade:
        raise order_rejected("This action is disabled on this account.")
    if not all(set(choice) & set(account.permissions) for choice in info.permission_sets):
        raise order_rejected("This symbol is not permitted for this account.")
    if new.type not in info.order_types:
        raise refused(f"{_TYPE_NAMES.get(new.type, new.type)} orders are not supported for this symbol.")
    features = (
        (new.iceberg_quantity, info.iceberg_allowed, "Iceberg orders are not supported for this symbol."),
        (
            new.quote_quantity,
            info.quote_order_qty_market_allowed,
            "Quote order qty market orders are not support for this symbol.",
        ),
        (new.trailing_delta, info.allow_trailing_stop, "Trailing stop orders are not supported for this symbol."),
        (new.peg_price_type, info.peg_instructions_allowed, "Pegged orders are not supported for this symbol."),
    )
    for asked, allowed, text in features:
        if asked and not allowed:
            raise refused(text)
    mode = mode_of(new, info)
    forbidden = mode is SelfTradePreventionMode.NONE and account.require_self_trade_prevention
    if mode not in info.allowed_self_trade_prevention_modes or forbidden:
        raise refused("This symbol does not allow the specified self-trade prevention mode.")


def check_form(new: NewOrder, *, has_quantity: bool = True) -> None:
    """Check that an order's amounts go together; which parameters do is checked before, by ``protocol.order_rules``.

    Args:
        new: The order.
        has_quantity: Whether it must say how much; pending legs of OPO lists do not.

    Raises:
        Rejection: They do not.
    """
    if new.type not in MARKET_TYPES and new.peg_price_type is None and new.price <= 0:
        raise refused("Price * QTY is zero or less.")
    if has_quantity and new.quantity <= 0 and new.quote_quantity <= 0:
        raise refused("Price * QTY is zero or less.")
    if new.iceberg_quantity > new.quantity > 0:
        raise refused("IcebergQty exceeds QTY.")
    if new.type in CONTINGENT and not new.stop_price and not new.trailing_delta:
        raise order_rejected(UNSUPPORTED_COMBINATION)
