"""From a batch of trades to Arrow, column by column: building fifteen-field records first would cost twice as much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat

import pyarrow as pa

from cryptotrader.ingestion.iceberg.table import arrow_schema
from cryptotrader.ingestion.pipeline import Batch
from cryptotrader.ingestion.symbols import ParsedSymbol
from cryptotrader.ingestion.trade_v2 import ASSET_CLASS, EXCHANGE, VENDOR_KEYS, message_id, vendor_values
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.market_models import TradeEvent

ROWS_A_FILE = 65_536
ROWS_AT_A_TIME = 8_192


def to_arrow(batch: Batch, pairs: Mapping[str, ParsedSymbol]) -> Iterator[pa.Table]:
    """The rows of a batch, sorted by symbol and trade id; the same values as ``convert_binance_trade_to_v2``.

    They come in tables of ``ROWS_A_FILE``, each built some thousands at a time, since what a row takes on its way
    into a file is several times what it takes in it.
    """
    rows = [
        *zip(batch.streamed, batch.streamed_ns, strict=True),
        *zip(batch.backfilled, batch.backfilled_ns, strict=True),
    ]
    rows.sort(key=_symbol_and_id)
    schema = arrow_schema()
    for first in range(0, len(rows), ROWS_A_FILE):
        end = min(first + ROWS_A_FILE, len(rows))
        parts = (rows[start : min(start + ROWS_AT_A_TIME, end)] for start in range(first, end, ROWS_AT_A_TIME))
        yield pa.Table.from_batches([_record_batch(part, pairs, schema) for part in parts], schema=schema)


def _record_batch(
    rows: list[tuple[TradeEvent, int]], pairs: Mapping[str, ParsedSymbol], schema: pa.Schema
) -> pa.RecordBatch:
    events = [event for event, _ in rows]
    count = len(events)
    columns: list[pa.Array] = [
        pa.array([message_id(event.symbol, event.trade_id) for event in events], pa.string()),
        pa.array([f"{EXCHANGE}-{event.trade_id}" for event in events], pa.string()),
        pa.array([event.symbol for event in events], pa.string()),
        pa.array(repeat(EXCHANGE, count), pa.string(), size=count),
        pa.array(repeat(ASSET_CLASS, count), pa.string(), size=count),
        pa.array([to_micros(event.trade_time) for event in events], schema.field("timestamp").type),
        pa.array([event.price for event in events], schema.field("price").type),
        pa.array([event.quantity for event in events], schema.field("quantity").type),
        pa.array([pairs[event.symbol].quote for event in events], pa.string()),
        pa.array(["SELL" if event.is_buyer_maker else "BUY" for event in events], pa.string()),
        pa.array(repeat([], count), schema.field("trade_conditions").type, size=count),
        pa.array([event.trade_id for event in events], pa.int64()),
        pa.array([received_ns // 1000 for _, received_ns in rows], schema.field("ingestion_timestamp").type),
        pa.nulls(count, pa.int64()),
        _vendor_data(events, pairs),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _vendor_data(events: list[TradeEvent], pairs: Mapping[str, ParsedSymbol]) -> pa.MapArray:
    width, count = len(VENDOR_KEYS), len(events)
    values = [value for event in events for value in vendor_values(event, pairs[event.symbol])]
    return pa.MapArray.from_arrays(
        pa.array(range(0, width * count + 1, width), pa.int32()),
        pa.array(VENDOR_KEYS * count, pa.string()),
        pa.array(values, pa.string()),
        type=arrow_schema().field("vendor_data").type,
    )


def _symbol_and_id(row: tuple[TradeEvent, int]) -> tuple[str, int]:
    event = row[0]
    return event.symbol, event.trade_id
