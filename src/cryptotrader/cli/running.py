"""What all commands share: endpoints by name, running until a signal, errors in one line."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, NoReturn

import structlog
import typer

from cryptotrader.errors import BinanceError, ConfigurationError, RequestInvalid

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SIGNAL = 128
_DELIVER_AGAIN_SECONDS = 0.01

EndpointOption = Annotated[
    str,
    typer.Option(
        "--endpoint",
        "-e",
        help="live, testnet, demo, local (127.0.0.1:9443), or a ws:// or wss:// address.",
    ),
]
CaOption = Annotated[
    str | None,
    typer.Option("--ca", help="Trust this certificate authority, a PEM file, as for a local exchange with --tls."),
]


def split_symbols(text: str) -> list[str]:
    """Symbols of a comma-separated option, in upper case.

    Raises:
        ConfigurationError: There is none.
    """
    symbols = [part.strip().upper() for part in text.split(",") if part.strip()]
    if not symbols:
        raise ConfigurationError("give at least one symbol, such as --symbols BTCUSDT,ETHUSDT")
    return list(dict.fromkeys(symbols))


def show_logs(*, verbose: bool) -> None:
    """Send logs to stderr: warnings, or everything."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.ERROR,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def run(command: Callable[[], Coroutine[Any, Any, int]]) -> NoReturn:
    """Run a command to its end or to SIGINT or SIGTERM, and leave with its exit code.

    A signal cancels the command, which then cleans up; the exit code is 130 or 143.
    """
    raise typer.Exit(asyncio.run(_until_signal(command)))


def exit_on_signals() -> None:
    """Let SIGINT and SIGTERM end a command that is not asynchronous, after it has cleaned up, with the same codes.

    A signal may arrive within a destructor, where Python drops exceptions; the exit is then delivered once more.
    """

    def leave(number: int, _: object) -> NoReturn:
        sys.exit(EXIT_SIGNAL + number)

    def deliver_again(dropped: sys.UnraisableHookArgs) -> None:
        error = dropped.exc_value
        if not isinstance(error, SystemExit):
            sys.__unraisablehook__(dropped)
            return
        signal.signal(signal.SIGALRM, lambda *_: sys.exit(error.code))
        signal.setitimer(signal.ITIMER_REAL, _DELIVER_AGAIN_SECONDS)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    sys.unraisablehook = deliver_again


async def _until_signal(command: Callable[[], Coroutine[Any, Any, int]]) -> int:
    loop = asyncio.get_running_loop()
    task = loop.create_task(command())
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        return EXIT_SIGNAL + received[0]


def explain(error: BinanceError) -> tuple[str, int]:
    """One line and an exit code for an error."""
    line = " ".join(str(error).split())
    return line, EXIT_USAGE if isinstance(error, (ConfigurationError, RequestInvalid)) else EXIT_FAILED
