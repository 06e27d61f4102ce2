"""Trades in an Apache Iceberg table on local disk; needs the extra ``iceberg``."""

from cryptotrader.ingestion.iceberg.candles import Candle, one_minute_candles
from cryptotrader.ingestion.iceberg.sink import IcebergSink
from cryptotrader.ingestion.iceberg.table import folder_of
from cryptotrader.ingestion.iceberg.verify import SymbolReport, VerifyReport, verify_table

__all__ = [
    "Candle",
    "IcebergSink",
    "SymbolReport",
    "VerifyReport",
    "folder_of",
    "one_minute_candles",
    "verify_table",
]
