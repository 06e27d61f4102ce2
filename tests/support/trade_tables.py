"""Tables of trades for tests, written through the sink as capture writes them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptotrader.ingestion import ParsedSymbol
from cryptotrader.ingestion.iceberg import IcebergSink
from cryptotrader.ingestion.iceberg.table import open_table
from cryptotrader.ingestion.pipeline import Batch
from cryptotrader.models.market_models import TradeEvent

PAIRS = {"BTCUSDT": ParsedSymbol("BTC", "USDT"), "ETHUSDT": ParsedSymbol("ETH", "USDT")}
START_MS = 1_723_075_200_000  # 2024-08-08 00:00 UTC
RECEIVED_NS = 1_723_075_200_123_456_789


def trade(number: int, symbol: str = "BTCUSDT", **changes: Any) -> TradeEvent:
    """A trade whose values follow from its number."""
    values: dict[str, Any] = {
        "event_time": START_MS + number,
        "symbol": symbol,
        "trade_id": number,
        "price": Decimal(6_000_000 + number) / 100,
        "quantity": Decimal("0.00000001") * number,
        "trade_time": START_MS + number * 1000,
        "is_buyer_maker": number % 2 == 0,
    }
    return TradeEvent(**(values | changes))


def small_trade(number: int, symbol: str = "BTCUSDT", **changes: Any) -> TradeEvent:
    """A trade of the least quantity, a millisecond after the one before."""
    values = {"price": Decimal(number + 1) / 100, "quantity": Decimal("0.00000001"), "trade_time": START_MS + number}
    return trade(number, symbol, **(values | changes))


def write_table(folder: Path, *commits: Iterable[TradeEvent], received_ns: int = RECEIVED_NS) -> Path:
    """A table of some commits; each later commit was received a second later."""
    sink = IcebergSink(f"iceberg://{folder}")
    ledger = sink.open()
    try:
        for number, events in enumerate(commits):
            batch = Batch()
            for event in events:
                batch.streamed.append(event)
                batch.streamed_ns.append(received_ns + number * 1_000_000_000)
            batch.enter(ledger)
            sink.write(batch, ledger, PAIRS)
    finally:
        sink.close()
    return folder


def batch_of(*events: TradeEvent) -> Batch:
    """A batch of streamed trades."""
    return Batch(streamed=list(events), streamed_ns=[RECEIVED_NS] * len(events))


class TableWriter:
    """A sink with its ledger, driven as the pipeline does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sink = IcebergSink(f"iceberg://{folder}")
        self.ledger = self.sink.open()

    def commit(self, batch: Batch) -> None:
        after = self.ledger.copy()
        batch.enter(after)
        self.sink.write(batch, after, PAIRS)
        self.ledger = after

    def commit_ids(self, *numbers: int) -> None:
        self.commit(batch_of(*(trade(number) for number in numbers)))

    def files(self, kind: str = "data") -> list[Path]:
        """The files of the table as it is: its data, manifests, manifest lists or metadata."""
        table = open_table(self.folder)
        metadata = Path(table.location().removeprefix("file://")) / "metadata"
        manifest_lists = set(metadata.glob("snap-*.avro"))
        if kind == "data":
            return [Path(task.file.file_path.removeprefix("file://")) for task in table.scan().plan_files()]
        return {
            "manifest list": [*manifest_lists],
            "manifest": [*(set(metadata.glob("*.avro")) - manifest_lists)],
            "metadata": [Path(table.metadata_location.removeprefix("file://"))],
        }[kind]

    def close(self) -> None:
        self.sink.close()
