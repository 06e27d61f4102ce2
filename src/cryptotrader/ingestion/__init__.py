"""From the stream to storage that can prove what it holds."""

from cryptotrader.ingestion.binance_client import BinanceWebSocketClient
from cryptotrader.ingestion.capture import Capture, CaptureProgress, SymbolProgress
from cryptotrader.ingestion.config import BinanceConfig, CaptureConfig
from cryptotrader.ingestion.ledger import Ledger, SymbolLedger
from cryptotrader.ingestion.symbols import ParsedSymbol, parse_binance_symbol
from cryptotrader.ingestion.trade_v2 import RejectedTrade, TradeV2, convert_binance_trade_to_v2

__all__ = [
    "BinanceConfig",
    "BinanceWebSocketClient",
    "Capture",
    "CaptureConfig",
    "CaptureProgress",
    "Ledger",
    "ParsedSymbol",
    "RejectedTrade",
    "SymbolLedger",
    "SymbolProgress",
    "TradeV2",
    "convert_binance_trade_to_v2",
    "parse_binance_symbol",
]
