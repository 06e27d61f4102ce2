"""SQL over the stored trades: DuckDB reads exactly the Parquet files that the table's current plan names.

In the view ``trades``, price and quantity have the eight places after the point that Binance sends at most. At the
eighteen of the table, a product of two would overflow the 38 digits of a DECIMAL with ten units of the quote asset. A
number with more places ends a query that reads it; it is not rounded.

DuckDB's own Iceberg extension is not used, since it has to be downloaded. What a query may do is bounded: it reads
these files and nothing else, it writes nothing, and it stays within its memory limit, beyond which DuckDB spills into a
temporary folder that is removed in the end.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table

from cryptotrader.errors import QueryFailed, SinkFailed
from cryptotrader.ingestion.iceberg.table import STORAGE_ERRORS, arrow_schema, open_table

MEMORY_LIMIT = 512 * 1024 * 1024
"""Bytes that DuckDB may hold unless told otherwise."""

ROWS_AT_A_TIME = 8_192
ROWS_A_GROUP = 65_536
_BYTES_A_THREAD = 125_000_000  # what DuckDB's guide on memory asks for at least
_OFF = (
    "autoinstall_known_extensions",
    "autoload_known_extensions",
    "allow_community_extensions",
    "allow_persistent_secrets",
    "python_enable_replacements",  # names in SQL would otherwise find Python variables
    "enable_external_access",
)


_WaitFor = Callable[[Callable[[], Any]], Any]


class QueryResult:
    """Rows of a query, computed while they are read; to be read once, and before ``StoredTrades`` is closed.

    Attributes:
        schema: Names and types of the columns.
    """

    def __init__(self, reader: pa.RecordBatchReader, wait_for: _WaitFor) -> None:
        self._reader = reader
        self._wait_for = wait_for
        self.schema: pa.Schema = reader.schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Batches of up to ``ROWS_AT_A_TIME`` rows.

        Raises:
            QueryFailed: The query met an error on its way, such as the memory limit.
        """
        while True:
            try:
                batch = self._wait_for(self._next)
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise QueryFailed(_reason(error)) from error
            if batch is None:
                return
            yield batch

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The same as tuples of Python values: ``Decimal``, ``datetime``, lists, and dictionaries for maps.

        Raises:
            QueryFailed: As above, or a column is of a type that has no such value.
        """
        for field in self.schema:
            if isinstance(field.type, pa.BaseExtensionType):
                raise QueryFailed(f"column {field.name!r} is of a type that is DuckDB's own: cast it, as to VARCHAR")
        for batch in self:
            try:
                columns = [column.to_pylist(maps_as_pydicts="strict") for column in batch.columns]
            except (ValueError, KeyError) as error:  # nanoseconds, and maps that have a key twice
                raise QueryFailed(f"a value cannot be shown ({_reason(error)}): cast it, as to VARCHAR") from error
            yield from zip(*columns, strict=True)

    def write_parquet(self, file: BinaryIO) -> None:
        """Write all rows to a file, ``ROWS_A_GROUP`` at a time.

        Raises:
            QueryFailed: As above, or a column is of a type that Parquet does not know.
        """
        try:
            with pq.ParquetWriter(file, self.schema, compression="zstd") as writer:
                for group in self._groups():
                    writer.write_table(group)
        except pa.ArrowException as error:
            raise QueryFailed(f"cannot be written as Parquet ({_reason(error)})") from error

    def _next(self) -> pa.RecordBatch | None:
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            return None

    def _groups(self) -> Iterator[pa.Table]:
        waiting: list[pa.RecordBatch] = []
        for batch in self:
            waiting.append(batch)
            if sum(len(each) for each in waiting) >= ROWS_A_GROUP:
                yield pa.Table.from_batches(waiting)
                waiting = []
        if waiting:
            yield pa.Table.from_batches(waiting)


class StoredTrades:
    """The trades of a table as the view ``trades``, for reading only; a context manager.

    DuckDB works on a thread of its own, because it does not look at signals while it works: when whoever waits for it
    is interrupted, so is the query.

    Args:
        folder: The table's folder.
        memory_limit: Bytes that DuckDB may hold; what exceeds them is spilled to disk, or ends the query.

    Raises:
        SinkFailed: There is no table, or it cannot be read.
    """

    def __init__(self, folder: Path, *, memory_limit: int = MEMORY_LIMIT) -> None:
        files = _data_files(open_table(folder))
        # a result that was not read to its end lets DuckDB remove files at the same time
        self._spill = tempfile.TemporaryDirectory(prefix="cryptotrader-query-", ignore_cleanup_errors=True)
        self._connection = duckdb.connect(":memory:")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="cryptotrader-query")
        try:
            self._configure(memory_limit)
            self._create_view(files)
            self._lock(files)
        except duckdb.Error as error:
            self.close()
            raise SinkFailed(str(folder), f"cannot be read ({_reason(error)})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def query(self, sql: str) -> QueryResult:
        """Start one ``SELECT``, which may begin with ``WITH`` and name the view ``trades``.

        Raises:
            QueryFailed: It is not one ``SELECT``, or DuckDB refuses it.
        """
        try:
            statements = self._connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise QueryFailed("give exactly one SELECT statement")
            # DuckDB refuses a WITH clause that writes anywhere but at the top level, so the query is put below it:
            # the data files are open to this connection, and COPY inside of WITH could overwrite them
            relation = self._connection.sql(f"SELECT * FROM (\n{statements[0].query}\n)")  # noqa: S608 - SQL is asked for
            reader = self._wait_for(lambda: relation.to_arrow_reader(ROWS_AT_A_TIME))
            return QueryResult(reader, self._wait_for)
        except (duckdb.Error, pa.ArrowException) as error:
            raise QueryFailed(_reason(error)) from error

    def symbols(self) -> list[str]:
        """The symbols that have trades, sorted.

        Raises:
            QueryFailed: A file cannot be read.
        """
        rows = self.query("SELECT DISTINCT symbol FROM trades ORDER BY symbol")
        return [symbol for batch in rows for symbol in batch.column("symbol").to_pylist()]

    def close(self) -> None:
        """End the connection and its thread, and remove what it spilled."""
        self._worker.shutdown()
        self._connection.close()
        self._spill.cleanup()

    def _wait_for(self, work: Callable[[], Any]) -> Any:
        """The result of some work on DuckDB's thread; an interruption of the wait ends the work."""
        result = self._worker.submit(work)
        try:
            return result.result()
        except BaseException:
            if not result.done():
                self._connection.interrupt()
                wait([result])
            raise

    def _configure(self, memory_limit: int) -> None:
        threads = max(1, min(os.cpu_count() or 1, memory_limit // _BYTES_A_THREAD))
        self._set("enable_progress_bar", "false")  # goes to standard output, when Python was not given a file to run
        self._set("memory_limit", f"'{memory_limit}B'")
        self._set("threads", str(threads))
        self._set("temp_directory", _text(self._spill.name))
        self._set("TimeZone", "'UTC'")

    def _create_view(self, files: list[str]) -> None:
        if files:
            names = ", ".join(_text(_without_patterns(file)) for file in files)
            # days are partitions, and their folders would otherwise become a column
            source = f"read_parquet([{names}], hive_partitioning = false)"
        else:
            self._connection.register("no_trades", arrow_schema().empty_table())
            source = "no_trades"
        columns = ", ".join(f"{_at_eight_places(name)} AS {name}" for name in ("price", "quantity"))
        view = f"SELECT * REPLACE ({columns}) FROM {source}"  # noqa: S608 - names of files are quoted
        self._connection.execute(f"CREATE VIEW trades AS {view}")

    def _lock(self, files: list[str]) -> None:
        """From here on the connection reaches these files only, and cannot be told otherwise."""
        names = {*files, *map(_without_patterns, files)}  # both forms are looked up
        self._set("allowed_paths", f"[{', '.join(map(_text, names))}]")
        for setting in _OFF:
            self._set(setting, "false")
        self._set("lock_configuration", "true")

    def _set(self, setting: str, value: str) -> None:
        self._connection.execute(f"SET {setting} = {value}")


def _data_files(table: Table) -> list[str]:
    """Paths of the files that make up the table's current content.

    Raises:
        SinkFailed: The plan cannot be read, a file is missing, or rows are deleted by files of deletes.
    """
    place = table.location()
    try:
        tasks = list(table.scan().plan_files())
    except STORAGE_ERRORS as error:
        raise SinkFailed(place, f"cannot be read ({error})") from error
    if any(task.delete_files for task in tasks):
        raise SinkFailed(place, "holds deleted rows, which cannot be left out: compact the table first")
    files = [task.file.file_path.removeprefix("file://") for task in tasks]
    for file in files:
        if not Path(file).is_file():  # DuckDB would look for a folder of that name, and say that it may not
            raise SinkFailed(file, "cannot be read (no such file)")
    return files


def _at_eight_places(column: str) -> str:
    """A column at eight places, or an error where that would not be the same number."""
    exact = f"{column}::DECIMAL(38, 8)"
    problem = f"'{column} ' || {column} || ' has more than eight places'"
    return f"CASE WHEN {exact} = {column} THEN {exact} ELSE error({problem}) END"


def _text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def _without_patterns(path: str) -> str:
    """A path that DuckDB takes literally, whatever characters the folder's name has."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _reason(error: BaseException) -> str:
    """DuckDB's message without the excerpt and the advice that follow it."""
    return " ".join(str(error).strip().partition("\n\n")[0].split())
