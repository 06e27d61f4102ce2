"""What the local exchange lists: assets, plausible prices, and the steps of price and quantity.

All amounts are integers at 10^-8, like everything in the venue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from zlib import crc32

from msgspec import to_builtins

from cryptotrader.errors import UnknownSymbol
from cryptotrader.models.base_models import (
    IcebergPartsFilter,
    LotSizeFilter,
    MarketLotSizeFilter,
    MaxNumAlgoOrdersFilter,
    MaxNumOrderAmendsFilter,
    MaxNumOrderListsFilter,
    MaxNumOrdersFilter,
    Model,
    NotionalFilter,
    OrderType,
    PercentPriceBySideFilter,
    PriceFilter,
    RawFilter,
    SelfTradePreventionMode,
    SymbolInfo,
    SymbolStatus,
    TrailingDeltaFilter,
    plain,
)

UNIT = 10**8

# Plausible worth in US dollars; other assets get one from their name.
_WORTH = {
    "BTC": "95000", "ETH": "3400", "BNB": "650", "SOL": "180", "XRP": "2.2", "ADA": "0.9", "DOGE": "0.32",
    "TRX": "0.25", "LTC": "105", "LINK": "22", "AVAX": "38", "DOT": "7", "BCH": "450", "UNI": "12", "ATOM": "7",
    "NEO": "15", "XLM": "0.4", "SHIB": "0.00002", "PEPE": "0.00001", "MATIC": "0.5", "ETC": "27", "FIL": "5",
    "USDT": "1", "USDC": "1", "FDUSD": "1", "TUSD": "1", "USDP": "1", "DAI": "1", "BUSD": "1", "USD1": "1",
    "EUR": "1.08", "AEUR": "1.08", "EURI": "1.08", "GBP": "1.27", "TRY": "0.029", "BRL": "0.18", "JPY": "0.0066",
    "ARS": "0.001", "MXN": "0.05", "PLN": "0.25", "RON": "0.22", "CZK": "0.043", "ZAR": "0.055", "UAH": "0.024",
    "COP": "0.00024", "IDR": "0.000063", "AUD": "0.65", "RUB": "0.011", "NGN": "0.00065", "BIDR": "0.000063",
}  # fmt: skip
_QUOTES = sorted(
    (
        *("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "DAI", "USD1", "BTC", "ETH", "BNB", "EUR", "AEUR", "EURI"),
        *("GBP", "TRY", "BRL", "JPY", "ARS", "MXN", "PLN", "RON", "CZK", "ZAR", "UAH", "COP", "IDR", "AUD", "RUB"),
        *("NGN", "BIDR", "TRX", "XRP", "DOGE", "SOL", "DOT"),
    ),
    key=len,
    reverse=True,
)


@dataclass(frozen=True)
class Listing:
    """One listed symbol.

    Attributes:
        symbol: In upper case.
        base: Base asset.
        quote: Quote asset.
        price: Where trading starts.
        tick: Step of a price.
        lot: Step of a quantity.
        typical: A usual quantity of one order.
    """

    symbol: str
    base: str
    quote: str
    price: int
    tick: int
    lot: int
    typical: int


def list_symbol(symbol: str) -> Listing:
    """List a symbol.

    Raises:
        UnknownSymbol: The name does not end in a quote asset that the exchange has.
    """
    symbol = symbol.upper()
    quote = next((asset for asset in _QUOTES if symbol.endswith(asset) and len(symbol) > len(asset)), None)
    if quote is None:
        raise UnknownSymbol(symbol, "the local exchange has no quote asset that this name ends in")
    base = symbol.removesuffix(quote)
    price = _worth(base) / _worth(quote)
    tick = max(1, _power_of_ten(price / 1_000_000))
    lot = max(1, _power_of_ten(Decimal(5) / _worth(base)))
    typical = max(1, int(Decimal(500) / _worth(base) * UNIT) // lot) * lot
    return Listing(symbol, base, quote, max(1, int(price * UNIT) // tick) * tick, tick, lot, typical)


def _worth(asset: str) -> Decimal:
    known = _WORTH.get(asset)
    return Decimal(known) if known else Decimal(1 + crc32(asset.encode()) % 9999) / 100


def _power_of_ten(value: Decimal) -> int:
    """The power of ten at or below ``value``, as an integer at 10^-8."""
    return int(Decimal(1).scaleb(value.adjusted()) * UNIT)


def _filters(listing: Listing) -> list[Model]:
    tick, lot = (Decimal(step).scaleb(-8) for step in (listing.tick, listing.lot))
    most = max(Decimal(9000), lot * 10**7)
    return [
        PriceFilter(min_price=tick, max_price=tick * 10**9, tick_size=tick),
        LotSizeFilter(min_qty=lot, max_qty=most, step_size=lot),
        IcebergPartsFilter(limit=100),
        MarketLotSizeFilter(min_qty=Decimal("0E-8"), max_qty=most / 10, step_size=Decimal("0E-8")),
        TrailingDeltaFilter(
            min_trailing_above_delta=10,
            max_trailing_above_delta=2000,
            min_trailing_below_delta=10,
            max_trailing_below_delta=2000,
        ),
        PercentPriceBySideFilter(
            bid_multiplier_up=Decimal(5),
            bid_multiplier_down=Decimal("0.2"),
            ask_multiplier_up=Decimal(5),
            ask_multiplier_down=Decimal("0.2"),
            avg_price_mins=5,
        ),
        NotionalFilter(
            min_notional=5 / _worth(listing.quote).quantize(Decimal("1E-8")),
            apply_min_to_market=True,
            max_notional=9_000_000 / _worth(listing.quote).quantize(Decimal("1E-8")),
            apply_max_to_market=False,
            avg_price_mins=5,
        ),
        MaxNumOrdersFilter(max_num_orders=200),
        MaxNumOrderListsFilter(max_num_order_lists=20),
        MaxNumAlgoOrdersFilter(max_num_algo_orders=5),
        MaxNumOrderAmendsFilter(max_num_order_amends=10),
    ]


def raw_filters(filters: Iterable[Model]) -> list[RawFilter]:
    """Filters as ``exchangeInfo`` carries them."""
    return [plain(to_builtins(item, builtin_types=(Decimal,))) for item in filters]


def symbol_info(listing: Listing) -> SymbolInfo:
    """What ``exchangeInfo`` says of a listing."""
    return SymbolInfo(
        symbol=listing.symbol,
        status=SymbolStatus.TRADING,
        base_asset=listing.base,
        base_asset_precision=8,
        quote_asset=listing.quote,
        quote_precision=8,
        quote_asset_precision=8,
        base_commission_precision=8,
        quote_commission_precision=8,
        order_types=[
            OrderType.LIMIT,
            OrderType.LIMIT_MAKER,
            OrderType.MARKET,
            OrderType.STOP_LOSS,
            OrderType.STOP_LOSS_LIMIT,
            OrderType.TAKE_PROFIT,
            OrderType.TAKE_PROFIT_LIMIT,
        ],
        iceberg_allowed=True,
        oco_allowed=True,
        oto_allowed=True,
        opo_allowed=True,
        quote_order_qty_market_allowed=True,
        allow_trailing_stop=True,
        cancel_replace_allowed=True,
        amend_allowed=True,
        peg_instructions_allowed=True,
        is_spot_trading_allowed=True,
        raw_filters=raw_filters(_filters(listing)),
        permissions=[],
        permission_sets=[["SPOT"]],
        default_self_trade_prevention_mode=SelfTradePreventionMode.EXPIRE_MAKER,
        allowed_self_trade_prevention_modes=[
            SelfTradePreventionMode.EXPIRE_TAKER,
            SelfTradePreventionMode.EXPIRE_MAKER,
            SelfTradePreventionMode.EXPIRE_BOTH,
            SelfTradePreventionMode.NONE,
            SelfTradePreventionMode.DECREMENT,
            SelfTradePreventionMode.TRANSFER,
        ],
    )
