"""From the venue's integers to what goes on the wire. The busiest events are written straight from integers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import cast

from cryptotrader.config import TimeUnit
from cryptotrader.models.market_models import (
    AveragePriceEvent,
    KlineBar,
    KlineEvent,
    MiniTickerEvent,
    ReferencePriceEvent,
    TickerEvent,
    WindowTickerEvent,
)
from cryptotrader.simulator.venue import Market, VenueTrade
from cryptotrader.simulator.venue.buckets import MINUTE
from cryptotrader.simulator.venue.statistics import Candle, WindowStatistics, average_price, quote, reference_price
from cryptotrader.simulator.venue.symbols import UNIT
from cryptotrader.simulator.venue.trade_log import VenueAggregate

_CACHED_TEXTS = 100_000
_texts: dict[int, str] = {}


def text(amount: int) -> str:
    """An amount at 10^-8 with its eight decimals."""
    known = _texts.get(amount)
    if known is None:
        if len(_texts) >= _CACHED_TEXTS:
            _texts.clear()
        whole, part = divmod(abs(amount), UNIT)
        known = _texts[amount] = f"{'-' if amount < 0 else ''}{whole}.{part:08d}"
    return known


def decimal(amount: int) -> Decimal:
    """An amount at 10^-8 as a decimal with eight places."""
    return Decimal(amount).scaleb(-8)


def amount(value: int) -> Decimal:
    """An amount at 10^-8 for a message that is only encoded: its text, where ``Decimal`` would write ``0E-8``."""
    return cast("Decimal", text(value))


def stamp(time_us: int, unit: TimeUnit) -> int:
    """A time in the unit that was asked for."""
    return time_us if unit is TimeUnit.MICROSECOND else time_us // 1000


def trade_event(trade: VenueTrade, unit: TimeUnit) -> bytes:
    """``<symbol>@trade``."""
    time = stamp(trade.time_us, unit)
    return (
        f'{{"e":"trade","E":{time},"s":"{trade.symbol}","t":{trade.id},"p":"{text(trade.price)}",'
        f'"q":"{text(trade.quantity)}","T":{time},"m":{"true" if trade.is_buyer_maker else "false"},"M":true}}'
    ).encode()


def block_trade_event(trade: VenueTrade, unit: TimeUnit) -> bytes:
    """``<symbol>@blockTrade``."""
    time = stamp(trade.time_us, unit)
    return (
        f'{{"e":"blockTrade","E":{time},"s":"{trade.symbol}","t":{trade.id},"p":"{text(trade.price)}",'
        f'"q":"{text(trade.quantity)}","T":{time},"m":{"true" if trade.is_buyer_maker else "false"}}}'
    ).encode()


def aggregate_event(symbol: str, aggregate: VenueAggregate, unit: TimeUnit) -> bytes:
    """``<symbol>@aggTrade``."""
    time = stamp(aggregate.time_us, unit)
    return (
        f'{{"e":"aggTrade","E":{time},"s":"{symbol}","a":{aggregate.id},"p":"{text(aggregate.price)}",'
        f'"q":"{text(aggregate.quantity)}","f":{aggregate.first_id},"l":{aggregate.last_id},"T":{time},'
        f'"m":{"true" if aggregate.is_buyer_maker else "false"},"M":true}}'
    ).encode()


def book_ticker_event(market: Market) -> bytes:
    """``<symbol>@bookTicker``."""
    bids, asks = market.book.bids, market.book.asks
    bid, ask = bids.best or 0, asks.best or 0
    return (
        f'{{"u":{market.book.update_id},"s":"{market.listing.symbol}","b":"{text(bid)}","B":"{text(bids.quantity(bid))}",'
        f'"a":"{text(ask)}","A":"{text(asks.quantity(ask))}"}}'
    ).encode()


def levels_text(levels: Iterable[tuple[int, int]]) -> str:
    """Levels as a JSON array."""
    return "[" + ",".join([f'["{text(price)}","{text(quantity)}"]' for price, quantity in levels]) + "]"


def candle_event(market: Market, interval: str, candle: Candle, now_us: int, unit: TimeUnit) -> bytes:
    """``<symbol>@kline_<interval>``."""
    bucket = candle.bucket
    bar = KlineBar(
        open_time=stamp(candle.start_us, unit),
        close_time=stamp(candle.end_us, unit) - 1,
        symbol=market.listing.symbol,
        interval=interval,
        first_trade_id=bucket.first_id,
        last_trade_id=bucket.last_id,
        open=decimal(bucket.open),
        close=decimal(bucket.close),
        high=decimal(bucket.high),
        low=decimal(bucket.low),
        volume=decimal(bucket.volume),
        trade_count=bucket.count,
        is_closed=now_us >= candle.end_us,
        quote_volume=decimal(quote(bucket.quote_volume)),
        taker_buy_volume=decimal(bucket.taker_buy_volume),
        taker_buy_quote_volume=decimal(quote(bucket.taker_buy_quote_volume)),
    )
    return KlineEvent(event_time=stamp(now_us, unit), symbol=market.listing.symbol, kline=bar).to_json()


def mini_ticker_event(market: Market, window: WindowStatistics, unit: TimeUnit) -> bytes:
    """``<symbol>@miniTicker``."""
    bucket = window.bucket
    return MiniTickerEvent(
        event_time=stamp(window.close_us, unit),
        symbol=market.listing.symbol,
        close=decimal(bucket.close),
        open=decimal(bucket.open),
        high=decimal(bucket.high),
        low=decimal(bucket.low),
        volume=decimal(bucket.volume),
        quote_volume=decimal(quote(bucket.quote_volume)),
    ).to_json()


def ticker_event(market: Market, window: WindowStatistics, unit: TimeUnit) -> bytes:
    """``<symbol>@ticker``."""
    bucket, bids, asks = window.bucket, market.book.bids, market.book.asks
    bid, ask = bids.best or 0, asks.best or 0
    return TickerEvent(
        event_time=stamp(window.close_us, unit),
        symbol=market.listing.symbol,
        price_change=decimal(window.change),
        price_change_percent=Decimal(window.change_thousandths).scaleb(-3),
        weighted_average_price=decimal(window.average),
        previous_close=decimal(window.previous_close),
        last_price=decimal(bucket.close),
        last_quantity=decimal(market.last_quantity),
        bid_price=decimal(bid),
        bid_quantity=decimal(bids.quantity(bid)),
        ask_price=decimal(ask),
        ask_quantity=decimal(asks.quantity(ask)),
        open=decimal(bucket.open),
        high=decimal(bucket.high),
        low=decimal(bucket.low),
        volume=decimal(bucket.volume),
        quote_volume=decimal(quote(bucket.quote_volume)),
        open_time=stamp(window.open_us, unit),
        close_time=stamp(window.close_us, unit),
        first_trade_id=bucket.first_id,
        last_trade_id=bucket.last_id,
        trade_count=bucket.count,
    ).to_json()


def window_ticker_event(market: Market, name: str, window: WindowStatistics, unit: TimeUnit) -> bytes:
    """``<symbol>@ticker_<window>``; ``name`` is ``1h``, ``4h`` or ``1d``."""
    bucket = window.bucket
    return WindowTickerEvent(
        event_type=f"{name}Ticker",  # type: ignore[arg-type]  # the three names come from the channel's pattern
        event_time=stamp(window.close_us, unit),
        symbol=market.listing.symbol,
        price_change=decimal(window.change),
        price_change_percent=Decimal(window.change_thousandths).scaleb(-3),
        open=decimal(bucket.open),
        high=decimal(bucket.high),
        low=decimal(bucket.low),
        last_price=decimal(bucket.close),
        weighted_average_price=decimal(window.average),
        volume=decimal(bucket.volume),
        quote_volume=decimal(quote(bucket.quote_volume)),
        open_time=stamp(window.open_us, unit),
        close_time=stamp(window.close_us, unit),
        first_trade_id=bucket.first_id,
        last_trade_id=bucket.last_id,
        trade_count=bucket.count,
    ).to_json()


def average_price_event(market: Market, now_us: int, unit: TimeUnit) -> bytes:
    """``<symbol>@avgPrice``."""
    return AveragePriceEvent(
        event_time=stamp(now_us, unit),
        symbol=market.listing.symbol,
        interval="5m",
        average_price=decimal(average_price(market, now_us)),
        last_trade_time=stamp(market.last_trade_us, unit),
    ).to_json()


def reference_price_event(market: Market, now_us: int, unit: TimeUnit) -> bytes:
    """``<symbol>@referencePrice``."""
    price = reference_price(market, now_us)
    return ReferencePriceEvent(
        symbol=market.listing.symbol,
        reference_price=None if price is None else decimal(price),
        timestamp=stamp(now_us // MINUTE * MINUTE if price is None else now_us, unit),
    ).to_json()
