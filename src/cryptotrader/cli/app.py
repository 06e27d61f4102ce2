"""The commands of ``cryptotrader``."""

from __future__ import annotations

import os
import sys

import typer

from cryptotrader.cli.account import account
from cryptotrader.cli.call import call
from cryptotrader.cli.candles import candles
from cryptotrader.cli.decode import decode
from cryptotrader.cli.demo import demo
from cryptotrader.cli.ingest import ingest
from cryptotrader.cli.order import order
from cryptotrader.cli.plot import plot
from cryptotrader.cli.query import query
from cryptotrader.cli.record import record
from cryptotrader.cli.running import EXIT_FAILED, explain
from cryptotrader.cli.simulator import simulator
from cryptotrader.cli.stream import stream
from cryptotrader.cli.verify import verify
from cryptotrader.errors import BinanceError

app = typer.Typer(
    name="cryptotrader",
    help="Binance Spot: stream and capture its market data without a hole, trade, and test against a local exchange.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, simulator, stream, ingest, verify, query, candles, plot, record, decode, call, account):
    app.command()(command)
app.add_typer(order, name="order")


def run_command_line() -> None:
    """Run one command; an error is one line on stderr, never a traceback."""
    try:
        app()
    except BinanceError as error:
        line, code = explain(error)
        _complain(line, code)
    except BrokenPipeError:  # the reader of our output, such as head, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        _complain(str(error), EXIT_FAILED)


def _complain(line: str, code: int) -> None:
    typer.echo(f"error: {line}", err=True)
    sys.exit(code)
