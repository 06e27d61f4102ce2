"""``cryptotrader demo``: the whole of it in half a minute, on this machine alone."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cryptotrader.cli.running import EXIT_FAILED, run, show_logs
from cryptotrader.cli.sinks import sink_at
from cryptotrader.cli.views import candle_view, capture_line, capture_view, ledger_view
from cryptotrader.config import Backoff
from cryptotrader.models.base_models import KlineInterval
from cryptotrader.simulator import LocalExchange

if TYPE_CHECKING:
    from cryptotrader.ingestion.capture import Capture

SYMBOLS = ("BTCUSDT", "ETHUSDT", "ETHBTC")
_RATE = 300.0
_CUT_AT = 0.4
_OUTAGE = 0.08  # of the whole time
_FRAME_SECONDS = 0.25


def demo(
    seconds: Annotated[float, typer.Option(min=4, help="How long to capture.")] = 25.0,
    folder: Annotated[Path | None, typer.Option(help="Where to keep the table; a temporary folder otherwise.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same market.")] = 0,
) -> None:
    """Start a local exchange, capture its trades, cut the connection on purpose, and prove that none is missing.

    Examples:

      cryptotrader demo

      cryptotrader demo --seconds 60 --folder my-table
    """
    show_logs(verbose=False)
    if folder is not None:
        run(lambda: _demo(folder.absolute(), seconds, seed))
    with tempfile.TemporaryDirectory(prefix="cryptotrader-demo-") as temporary:
        run(lambda: _demo(Path(temporary), seconds, seed))


async def _demo(folder: Path, seconds: float, seed: int) -> int:
    console = Console()
    sink = sink_at(f"iceberg://{folder}")
    from cryptotrader.ingestion import Capture, CaptureConfig  # noqa: PLC0415 - needs the extra "ingestion"

    async with LocalExchange(SYMBOLS, rate=_RATE, seed=seed) as exchange:
        console.print(
            f"Local exchange on port {exchange.port}: {', '.join(SYMBOLS)} at {_RATE:.0f} trades a second. "
            f"After {seconds * _CUT_AT:.0f} s the connection is cut for {seconds * _OUTAGE:.1f} s."
        )
        stop = asyncio.Event()
        capture = Capture(
            exchange.endpoint,
            SYMBOLS,
            sink,
            config=CaptureConfig(commit_seconds=5.0),
            backoff=Backoff(initial=0.5, maximum=2.0),
        )
        directing = asyncio.ensure_future(_direct(exchange, capture, seconds, console))
        directing.add_done_callback(lambda _: stop.set())
        try:
            await capture.run(stop)
            await directing
        finally:
            directing.cancel()
            await asyncio.gather(directing, return_exceptions=True)
    return _close(console, folder)


async def _direct(exchange: LocalExchange, capture: Capture, seconds: float, console: Console) -> None:
    """Let time pass on the screen, cut the connection once, and see it come back, however long that takes."""
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=None), TimeRemainingColumn(), console=console
    )
    bar = progress.add_task("capturing", total=seconds)
    started = time.monotonic()
    cut = False
    shown_s = 0.0
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        while (elapsed := time.monotonic() - started) < seconds or not capture.progress().reconnects:
            if not cut and elapsed >= seconds * _CUT_AT and _is_under_way(capture):
                cut = True
                exchange.fault("refuse", seconds=seconds * _OUTAGE)
                exchange.fault("drop", connection="stream")
                live.console.print("Connection cut on purpose.")
            if console.is_terminal:
                progress.update(bar, completed=elapsed)
                live.update(Group(capture_view(capture.progress(), max(elapsed, _FRAME_SECONDS)), progress))
            elif elapsed - shown_s >= _FRAME_SECONDS * 20:
                shown_s = elapsed
                console.print(capture_line(capture.progress(), elapsed), soft_wrap=True)
            await asyncio.sleep(_FRAME_SECONDS)
    state = capture.progress()
    filled = sum(each.backfilled for each in state.symbols)
    console.print(f"Reconnected {state.reconnects} time(s); {filled} trades of the outage fetched and put in place.")


def _is_under_way(capture: Capture) -> bool:
    """Whether trades of all symbols have come, so that there is a connection to cut."""
    symbols = capture.progress().symbols
    return bool(symbols) and all(each.trades for each in symbols)


def _close(console: Console, folder: Path) -> int:
    """Read everything back from the table."""
    from cryptotrader.ingestion.iceberg import read_candles, verify_table  # noqa: PLC0415 - needs "iceberg"

    report = verify_table(folder)
    console.print(ledger_view(report))
    console.print(candle_view(read_candles(folder, KlineInterval.MINUTE_1)))
    verdict = "complete" if report.is_complete else "INCOMPLETE"
    console.print(
        f"{verdict}: {report.trades} trades, {report.missing} missing, {report.duplicates} duplicates", highlight=False
    )
    return 0 if report.is_complete else EXIT_FAILED
