"""Answers to the market data requests, from the same book, log and buckets as the streams."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from cryptotrader.config import TimeUnit
from cryptotrader.models.base_models import KlineInterval, TickerType, to_micros
from cryptotrader.models.market_models import (
    AggregateTrade,
    AveragePrice,
    BlockTrade,
    BookTicker,
    CalculationType,
    Kline,
    OrderBookSnapshot,
    PriceTicker,
    ReferencePrice,
    ReferencePriceCalculation,
    Ticker,
    Ticker24hr,
    Trade,
)
from cryptotrader.requests import (
    AvgPriceRequest,
    BlockTradesHistoricalRequest,
    DepthRequest,
    KlinesRequest,
    ReferencePriceCalculationRequest,
    ReferencePriceRequest,
    Ticker24hrRequest,
    TickerBookRequest,
    TickerPriceRequest,
    TickerRequest,
    TickerTradingDayRequest,
    TradesAggregateRequest,
    TradesHistoricalRequest,
    TradesRecentRequest,
    UiKlinesRequest,
)
from cryptotrader.simulator.api_errors import no_book, no_reference_price
from cryptotrader.simulator.encoding import decimal, stamp, text
from cryptotrader.simulator.handlers.registry import handles, markets, one_market
from cryptotrader.simulator.venue import Exchange, Market, VenueTrade
from cryptotrader.simulator.venue.statistics import (
    AVERAGE_MINUTES,
    DAY,
    REFERENCE_BUCKET_MS,
    REFERENCE_BUCKETS,
    WindowStatistics,
    average_price,
    candle,
    candle_end,
    candle_start,
    length_us,
    offset_us,
    quote,
    reference_price,
    rolling,
    trading_day,
)
from cryptotrader.simulator.venue.trade_log import VenueAggregate

T = TypeVar("T", bound=Ticker)

DEFAULT_ROWS = 500
DEFAULT_LEVELS = 100


@handles(DepthRequest)
def depth(exchange: Exchange, request: DepthRequest, unit: TimeUnit) -> OrderBookSnapshot:
    """``depth``."""
    book = one_market(exchange, request.symbol, request.symbol_status).book
    if not book.known:
        raise no_book()
    limit = request.limit or DEFAULT_LEVELS
    return OrderBookSnapshot(
        last_update_id=book.update_id,
        raw_bids=[(text(price), text(quantity)) for price, quantity in islice(book.bids, limit)],
        raw_asks=[(text(price), text(quantity)) for price, quantity in islice(book.asks, limit)],
    )


@handles(TradesRecentRequest)
def trades_recent(exchange: Exchange, request: TradesRecentRequest, unit: TimeUnit) -> list[Trade]:
    """``trades.recent``."""
    trades = one_market(exchange, request.symbol).log.newest(request.limit or DEFAULT_ROWS)
    return [_trade(trade, unit) for trade in trades]


@handles(TradesHistoricalRequest)
def trades_historical(exchange: Exchange, request: TradesHistoricalRequest, unit: TimeUnit) -> list[Trade]:
    """``trades.historical``: from an id on, or the newest."""
    log, limit = one_market(exchange, request.symbol).log, request.limit or DEFAULT_ROWS
    trades = log.newest(limit) if request.from_id is None else log.trades(request.from_id, limit)
    return [_trade(trade, unit) for trade in trades]


@handles(BlockTradesHistoricalRequest)
def block_trades_historical(
    exchange: Exchange, request: BlockTradesHistoricalRequest, unit: TimeUnit
) -> list[BlockTrade]:
    """``blockTrades.historical``: from an id on."""
    trades = (t for t in one_market(exchange, request.symbol).block_trades if t.id >= request.from_id)
    return [
        BlockTrade(
            id=trade.id,
            price=decimal(trade.price),
            quantity=decimal(trade.quantity),
            quote_quantity=decimal(quote(trade.price * trade.quantity)),
            time=stamp(trade.time_us, unit),
            is_buyer_maker=trade.is_buyer_maker,
        )
        for trade in islice(trades, request.limit or DEFAULT_ROWS)
    ]


@handles(TradesAggregateRequest)
def trades_aggregate(exchange: Exchange, request: TradesAggregateRequest, unit: TimeUnit) -> list[AggregateTrade]:
    """``trades.aggregate``: from an id on, within a time, or the newest."""
    log, limit = one_market(exchange, request.symbol).log, request.limit or DEFAULT_ROWS
    known = log.aggregate_ids
    first, end = known.start, known.stop
    if request.end_time is not None:
        end = log.aggregate_at(to_micros(request.end_time + 1))
    if request.from_id is not None:
        first = max(first, request.from_id)
    elif request.start_time is not None:
        first = log.aggregate_at(to_micros(request.start_time))
    else:
        first = max(first, end - limit)
    return [_aggregate(each, unit) for each in log.aggregates(first, end, limit)]


@handles(KlinesRequest)
def klines(exchange: Exchange, request: KlinesRequest | UiKlinesRequest, unit: TimeUnit) -> list[Kline]:
    """``klines``: candles from a time on, or the newest; borders follow the asked time zone."""
    market = one_market(exchange, request.symbol)
    offset, limit = offset_us(request.time_zone or "0"), request.limit or DEFAULT_ROWS
    oldest = market.buckets.first_us(seconds=request.interval is KlineInterval.SECOND_1)
    if oldest is None:
        return []
    until = exchange.now_us if request.end_time is None else min(exchange.now_us, to_micros(request.end_time))
    start = max(oldest, to_micros(request.start_time or 0))
    first = candle_start(request.interval, start, offset)
    if first < start and request.start_time is not None and start > oldest:
        first = candle_end(request.interval, first, offset)
    starts: list[int] = []
    while first <= until:
        starts.append(first)
        if request.start_time is not None and len(starts) == limit:
            break
        first = candle_end(request.interval, first, offset)
    return [_kline(market, request.interval, at, offset, unit) for at in starts[-limit:]]


@handles(UiKlinesRequest)
def ui_klines(exchange: Exchange, request: UiKlinesRequest, unit: TimeUnit) -> list[Kline]:
    """``uiKlines``: the same candles, as on the testnet."""
    return klines(exchange, request, unit)


@handles(AvgPriceRequest)
def avg_price(exchange: Exchange, request: AvgPriceRequest, unit: TimeUnit) -> AveragePrice:
    """``avgPrice``."""
    market = one_market(exchange, request.symbol)
    return AveragePrice(
        minutes=AVERAGE_MINUTES,
        price=decimal(average_price(market, exchange.now_us)),
        close_time=stamp(market.last_trade_us, unit),
    )


@handles(Ticker24hrRequest)
def ticker_24hr(exchange: Exchange, request: Ticker24hrRequest, unit: TimeUnit) -> Ticker24hr | list[Ticker24hr]:
    """``ticker.24hr``."""

    def show(market: Market) -> Ticker24hr:
        window = rolling(market, exchange.now_us, DAY)
        if request.type is TickerType.MINI:
            return _mini(Ticker24hr, market, window, unit)
        bids, asks = market.book.bids, market.book.asks
        bid, ask = bids.best or 0, asks.best or 0
        return replace(
            _full(Ticker24hr, market, window, unit),
            prev_close_price=decimal(window.previous_close),
            last_qty=decimal(market.last_quantity),
            bid_price=decimal(bid),
            bid_qty=decimal(bids.quantity(bid)),
            ask_price=decimal(ask),
            ask_qty=decimal(asks.quantity(ask)),
        )

    if request.symbol is not None:
        return show(one_market(exchange, request.symbol, request.symbol_status))
    return [show(market) for market in markets(exchange, request.symbols, request.symbol_status)]


@handles(TickerTradingDayRequest)
def ticker_trading_day(exchange: Exchange, request: TickerTradingDayRequest, unit: TimeUnit) -> Ticker | list[Ticker]:
    """``ticker.tradingDay``."""

    def show(market: Market) -> Ticker:
        window = trading_day(market, exchange.now_us, offset_us(request.time_zone or "0"))
        return _ticker(market, window, unit, request.type)

    if request.symbol is not None:
        return show(one_market(exchange, request.symbol, request.symbol_status))
    return [show(market) for market in markets(exchange, request.symbols, request.symbol_status)]


@handles(TickerRequest)
def ticker(exchange: Exchange, request: TickerRequest, unit: TimeUnit) -> Ticker | list[Ticker]:
    """``ticker``: a rolling window of any size."""

    def show(market: Market) -> Ticker:
        window = rolling(market, exchange.now_us, length_us(request.window_size or "1d"))
        return _ticker(market, window, unit, request.type)

    if request.symbol is not None:
        return show(one_market(exchange, request.symbol, request.symbol_status))
    return [show(market) for market in markets(exchange, request.symbols, request.symbol_status)]


@handles(TickerPriceRequest)
def ticker_price(exchange: Exchange, request: TickerPriceRequest, unit: TimeUnit) -> PriceTicker | list[PriceTicker]:
    """``ticker.price``."""

    def show(market: Market) -> PriceTicker:
        return PriceTicker(symbol=market.listing.symbol, price=decimal(market.last_price))

    if request.symbol is not None:
        return show(one_market(exchange, request.symbol, request.symbol_status))
    return [show(market) for market in markets(exchange, request.symbols, request.symbol_status)]


@handles(TickerBookRequest)
def ticker_book(exchange: Exchange, request: TickerBookRequest, unit: TimeUnit) -> BookTicker | list[BookTicker]:
    """``ticker.book``."""

    def show(market: Market) -> BookTicker:
        bids, asks = market.book.bids, market.book.asks
        bid, ask = bids.best or 0, asks.best or 0
        return BookTicker(
            symbol=market.listing.symbol,
            bid_price=decimal(bid),
            bid_qty=decimal(bids.quantity(bid)),
            ask_price=decimal(ask),
            ask_qty=decimal(asks.quantity(ask)),
        )

    if request.symbol is not None:
        return show(one_market(exchange, request.symbol, request.symbol_status))
    return [show(market) for market in markets(exchange, request.symbols, request.symbol_status)]


@handles(ReferencePriceRequest)
def reference_price_now(exchange: Exchange, request: ReferencePriceRequest, unit: TimeUnit) -> ReferencePrice:
    """``referencePrice``."""
    price = reference_price(one_market(exchange, request.symbol), exchange.now_us)
    if price is None:
        raise no_reference_price()
    return ReferencePrice(symbol=request.symbol, reference_price=decimal(price), timestamp=stamp(exchange.now_us, unit))


@handles(ReferencePriceCalculationRequest)
def reference_price_calculation(
    exchange: Exchange, request: ReferencePriceCalculationRequest, unit: TimeUnit
) -> ReferencePriceCalculation:
    """``referencePrice.calculation``."""
    market = one_market(exchange, request.symbol, request.symbol_status)
    if reference_price(market, exchange.now_us) is None:
        raise no_reference_price()
    return ReferencePriceCalculation(
        symbol=request.symbol,
        calculation_type=CalculationType.ARITHMETIC_MEAN,
        bucket_count=REFERENCE_BUCKETS,
        bucket_width_ms=REFERENCE_BUCKET_MS,
    )


# ------------------------------------------------------------------------------------------------ rows of the results


def _trade(trade: VenueTrade, unit: TimeUnit) -> Trade:
    return Trade(
        id=trade.id,
        price=decimal(trade.price),
        quantity=decimal(trade.quantity),
        quote_quantity=decimal(quote(trade.price * trade.quantity)),
        time=stamp(trade.time_us, unit),
        is_buyer_maker=trade.is_buyer_maker,
        is_best_match=True,
    )


def _aggregate(aggregate: VenueAggregate, unit: TimeUnit) -> AggregateTrade:
    return AggregateTrade(
        id=aggregate.id,
        price=decimal(aggregate.price),
        quantity=decimal(aggregate.quantity),
        first_trade_id=aggregate.first_id,
        last_trade_id=aggregate.last_id,
        time=stamp(aggregate.time_us, unit),
        is_buyer_maker=aggregate.is_buyer_maker,
        is_best_match=True,
    )


def _kline(market: Market, interval: KlineInterval, start_us: int, offset: int, unit: TimeUnit) -> Kline:
    shown = candle(market, interval, start_us, offset)
    bucket = shown.bucket
    return Kline(
        stamp(shown.start_us, unit),
        decimal(bucket.open),
        decimal(bucket.high),
        decimal(bucket.low),
        decimal(bucket.close),
        decimal(bucket.volume),
        stamp(shown.end_us, unit) - 1,
        decimal(quote(bucket.quote_volume)),
        bucket.count,
        decimal(bucket.taker_buy_volume),
        decimal(quote(bucket.taker_buy_quote_volume)),
    )


def _mini(kind: type[T], market: Market, window: WindowStatistics, unit: TimeUnit) -> T:
    bucket = window.bucket
    return kind(
        symbol=market.listing.symbol,
        open_price=decimal(bucket.open),
        high_price=decimal(bucket.high),
        low_price=decimal(bucket.low),
        last_price=decimal(bucket.close),
        volume=decimal(bucket.volume),
        quote_volume=decimal(quote(bucket.quote_volume)),
        open_time=stamp(window.open_us, unit),
        close_time=stamp(window.close_us, unit),
        first_id=bucket.first_id,
        last_id=bucket.last_id,
        count=bucket.count,
    )


def _full(kind: type[T], market: Market, window: WindowStatistics, unit: TimeUnit) -> T:
    return replace(
        _mini(kind, market, window, unit),
        price_change=decimal(window.change),
        price_change_percent=Decimal(window.change_thousandths).scaleb(-3),
        weighted_avg_price=decimal(window.average),
    )


def _ticker(market: Market, window: WindowStatistics, unit: TimeUnit, kind: TickerType | None) -> Ticker:
    return (_mini if kind is TickerType.MINI else _full)(Ticker, market, window, unit)
