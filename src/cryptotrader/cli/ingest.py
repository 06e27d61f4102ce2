"""``cryptotrader ingest``: capture trades into a table."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from cryptotrader.cli.running import (
    EXIT_FAILED,
    EXIT_SIGNAL,
    CaOption,
    EndpointOption,
    run,
    show_logs,
    split_symbols,
)
from cryptotrader.cli.sinks import sink_at
from cryptotrader.cli.views import capture_line, capture_view
from cryptotrader.config import Endpoint, endpoint_named

if TYPE_CHECKING:
    from cryptotrader.ingestion.capture import Capture

_REFRESH_SECONDS = 0.25
_PLAIN_REFRESH_SECONDS = 5.0


def ingest(
    symbols: Annotated[str, typer.Option(help="Symbols, with commas.")],
    sink: Annotated[str, typer.Option(help="Where to: iceberg://DIR.")],
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Stop after this time.")] = None,
    until_shutdown: Annotated[
        bool, typer.Option("--until-shutdown", help="Stop when the server announces that it goes down.")
    ] = False,
    commit_seconds: Annotated[float, typer.Option(min=0.1, help="Longest time between commits.")] = 10.0,
    commit_rows: Annotated[int, typer.Option(min=1, help="Rows that make a commit due at once.")] = 250_000,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.")] = False,
) -> None:
    """Capture every trade of some symbols; holes are filled from past trades. Stop with Ctrl-C.

    Examples:

      cryptotrader ingest --symbols BTCUSDT,ETHUSDT --sink iceberg://data --endpoint live

      cryptotrader ingest --symbols BTCUSDT --sink iceberg:///tmp/trades --endpoint local --seconds 60
    """
    show_logs(verbose=verbose)
    names, where = split_symbols(symbols), endpoint_named(endpoint, ca)
    run(
        lambda: _ingest(
            names,
            where,
            sink,
            seconds=seconds,
            until_shutdown=until_shutdown,
            commit_seconds=commit_seconds,
            commit_rows=commit_rows,
        )
    )


async def _ingest(
    symbols: list[str],
    endpoint: Endpoint,
    sink: str,
    *,
    seconds: float | None,
    until_shutdown: bool,
    commit_seconds: float,
    commit_rows: int,
) -> int:
    target = sink_at(sink)
    from cryptotrader.ingestion import Capture, CaptureConfig  # noqa: PLC0415 - needs the extra "ingestion"

    stop = asyncio.Event()
    received: list[int] = []
    loop = asyncio.get_running_loop()

    def stop_on_signal(number: int) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):  # end in order: a cancelled capture would leave holes open
        loop.add_signal_handler(number, stop_on_signal, number)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    capture = Capture(
        endpoint,
        symbols,
        target,
        config=CaptureConfig(commit_seconds=commit_seconds, commit_rows=commit_rows),
        on_shutdown=stop.set if until_shutdown else None,
    )
    console = Console(stderr=True)
    watching = asyncio.ensure_future(_watch(capture, console))
    try:
        ledger = await capture.run(stop)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    unresolved = sum(last - first + 1 for entry in ledger.symbols.values() for first, last in entry.unresolved())
    stored = sum(entry.stored().count for entry in ledger.symbols.values())
    typer.echo(f"stored: {stored} trades, {unresolved} unresolved")
    if unresolved:
        return EXIT_FAILED
    return EXIT_SIGNAL + received[0] if received else 0


async def _watch(capture: Capture, console: Console) -> None:
    """Show progress: a live table on a terminal, a line now and then elsewhere."""
    started = time.monotonic()
    is_terminal = console.is_terminal
    display: AbstractContextManager[Live | None] = (
        Live(console=console, refresh_per_second=8, transient=True) if is_terminal else nullcontext()
    )
    with display as live:
        while True:
            await asyncio.sleep(_REFRESH_SECONDS if is_terminal else _PLAIN_REFRESH_SECONDS)
            elapsed = time.monotonic() - started
            if live is not None:
                live.update(capture_view(capture.progress(), elapsed))
            else:
                console.print(capture_line(capture.progress(), elapsed), soft_wrap=True)
