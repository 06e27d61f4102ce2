"""Requests of the group ``market_data``, one file each."""

from cryptotrader.requests.market_data.avg_price import AvgPriceRequest
from cryptotrader.requests.market_data.block_trades_historical import BlockTradesHistoricalRequest
from cryptotrader.requests.market_data.depth import DepthRequest
from cryptotrader.requests.market_data.klines import KlinesRequest
from cryptotrader.requests.market_data.reference_price import ReferencePriceRequest
from cryptotrader.requests.market_data.reference_price_calculation import ReferencePriceCalculationRequest
from cryptotrader.requests.market_data.ticker import TickerRequest
from cryptotrader.requests.market_data.ticker_24hr import Ticker24hrRequest
from cryptotrader.requests.market_data.ticker_book import TickerBookRequest
from cryptotrader.requests.market_data.ticker_price import TickerPriceRequest
from cryptotrader.requests.market_data.ticker_trading_day import TickerTradingDayRequest
from cryptotrader.requests.market_data.trades_aggregate import TradesAggregateRequest
from cryptotrader.requests.market_data.trades_historical import TradesHistoricalRequest
from cryptotrader.requests.market_data.trades_recent import TradesRecentRequest
from cryptotrader.requests.market_data.ui_klines import UiKlinesRequest

__all__ = [
    "AvgPriceRequest",
    "BlockTradesHistoricalRequest",
    "DepthRequest",
    "KlinesRequest",
    "ReferencePriceCalculationRequest",
    "ReferencePriceRequest",
    "Ticker24hrRequest",
    "TickerBookRequest",
    "TickerPriceRequest",
    "TickerRequest",
    "TickerTradingDayRequest",
    "TradesAggregateRequest",
    "TradesHistoricalRequest",
    "TradesRecentRequest",
    "UiKlinesRequest",
]
