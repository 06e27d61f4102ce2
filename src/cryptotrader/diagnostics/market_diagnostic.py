"""Diagnose the market requests: each is asked, and what it answers is held against the others.

Run ``python -m cryptotrader.diagnostics.market_diagnostic --help``. The tests carry the names of the methods.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from cryptotrader.client import Binance
from cryptotrader.diagnostics.methods import Ask, method_tests
from cryptotrader.diagnostics.plausibility import (
    MINUTE_MS,
    require,
    require_book,
    require_candles,
    require_near,
    require_window,
)
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import TEST_SYMBOL, Finding, Outcome, Trial
from cryptotrader.errors import RequestRejected
from cryptotrader.models.base_models import KlineInterval, PriceFilter, RateLimitType
from cryptotrader.models.market_models import Ticker
from cryptotrader.requests import (
    AvgPriceRequest,
    BlockTradesHistoricalRequest,
    DepthRequest,
    ExchangeInfoRequest,
    ExecutionRulesRequest,
    KlinesRequest,
    PingRequest,
    ReferencePriceCalculationRequest,
    ReferencePriceRequest,
    Ticker24hrRequest,
    TickerBookRequest,
    TickerPriceRequest,
    TickerRequest,
    TickerTradingDayRequest,
    TimeRequest,
    TradesAggregateRequest,
    TradesHistoricalRequest,
    TradesRecentRequest,
    UiKlinesRequest,
)

T = TypeVar("T")

NO_REFERENCE_PRICE = -2043
MOST_ROWS = 1000
SMALLEST = Decimal("0.00000001")
DAY_MS = 86_400_000
SECOND_MS = 1000
HOUR_MS = 3_600_000


Check = Callable[[Ask], Awaitable[str | Finding]]


async def _run(name: str, check: Check, trial: Trial) -> str | Finding:  # noqa: ARG001 - as method_tests calls it
    """One method answers, plausibly and in agreement with others."""
    async with Binance(trial.endpoint, **trial.options) as binance:
        return await check(functools.partial(binance.call, patience=trial.timeout))


# --------------------------------------------------------------------------------------------------------- the exchange


async def _ping(ask: Ask) -> str:
    await ask(PingRequest())
    return "answered"


async def _time(ask: Ask) -> str:
    one = await ask(TimeRequest())
    two = await ask(TimeRequest())
    require(one.server_time <= two.server_time, "the exchange's clock runs backwards")
    return f"{two.server_time}"


async def _exchange_info(ask: Ask) -> str:
    info = await ask(ExchangeInfoRequest(symbol=TEST_SYMBOL))
    require([each.symbol for each in info.symbols] == [TEST_SYMBOL], "the asked symbol is missing")
    symbol = info.symbols[0]
    require(symbol.base_asset + symbol.quote_asset == TEST_SYMBOL, "the assets do not make up the symbol")
    limits = {limit.rate_limit_type: limit.limit for limit in info.rate_limits}
    require(limits.get(RateLimitType.REQUEST_WEIGHT, 0) > 0, "no limit of request weight is told")
    rule = symbol.filter(PriceFilter)
    if rule is None or not rule.tick_size:
        return f"{symbol.status}, no price filter"
    book = await ask(DepthRequest(symbol=TEST_SYMBOL, limit=5))
    off = [level.price for level in book.bids + book.asks if level.price % rule.tick_size]
    require(not off, f"prices {off} are no multiples of the tick {rule.tick_size}")
    return (
        f"{symbol.status}, tick {rule.tick_size.normalize():f}, weight {limits[RateLimitType.REQUEST_WEIGHT]} a minute"
    )


async def _execution_rules(ask: Ask) -> str:
    rules = await ask(ExecutionRulesRequest(symbol=TEST_SYMBOL))
    require([each.symbol for each in rules.symbol_rules] == [TEST_SYMBOL], "the asked symbol is missing")
    for rule in rules.symbol_rules[0].rules:
        for up, down in (
            (rule.bid_limit_mult_up, rule.bid_limit_mult_down),
            (rule.ask_limit_mult_up, rule.ask_limit_mult_down),
        ):
            require(up is None or down is None or 0 < down < up, f"bounds {down} and {up} leave no room")
    return f"rules: {', '.join(rule.rule_type for rule in rules.symbol_rules[0].rules) or 'none'}"


# --------------------------------------------------------------------------------------------------- books and trades


async def _depth(ask: Ask) -> str:
    book = await ask(DepthRequest(symbol=TEST_SYMBOL, limit=100))
    require_book(book.bids, book.asks)
    later = await ask(DepthRequest(symbol=TEST_SYMBOL, limit=5))
    require(later.last_update_id >= book.last_update_id, "update ids go back")
    return f"{len(book.bids)} bids from {book.bids[0].price}, {len(book.asks)} asks from {book.asks[0].price}"


async def _trades_recent(ask: Ask) -> str:
    trades = await ask(TradesRecentRequest(symbol=TEST_SYMBOL, limit=100))
    require(trades, "there are no trades")
    require(all(two.id == one.id + 1 for one, two in pairwise(trades)), "trade ids are not dense")
    require(all(one.time <= two.time for one, two in pairwise(trades)), "trades are not in order of time")
    for trade in trades:
        require(trade.price > 0 and trade.quantity > 0, f"trade {trade.id}: a price or quantity is not positive")
        worth = trade.price * trade.quantity
        require(abs(worth - trade.quote_quantity) <= SMALLEST, f"trade {trade.id}: its worth is not {worth}")
    return f"{len(trades)} trades up to id {trades[-1].id}"


async def _trades_historical(ask: Ask) -> str:
    recent = await ask(TradesRecentRequest(symbol=TEST_SYMBOL, limit=MOST_ROWS))
    require(recent, "there are no trades")
    expected = recent[:10]
    past = await ask(TradesHistoricalRequest(symbol=TEST_SYMBOL, from_id=expected[0].id, limit=len(expected)))
    require(past == expected, "the same trades differ from trades.recent")
    return f"{len(past)} trades from id {past[0].id} on, as trades.recent tells them"


async def _trades_aggregate(ask: Ask) -> str:
    aggregates = await ask(TradesAggregateRequest(symbol=TEST_SYMBOL, limit=MOST_ROWS))
    require(aggregates, "there are no trades")
    for one, two in pairwise(aggregates):
        require(two.id == one.id + 1 and two.first_trade_id == one.last_trade_id + 1, "the aggregates do not join")
    oldest = aggregates[0]
    count = oldest.last_trade_id - oldest.first_trade_id + 1
    trades = await ask(
        TradesHistoricalRequest(symbol=TEST_SYMBOL, from_id=oldest.first_trade_id, limit=min(count, MOST_ROWS))
    )
    require({trade.price for trade in trades} == {oldest.price}, f"aggregate {oldest.id}: its trades have other prices")
    total = sum(trade.quantity for trade in trades)
    require(total == oldest.quantity or count > MOST_ROWS, f"aggregate {oldest.id}: its trades sum up to {total}")
    return f"{len(aggregates)} aggregates; {oldest.id} sums up its {count} trades"


async def _block_trades_historical(ask: Ask) -> str | Finding:
    trades = await ask(BlockTradesHistoricalRequest(symbol=TEST_SYMBOL, from_id=0))
    if not trades:
        return Finding(Outcome.QUIET, "there are no block trades")
    require(all(one.id < two.id for one, two in pairwise(trades)), "ids do not ascend")
    require(all(trade.price > 0 and trade.quantity > 0 for trade in trades), "a price or quantity is not positive")
    return f"{len(trades)} block trades up to id {trades[-1].id}"


# -------------------------------------------------------------------------------------------------------------- candles


async def _klines(ask: Ask) -> str | Finding:
    candles = await ask(KlinesRequest(symbol=TEST_SYMBOL, interval=KlineInterval.SECOND_1, limit=60))
    require_candles(candles, SECOND_MS)
    candle = next((each for each in candles[:-1] if 0 < each.trade_count < MOST_ROWS), None)
    if candle is None:
        return Finding(Outcome.QUIET, f"{len(candles)} candles, none of them closed with trades to compare")
    parts = await ask(
        TradesAggregateRequest(
            symbol=TEST_SYMBOL, start_time=candle.open_time, end_time=candle.close_time, limit=MOST_ROWS
        )
    )
    prices = [part.price for part in parts]
    require(prices, f"the candle at {candle.open_time} has trades, and trades.aggregate has none")
    seen = (prices[0], max(prices), min(prices), prices[-1], sum(part.quantity for part in parts))
    told = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    require(seen == told, f"the candle at {candle.open_time} is {told}, its trades make {seen}")
    count = sum(part.last_trade_id - part.first_trade_id + 1 for part in parts)
    require(count == candle.trade_count, f"the candle counts {candle.trade_count} trades, there are {count}")
    return f"{len(candles)} candles; the one at {candle.open_time} agrees with its {count} trades"


async def _ui_klines(ask: Ask) -> str:
    shown = await ask(UiKlinesRequest(symbol=TEST_SYMBOL, interval=KlineInterval.MINUTE_1, limit=10))
    require_candles(shown, MINUTE_MS)
    asked = KlinesRequest(
        symbol=TEST_SYMBOL, interval=KlineInterval.MINUTE_1, start_time=shown[0].open_time, limit=len(shown)
    )
    plain = await ask(asked)
    require(len(plain) == len(shown), f"{len(shown)} candles, {len(plain)} of klines from the same time on")
    for one, two in zip(shown, plain, strict=True):
        require(one.open_time == two.open_time, "the candles begin at other times than those of klines")
        require_near(one.close, two.close, f"close of the candle at {one.open_time}, here and in klines")
    return f"{len(shown)} candles, close {shown[-1].close}"


# -------------------------------------------------------------------------------------------------------------- prices


async def _avg_price(ask: Ask) -> str:
    average = await ask(AvgPriceRequest(symbol=TEST_SYMBOL))
    candles = await ask(
        KlinesRequest(symbol=TEST_SYMBOL, interval=KlineInterval.MINUTE_1, limit=average.minutes + 2)
    )  # the minutes may have moved on between the two questions
    low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
    require(low <= average.price <= high, f"{average.price} is not within the candles' {low} and {high}")
    return f"{average.price} over {average.minutes} minutes, within {low} and {high}"


async def _ticker_price(ask: Ask) -> str:
    before = await ask(TradesRecentRequest(symbol=TEST_SYMBOL, limit=1))
    ticker = _single(await ask(TickerPriceRequest(symbol=TEST_SYMBOL)))
    after = await ask(TradesRecentRequest(symbol=TEST_SYMBOL, limit=MOST_ROWS))
    require(before, "there are no trades")
    meanwhile = {trade.price for trade in after if trade.id >= before[0].id}
    require(ticker.price in meanwhile, f"{ticker.price} is none of the prices traded meanwhile")
    return f"{ticker.price}, a price of the {len(after)} newest trades"


async def _ticker_book(ask: Ask) -> str:
    ticker = _single(await ask(TickerBookRequest(symbol=TEST_SYMBOL)))
    book = await ask(DepthRequest(symbol=TEST_SYMBOL, limit=5))
    require(0 < ticker.bid_price < ticker.ask_price, "bid and ask are crossed")
    require_near(ticker.bid_price, book.bids[0].price, "bid here and in depth")
    require_near(ticker.ask_price, book.asks[0].price, "ask here and in depth")
    return f"{ticker.bid_price} / {ticker.ask_price}, near {book.bids[0].price} / {book.asks[0].price} of depth"


async def _ticker(ask: Ask) -> str:
    hour = _single(await ask(TickerRequest(symbol=TEST_SYMBOL, window_size="1h")))
    day = _single(await ask(TickerRequest(symbol=TEST_SYMBOL)))
    require_window(hour, HOUR_MS)
    require_window(day, DAY_MS)
    require(hour.first_id >= day.first_id, "the hour began before its day")
    return _shown(hour)


async def _ticker_24hr(ask: Ask) -> str:
    ticker = _single(await ask(Ticker24hrRequest(symbol=TEST_SYMBOL)))
    book = _single(await ask(TickerBookRequest(symbol=TEST_SYMBOL)))
    require_window(ticker, DAY_MS)
    require_near(ticker.bid_price or Decimal(0), book.bid_price, "bid here and in ticker.book")
    return _shown(ticker)


async def _ticker_trading_day(ask: Ask) -> str:
    ticker = _single(await ask(TickerTradingDayRequest(symbol=TEST_SYMBOL)))
    require_window(ticker, DAY_MS)
    require(ticker.open_time % DAY_MS == 0, "the trading day does not begin at midnight UTC")
    return _shown(ticker)


def _single(answer: T | list[T]) -> T:
    """The answer for one symbol, which is no list."""
    if isinstance(answer, list):
        raise AssertionError("a list was answered for one symbol")  # noqa: TRY004 - the exchange's fault
    return answer


def _shown(ticker: Ticker) -> str:
    return f"last {ticker.last_price}, {ticker.count} trades, volume {ticker.volume}"


async def _reference_price(ask: Ask) -> str | Finding:
    try:
        reference = await ask(ReferencePriceRequest(symbol=TEST_SYMBOL))
    except RequestRejected as error:
        return _without_reference(error)
    if reference.reference_price is None:
        return Finding(Outcome.QUIET, "the reference price is empty at the moment")
    average = await ask(AvgPriceRequest(symbol=TEST_SYMBOL))
    require_near(reference.reference_price, average.price, "reference and average price")
    return f"{reference.reference_price}, near the average {average.price}"


async def _reference_price_calculation(ask: Ask) -> str | Finding:
    try:
        calculation = await ask(ReferencePriceCalculationRequest(symbol=TEST_SYMBOL))
    except RequestRejected as error:
        return _without_reference(error)
    require(calculation.symbol == TEST_SYMBOL, f"of {calculation.symbol}")
    return f"{calculation.calculation_type}, {calculation.bucket_count} buckets of {calculation.bucket_width_ms} ms"


def _without_reference(error: RequestRejected) -> Finding:
    """Not every symbol has a reference price; any other refusal is a failure.

    Raises:
        RequestRejected: It was refused for another reason.
    """
    if error.code != NO_REFERENCE_PRICE:
        raise error
    return Finding(Outcome.QUIET, error.message)


CHECKS: dict[str, Check] = {
    "ping": _ping,
    "time": _time,
    "exchangeInfo": _exchange_info,
    "executionRules": _execution_rules,
    "depth": _depth,
    "trades.recent": _trades_recent,
    "trades.historical": _trades_historical,
    "blockTrades.historical": _block_trades_historical,
    "trades.aggregate": _trades_aggregate,
    "klines": _klines,
    "uiKlines": _ui_klines,
    "avgPrice": _avg_price,
    "ticker.24hr": _ticker_24hr,
    "ticker.tradingDay": _ticker_trading_day,
    "ticker": _ticker,
    "ticker.price": _ticker_price,
    "ticker.book": _ticker_book,
    "referencePrice": _reference_price,
    "referencePrice.calculation": _reference_price_calculation,
}

SCRIPT = Script(feature="Binance market requests", tests=method_tests(("general", "market_data"), CHECKS, _run))

if __name__ == "__main__":
    sys.exit(run_script(SCRIPT))
