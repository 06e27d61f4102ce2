"""The requests of the WebSocket API, one file each, in the groups of Binance's documentation."""

from cryptotrader.requests.general import (
    ExchangeInfoRequest,
    ExecutionRulesRequest,
    PingRequest,
    TimeRequest,
)
from cryptotrader.requests.market_data import (
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

__all__ = [
    "AvgPriceRequest",
    "BlockTradesHistoricalRequest",
    "DepthRequest",
    "ExchangeInfoRequest",
    "ExecutionRulesRequest",
    "KlinesRequest",
    "PingRequest",
    "ReferencePriceCalculationRequest",
    "ReferencePriceRequest",
    "Ticker24hrRequest",
    "TickerBookRequest",
    "TickerPriceRequest",
    "TickerRequest",
    "TickerTradingDayRequest",
    "TimeRequest",
    "TradesAggregateRequest",
    "TradesHistoricalRequest",
    "TradesRecentRequest",
    "UiKlinesRequest",
]
