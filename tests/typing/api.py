"""Checked by mypy and pyright, never run: what the public API infers."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_type

from cryptotrader import (
    Binance,
    Gap,
    LiveOrderBook,
    OrderOutcomeUnknown,
    OrderReport,
    OrderType,
    PlacedOrder,
    Reconnected,
    RecoveredTrade,
    ServerShutdown,
    Side,
)
from cryptotrader.models.base_models import KlineInterval, PriceLevel
from cryptotrader.models.market_models import (
    BookTickerEvent,
    DepthUpdateEvent,
    ExchangeInfo,
    Kline,
    KlineEvent,
    OrderBookSnapshot,
    Ticker24hr,
    Trade,
    TradeEvent,
)
from cryptotrader.models.order_models import CancelReport, Order, OrderListCancelReport, PegPriceType
from cryptotrader.models.user_models import ExecutionReportEvent
from cryptotrader.protocol.request import Request
from cryptotrader.requests import (
    DepthRequest,
    ExchangeInfoRequest,
    KlinesRequest,
    Ticker24hrRequest,
    TradesHistoricalRequest,
)
from cryptotrader.user_stream import UserEvent


async def streams(binance: Binance) -> None:
    async for trade in binance.market.trades("BTCUSDT"):
        assert_type(trade, TradeEvent)
        assert_type(trade.price, Decimal)
    async for event in binance.market.trades("BTCUSDT", control=True):
        assert_type(event, TradeEvent | Gap | Reconnected | ServerShutdown)
    async for batch in binance.market.book_tickers("BTCUSDT").batches():
        assert_type(batch, list[BookTickerEvent])
    async for kline in binance.market.klines("1m", "BTCUSDT", buffer=10):
        assert_type(kline, KlineEvent)
    async for update in binance.market.depth("BTCUSDT"):
        assert_type(update, DepthUpdateEvent)
    book = await binance.market.order_book("BTCUSDT")
    assert_type(book, LiveOrderBook)
    assert_type(book.best_bid, PriceLevel | None)


async def requests(binance: Binance) -> None:
    assert_type(await binance.call(DepthRequest(symbol="BTCUSDT")), OrderBookSnapshot)
    assert_type(await binance.call(ExchangeInfoRequest()), ExchangeInfo)
    assert_type(await binance.call(TradesHistoricalRequest(symbol="BTCUSDT", from_id=1)), list[Trade])
    assert_type(await binance.call(KlinesRequest(symbol="BTCUSDT", interval=KlineInterval.MINUTE_1)), list[Kline])
    assert_type(await binance.call(Ticker24hrRequest()), Ticker24hr | list[Ticker24hr])
    for request in (DepthRequest(symbol="BTCUSDT"), ExchangeInfoRequest()):
        assert_type(await either(binance, request), OrderBookSnapshot | ExchangeInfo)


async def either(
    binance: Binance, request: Request[OrderBookSnapshot | ExchangeInfo]
) -> OrderBookSnapshot | ExchangeInfo:
    return await binance.call(request)


async def orders(binance: Binance) -> None:
    order = await binance.orders.place_limit("BTCUSDT", Side.BUY, quantity="0.001", price=Decimal(50000))
    assert_type(order, PlacedOrder)
    assert_type(await order.filled(timeout=5), PlacedOrder)
    assert_type(order.average_price, Decimal | None)
    async for report in order:
        assert_type(report, OrderReport)
    assert_type((await order.replace(price="49000")).placed, PlacedOrder | None)
    stop = await binance.orders.place("BTCUSDT", Side.SELL, OrderType.STOP_LOSS, quantity="1", stop_price="40000")
    assert_type(stop, PlacedOrder)
    assert_type(await binance.orders.open_orders(), list[Order])
    pegged = await binance.orders.place_limit(
        "BTCUSDT", Side.BUY, quantity="1", peg_price_type=PegPriceType.PRIMARY_PEG
    )
    assert_type(await binance.orders.cancel(pegged), PlacedOrder)
    assert_type(await binance.orders.cancel("BTCUSDT", order_id=1), CancelReport | OrderListCancelReport)
    assert_type(await binance.orders.resolve("BTCUSDT", "mine"), PlacedOrder | None)
    try:
        await order.cancel()
    except OrderOutcomeUnknown as error:
        assert_type(await error.resolve(), PlacedOrder | None)


async def account(binance: Binance) -> None:
    async for event in binance.user:
        if isinstance(event, ExecutionReportEvent):
            assert_type(event.executed_quantity, Decimal)
        elif isinstance(event, RecoveredTrade):
            assert_type(event.trade.price, Decimal)


async def account_with_control(binance: Binance) -> None:
    async for event in binance.user.subscribe():
        assert_type(event, UserEvent)
    async for told in binance.user.subscribe(control=True):
        assert_type(told, UserEvent | Reconnected)


async def mistakes(binance: Binance) -> None:
    binance.market.klines("1m", "BTCUSDT", bufer=10)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    await binance.orders.place_market("BTCUSDT", Side.BUY, quantity=0.5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await binance.orders.place("BTCUSDT", Side.BUY, OrderType.LIMIT, prize="1")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    DepthRequest(symbl="BTCUSDT")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    DepthRequest(symbol=5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
