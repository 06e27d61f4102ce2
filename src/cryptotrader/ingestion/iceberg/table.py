"""The table: its place, its schema, and how it is opened."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchTableError,
    ValidationError,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from pyiceberg.types import DecimalType, ListType, LongType, MapType, NestedField, StringType, TimestamptzType
from sqlalchemy.exc import SQLAlchemyError

from cryptotrader.errors import ConfigurationError, SinkFailed
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.trade_v2 import DECIMAL_PRECISION, DECIMAL_SCALE

IDENTIFIER = ("market", "trades_v2")
LEDGER_PROPERTY = "cryptotrader.ledger"
LOCK_FILE = "writer.lock"
DEAD_LETTER_FILE = "dead_letters.jsonl"
DECIMAL = (DECIMAL_PRECISION, DECIMAL_SCALE)
_CATALOG_FILE = "catalog.db"

SCHEMA = Schema(
    NestedField(1, "message_id", StringType(), required=True),
    NestedField(2, "trade_id", StringType(), required=True),
    NestedField(3, "symbol", StringType(), required=True),
    NestedField(4, "exchange", StringType(), required=True),
    NestedField(5, "asset_class", StringType(), required=True),
    NestedField(6, "timestamp", TimestamptzType(), required=True),
    NestedField(7, "price", DecimalType(*DECIMAL), required=True),
    NestedField(8, "quantity", DecimalType(*DECIMAL), required=True),
    NestedField(9, "currency", StringType(), required=True),
    NestedField(10, "side", StringType(), required=True),
    NestedField(11, "trade_conditions", ListType(16, StringType(), element_required=True), required=True),
    NestedField(12, "source_sequence", LongType(), required=False),
    NestedField(13, "ingestion_timestamp", TimestamptzType(), required=True),
    NestedField(14, "platform_sequence", LongType(), required=False),
    NestedField(15, "vendor_data", MapType(17, StringType(), 18, StringType(), value_required=True), required=False),
)
_PARTITION_BY_DAY = PartitionSpec(PartitionField(6, 1000, DayTransform(), "timestamp_day"))

PROPERTIES = {
    # pyiceberg would otherwise let a second writer append the same ids once more
    "commit.retry.num-retries": "0",
    # commits stay cheap however many there were: small manifests are merged, full ones left alone
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    "commit.manifest.target-size-bytes": str(64 * 1024),
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "3",
    "write.parquet.compression-codec": "zstd",
    "write.parquet.compression-level": "1",
}


STORAGE_ERRORS = (
    OSError, SQLAlchemyError, pa.ArrowException, CommitFailedException, CommitStateUnknownException, NoSuchTableError,
    ValidationError, ValueError, EOFError, zlib.error,
)  # fmt: skip
"""What disk, catalog and commit fail with; the last four come from metadata files that are torn."""


_NOT_IN_PATHS = "?#%"  # pyiceberg takes paths for URLs, and does not decode them


def folder_of(url: str) -> Path:
    """The folder of an ``iceberg://DIR`` address; relative without a leading slash.

    Raises:
        ConfigurationError: It is no such address, or its path has a character that Iceberg's paths cannot have.
    """
    scheme, _, folder = url.partition("://")
    if scheme != "iceberg" or not folder:
        raise ConfigurationError(f"{url!r} is not an iceberg://DIR address")
    path = Path(unquote(folder)).absolute()
    if forbidden := sorted(set(str(path)) & set(_NOT_IN_PATHS)):
        raise ConfigurationError(f"{url!r}: a table's folder cannot have {' '.join(forbidden)} in its path")
    return path


def open_catalog(folder: Path) -> SqlCatalog:
    """The SQLite catalog in a folder."""
    return SqlCatalog("cryptotrader", uri=f"sqlite:///{folder / _CATALOG_FILE}", warehouse=f"file://{folder}")


def open_table(folder: Path) -> Table:
    """The table of a folder, for reading.

    Raises:
        SinkFailed: There is none, or it cannot be read.
    """
    if not (folder / _CATALOG_FILE).exists():
        raise SinkFailed(str(folder), "no table here")
    try:
        return open_catalog(folder).load_table(IDENTIFIER)
    except STORAGE_ERRORS as error:
        raise SinkFailed(str(folder), f"the table cannot be opened ({error})") from error


def create_table(catalog: SqlCatalog) -> Table:
    """The table, made when it is not there."""
    catalog.create_namespace_if_not_exists(IDENTIFIER[0])
    return catalog.create_table_if_not_exists(
        IDENTIFIER, SCHEMA, partition_spec=_PARTITION_BY_DAY, properties=PROPERTIES
    )


def stored_rows(table: Table, columns: list[str], rows_at_a_time: int) -> Iterator[pa.RecordBatch]:
    """Some columns of all rows, file by file.

    Raises:
        SinkFailed: A file of the table cannot be read.
    """
    place = table.location()
    try:
        for task in table.scan().plan_files():
            place = task.file.file_path
            with pq.ParquetFile(place.removeprefix("file://")) as file:
                yield from file.iter_batches(rows_at_a_time, columns=columns)
    except STORAGE_ERRORS as error:
        raise SinkFailed(place, f"cannot be read ({error})") from error


def ledger_of(table: Table) -> Ledger:
    """The ledger that belongs to the table's current content."""
    text = table.properties.get(LEDGER_PROPERTY)
    return Ledger() if text is None else Ledger.from_json(text)


def arrow_schema() -> pa.Schema:
    """The schema of the rows to append."""
    text = pa.string()
    time = pa.timestamp("us", tz="UTC")
    number = pa.decimal128(*DECIMAL)
    required = [
        ("message_id", text), ("trade_id", text), ("symbol", text), ("exchange", text), ("asset_class", text),
        ("timestamp", time), ("price", number), ("quantity", number), ("currency", text), ("side", text),
        ("trade_conditions", pa.list_(pa.field("element", text, nullable=False))),
    ]  # fmt: skip
    return pa.schema(
        [pa.field(name, kind, nullable=False) for name, kind in required]
        + [
            pa.field("source_sequence", pa.int64()),
            pa.field("ingestion_timestamp", time, nullable=False),
            pa.field("platform_sequence", pa.int64()),
            pa.field("vendor_data", pa.map_(text, pa.field("value", text, nullable=False))),
        ]
    )
