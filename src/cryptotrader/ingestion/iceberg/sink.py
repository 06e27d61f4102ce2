"""The sink: one writer, one transaction for rows and ledger, and a table that stays cheap to commit to."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa
from pyiceberg.table import Table

from cryptotrader.config import get_logger
from cryptotrader.errors import IngestionError, SinkFailed, SinkLocked
from cryptotrader.ingestion.iceberg.rows import to_arrow
from cryptotrader.ingestion.iceberg.table import (
    DEAD_LETTER_FILE,
    LEDGER_PROPERTY,
    LOCK_FILE,
    STORAGE_ERRORS,
    create_table,
    folder_of,
    ledger_of,
    open_catalog,
)
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.pipeline import Batch
from cryptotrader.ingestion.symbols import ParsedSymbol

logger = get_logger(__name__)

KEPT_SNAPSHOTS = 5
EXPIRE_EVERY = 20
"""Commits between two rounds of clearing away."""


class IcebergSink:
    """An Iceberg table in a folder of its own, with its catalog, lock and dead letters.

    Args:
        url: ``iceberg://DIR``.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        self._folder = folder_of(url)
        self._lock: IO[str] | None = None
        self._table: Table | None = None
        self._commits = 0

    def open(self) -> Ledger:
        """Take the lock, open or make the table, and return its ledger.

        Raises:
            SinkLocked: Another process writes here.
            SinkFailed: The folder cannot be used.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / LOCK_FILE).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise SinkLocked(self.name, "another process is writing here") from error
        except OSError as error:
            self.close()
            raise SinkFailed(self.name, str(error)) from error
        try:
            self._table = create_table(open_catalog(self._folder))
            self._clear_away()
            return ledger_of(self._table)
        except STORAGE_ERRORS as error:
            self.close()
            raise SinkFailed(self.name, _first_line(error)) from error
        except IngestionError:  # the ledger cannot be read
            self.close()
            raise

    def write(self, batch: Batch, ledger: Ledger, pairs: Mapping[str, ParsedSymbol]) -> None:
        """Append the rows and set the ledger, both or neither.

        Dead letters are written before, so that a crash in between repeats one rather than loses it.

        Raises:
            SinkFailed: Nothing of the batch was stored.
        """
        if self._table is None:
            raise SinkFailed(self.name, "the sink is not open")
        try:
            self._write_dead_letters(batch)
            with self._table.transaction() as transaction:
                for rows in to_arrow(batch, pairs):
                    transaction.append(rows)
                transaction.set_properties({LEDGER_PROPERTY: ledger.to_json()})
        except STORAGE_ERRORS as error:
            raise SinkFailed(self.name, _first_line(error)) from error
        finally:
            pa.default_memory_pool().release_unused()  # Arrow would otherwise keep the most it ever needed
        self._commits += 1
        if self._commits % EXPIRE_EVERY == 0:
            self._clear_away()

    def close(self) -> None:
        """Let go of the lock."""
        self._table = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _write_dead_letters(self, batch: Batch) -> None:
        if not batch.rejected:
            return
        with (self._folder / DEAD_LETTER_FILE).open("ab") as file:
            for letter in batch.rejected:
                line = {
                    "why": letter.why,
                    "received_ns": letter.received_ns,
                    "event": msgspec.Raw(letter.event.to_json()),
                }
                file.write(msgspec.json.encode(line) + b"\n")

    def _clear_away(self) -> None:
        """Expire old snapshots and delete the metadata files that nothing refers to any more.

        Failing to do so costs space, not data: it is logged and tried again later.
        """
        table = self._table
        if table is None:
            return
        try:
            snapshots = sorted(table.snapshots(), key=lambda each: each.sequence_number or 0)
            if old := [each.snapshot_id for each in snapshots[:-KEPT_SNAPSHOTS]]:
                table.maintenance.expire_snapshots().by_ids(old).commit()
            self._delete_unreferenced(table)
        except STORAGE_ERRORS as error:
            logger.warning("%s: old snapshots were not cleared away: %s", self.name, _first_line(error))

    def _delete_unreferenced(self, table: Table) -> None:
        """Delete manifests and manifest lists of expired snapshots, and what a killed process left half done."""
        referenced: set[str] = set()
        for snapshot in table.snapshots():
            referenced.add(Path(snapshot.manifest_list).name)
            referenced |= {Path(manifest.manifest_path).name for manifest in snapshot.manifests(table.io)}
        if not referenced:
            return
        folder = Path(table.location().removeprefix("file://")) / "metadata"
        for file in folder.glob("*.avro"):
            if file.name not in referenced:
                with suppress(FileNotFoundError):
                    file.unlink()


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "orig", None) or error)
    return text.splitlines()[0] if text else type(error).__name__
