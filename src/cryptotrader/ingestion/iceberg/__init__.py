"""Trades in an Apache Iceberg table on local disk; needs the extra ``iceberg``."""

from cryptotrader.ingestion.iceberg.candles import Candle, candle_rows, read_candles
from cryptotrader.ingestion.iceberg.query import QueryResult, StoredTrades
from cryptotrader.ingestion.iceberg.sink import IcebergSink
from cryptotrader.ingestion.iceberg.table import folder_of
from cryptotrader.ingestion.iceberg.verify import SymbolReport, VerifyReport, verify_table

__all__ = [
    "Candle",
    "IcebergSink",
    "QueryResult",
    "StoredTrades",
    "SymbolReport",
    "VerifyReport",
    "candle_rows",
    "folder_of",
    "read_candles",
    "verify_table",
]
