"""``cryptotrader record``: market streams into a file, frame by frame."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from cryptotrader.cli.running import EXIT_SIGNAL, CaOption, EndpointOption, run, show_logs
from cryptotrader.config import Endpoint, endpoint_named
from cryptotrader.recorder import Recorder

_REPORT_SECONDS = 5.0


def record(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Stream names, such as btcusdt@trade.")],
    file: Annotated[Path, typer.Option("--file", "-f", help="Where to; an existing recording is continued.")],
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Stop after this time.")] = None,
    until_shutdown: Annotated[
        bool, typer.Option("--until-shutdown", help="Stop when the server announces that it goes down.")
    ] = False,
    snapshot_levels: Annotated[
        int, typer.Option(min=1, max=5000, help="Levels of the order book snapshots that depth streams need.")
    ] = 1000,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.")] = False,
) -> None:
    """Record every frame of some streams: exact bytes, receive time, connection. Stop with Ctrl-C.

    Examples:

      cryptotrader record btcusdt@trade btcusdt@depth@100ms --file btcusdt.rec

      cryptotrader record btcusdt@trade --file btcusdt.rec --endpoint local --seconds 60
    """
    show_logs(verbose=verbose)
    where = endpoint_named(endpoint, ca)
    run(lambda: _record(where, names, file, seconds, snapshot_levels, until_shutdown=until_shutdown))


async def _record(
    endpoint: Endpoint, names: list[str], file: Path, seconds: float | None, levels: int, *, until_shutdown: bool
) -> int:
    stop = asyncio.Event()
    received: list[int] = []
    loop = asyncio.get_running_loop()

    def stop_on_signal(number: int) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):  # end in order, with the last segment written
        loop.add_signal_handler(number, stop_on_signal, number)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    recorder = Recorder(endpoint, names, file, snapshot_levels=levels, on_shutdown=stop.set if until_shutdown else None)
    watching = asyncio.ensure_future(_watch(recorder))
    try:
        frames = await recorder.run(stop)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    typer.echo(f"recorded: {frames} frames of {recorder.connections} connections in {file}")
    return EXIT_SIGNAL + received[0] if received else 0


async def _watch(recorder: Recorder) -> None:
    started = time.monotonic()
    while True:
        await asyncio.sleep(_REPORT_SECONDS)
        typer.echo(f"{time.monotonic() - started:.0f} s: {recorder.frames} frames received", err=True)
