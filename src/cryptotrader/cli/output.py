"""Rows of a query as a table, CSV, JSON or Parquet. Only the table leaves rows out, and says so."""

from __future__ import annotations

import csv
import io
import itertools
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cryptotrader.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptotrader.ingestion.iceberg import QueryResult


class Output(StrEnum):
    """What rows are written as."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="JSON is one array, an object a line; decimals are texts in it.")
]
FileOption = Annotated[
    Path | None, typer.Option("--file", "-f", help="Write here; the file appears when it is complete.")
]
LimitRowsOption = Annotated[int, typer.Option(min=1, help="Rows that a table shows; other outputs have all.")]


@contextmanager
def output_file(output: Output, path: Path | None) -> Iterator[BinaryIO]:
    """Where to write: standard output, or a file that takes its name when it is complete.

    Raises:
        ConfigurationError: Parquet would go to the terminal.
    """
    if path is None:
        if output is Output.PARQUET and sys.stdout.isatty():
            raise ConfigurationError("Parquet is not for a terminal: give --file, or redirect the output")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(path) as file:
        yield file


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name, or another's place, when it is complete."""
    place = path.resolve()
    if place.exists() and not place.is_file():  # a pipe or a device
        with place.open("wb") as file:
            yield file
        return
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def write_rows(result: QueryResult, output: Output, file: BinaryIO, *, limit_rows: int) -> None:
    """Write the rows of a query; all outputs but the table keep no more than a few thousand of them in memory.

    Raises:
        QueryFailed: The query met an error on its way.
    """
    if output is Output.PARQUET:
        result.write_parquet(file)
    elif output is Output.CSV:
        _write_csv(result, file)
    elif output is Output.JSON:
        _write_json(result, file)
    else:
        print_table(result.schema.names, result.rows(), file, limit_rows=limit_rows)


def plain(value: Any) -> Any:
    """A value as JSON has it: decimals as texts without exponent, times as ISO 8601, bytes as hexadecimal digits."""
    if isinstance(value, dict):
        return {_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, tuple):  # Arrow's interval
        return _interval_text(*value)
    convert = _PLAIN.get(type(value))
    return value if convert is None else convert(value)


def print_table(
    names: Sequence[str], rows: Iterable[Sequence[Any]], file: BinaryIO, *, limit_rows: int, title: str | None = None
) -> None:
    """Show the first rows: as a table where it fits the terminal's width, and otherwise each as a block of lines."""
    rows = iter(rows)
    shown = list(itertools.islice(rows, limit_rows))
    is_cut = next(rows, None) is not None
    text = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
    console = Console(file=text) if file is sys.stdout.buffer else Console(file=text, force_terminal=False)
    try:
        for part in _table_parts(names, shown, console.width, title):
            console.print(part)
        if is_cut:
            console.print(f"cut after {limit_rows}, see --limit-rows", style="dim", highlight=False)
        elif not shown:
            console.print("no rows", style="dim")
    finally:
        text.detach()  # which would otherwise close the file


def _write_csv(result: QueryResult, file: BinaryIO) -> None:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(result.schema.names)
    for row in result.rows():
        writer.writerow(map(_text, row))
        if lines.tell() > io.DEFAULT_BUFFER_SIZE:
            file.write(lines.getvalue().encode())
            lines.seek(0)
            lines.truncate()
    file.write(lines.getvalue().encode())


def _write_json(result: QueryResult, file: BinaryIO) -> None:
    names = result.schema.names
    separator = b"[\n"
    for row in result.rows():
        file.write(separator + msgspec.json.encode(dict(zip(names, map(plain, row), strict=True))))
        separator = b",\n"
    file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _table_parts(
    names: Sequence[str], rows: Sequence[Sequence[Any]], width: int, title: str | None
) -> Iterator[RenderableType]:
    cells = [[_printable(_text(value)) for value in row] for row in rows]
    columns = zip(names, *cells, strict=True)
    natural_width = sum(max(map(cell_len, column)) + 1 for column in columns) + 1
    if natural_width <= width or len(names) == 1:
        yield _table(names, rows, cells, title)
        return
    if title is not None:
        yield Text(title, style="dim")
    for number, row in enumerate(cells, 1):
        yield Text(f"row {number}" if number == 1 else f"\nrow {number}", style="dim")
        yield _block(names, row)


def _table(
    names: Sequence[str], rows: Sequence[Sequence[Any]], cells: list[list[str]], title: str | None
) -> RenderableType:
    table = Table(title=title, title_justify="left", title_style="dim", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, name in enumerate(names):
        first = next((row[index] for row in rows if row[index] is not None), None)
        is_number = isinstance(first, (int, float, Decimal)) and not isinstance(first, bool)
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    return table


def _block(names: Sequence[str], cells: Sequence[str]) -> RenderableType:
    """One row as lines of name and value."""
    block = Table.grid(padding=(0, 2, 0, 0))
    block.add_column(style="cyan", overflow="fold")
    block.add_column(overflow="fold")
    for name, cell in zip(names, cells, strict=True):
        block.add_row(Text(name), Text(cell))
    return block


def _text(value: Any) -> str:
    """A value in one line of text; what has parts is written as JSON, and nothing as an empty text."""
    simple = plain(value)
    if simple is None:
        return ""
    if isinstance(simple, str):
        return simple
    return msgspec.json.encode(simple).decode()


def _decimal_text(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _time_text(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _interval_text(months: int, days: int, nanoseconds: int) -> str:
    """A duration in ISO 8601."""
    return f"P{months}M{days}DT{_decimal_text(Decimal(nanoseconds).scaleb(-9))}S"


def _finite(value: float) -> float | str:
    """A number, or the name of what JSON has no number for."""
    return value if math.isfinite(value) else str(value)


def _printable(text: str) -> str:
    """A text that cannot control the terminal."""
    return text if text.isprintable() else repr(text)[1:-1]


_PLAIN: dict[type, Callable[[Any], Any]] = {
    Decimal: _decimal_text,
    datetime: _time_text,
    date: date.isoformat,
    time: time.isoformat,
    bytes: bytes.hex,
    float: _finite,
}
