"""What all diagnostics share: their options, and how they tell what they found.

Exit codes: 0 all passed, 1 a test failed, 2 wrong usage, 130 and 143 ended by SIGINT and SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import colorama
import msgspec
from colorama import Fore

from cryptotrader.api_connection import refuse_in_clear
from cryptotrader.config import Endpoint, endpoint_named
from cryptotrader.connection import tls_context
from cryptotrader.credentials import Credentials, from_environment
from cryptotrader.diagnostics.running import Record, Run, run_until_signal
from cryptotrader.diagnostics.trial import TEST_SYMBOL, Outcome, Test
from cryptotrader.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[3]
DEFAULT_TIMEOUT = 30.0
LONGEST_TIMEOUT = 3600.0
EXIT_USAGE = 2
KEY_VARIABLES = "BINANCE_API_KEY and either BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE"

_STYLES = {
    Outcome.PASSED: (Fore.GREEN, "✓"),
    Outcome.HEALED: (Fore.GREEN, "✓"),
    Outcome.QUIET: (Fore.YELLOW, "○"),
    Outcome.SKIPPED: (Fore.YELLOW, "-"),
    Outcome.FAILED: (Fore.RED, "✗"),
}


@dataclass(frozen=True)
class Script:
    """A diagnostic.

    Attributes:
        feature: What is diagnosed.
        tests: In the order to run.
        session: What ``--interactive`` runs instead of the tests, where there is something.
        needs_key: Whether its tests ask for an account; the environment then has to name a key.
        places_orders: Whether its tests place orders; on a live exchange they ask for ``--allow-live-orders``.
    """

    feature: str
    tests: Mapping[str, Test]
    session: Test | None = None
    needs_key: bool = False
    places_orders: bool = False


def run_script(script: Script, arguments: Sequence[str] | None = None) -> int:
    """Run a diagnostic from its command line; returns the exit code.

    Args:
        script: The diagnostic.
        arguments: By default those of the process.

    Raises:
        SystemExit: Wrong usage (2), or only help was asked for (0).
    """
    parser = _parser(script)
    options = parser.parse_args(arguments)
    if options.list:
        sys.stdout.write("".join(f"{name}\n" for name in script.tests))
        return 0
    try:
        run = _chosen(script, options)
    except ConfigurationError as error:
        parser.exit(EXIT_USAGE, f"{parser.prog}: error: {error}\n")
    if options.json:
        asyncio.run(run_until_signal(run))
        sys.stdout.write(_report(run))
    else:
        colorama.init(autoreset=True)
        _show_banner(run)
        asyncio.run(run_until_signal(run))
        _show_summary(run)
    return run.exit_code


def say(text: str = "", colour: str = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{colour}{text}\n")
    sys.stdout.flush()


# ------------------------------------------------------------------------------------------------------- what to run


def _parser(script: Script) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=f"Diagnose: {script.feature}.",
        epilog=f"The key comes from the environment: {KEY_VARIABLES}." if script.needs_key else None,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--endpoint", default="live", metavar="WHERE", help="live (default), testnet, demo, local, or ws://HOST:PORT"
    )
    parser.add_argument("--ca", metavar="FILE", help="certificate authority to trust, as for a local exchange with TLS")
    parser.add_argument("--only", action="append", metavar="NAME", help="run this test only; may be given again")
    parser.add_argument("--list", action="store_true", help="list the tests and leave")
    parser.add_argument("--json", action="store_true", help="print a report in JSON and nothing else")
    parser.add_argument(
        "--timeout",
        type=float,
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help=f"to wait for each answer or event ({DEFAULT_TIMEOUT:g})",
    )
    if script.session is not None:
        parser.add_argument("--interactive", action="store_true", help="try it by hand instead of running the tests")
    if script.places_orders:
        parser.add_argument("--allow-live-orders", action="store_true", help="place real orders with real money")
    return parser


def _chosen(script: Script, options: argparse.Namespace) -> Run:
    """The run that the options ask for.

    Raises:
        ConfigurationError: They do not go together, or name what is not there.
    """
    unknown = [name for name in options.only or () if name not in script.tests]
    if unknown:
        raise ConfigurationError(f"no test {', '.join(unknown)}; there are {', '.join(script.tests)}")
    if not 0 < options.timeout <= LONGEST_TIMEOUT:
        raise ConfigurationError(f"--timeout needs more than 0 and at most {LONGEST_TIMEOUT:g} seconds")
    session = script.session if getattr(options, "interactive", False) else None
    if session is not None and (options.json or options.only):
        raise ConfigurationError("--interactive goes with neither --json nor --only")
    endpoint = endpoint_named(options.endpoint, options.ca)
    if options.ca is not None:
        tls_context(endpoint)
    tests = {name: test for name, test in script.tests.items() if not options.only or name in options.only}
    return Run(
        feature=script.feature,
        tests=tests if session is None else {"interactive": session},
        endpoint=endpoint,
        timeout=options.timeout,
        is_session=session is not None,
        on_test=_tell_nobody if options.json else _show_header,
        on_record=_tell_nobody if options.json else _show_record,
        may_order=getattr(options, "allow_live_orders", False) or not endpoint.is_live,
        credentials=_key_for(endpoint) if script.needs_key else None,
    )


def _key_for(endpoint: Endpoint) -> Credentials:
    """The key that the environment names.

    Raises:
        ConfigurationError: There is none, or it must not be shown to this endpoint.
    """
    refuse_in_clear(endpoint.api_url)
    try:
        return from_environment()
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; this diagnostic needs {KEY_VARIABLES}") from error


# ------------------------------------------------------------------------------------------------------------ telling


def _show_banner(run: Run) -> None:
    say(f"=== {run.feature}: diagnostic ===", Fore.CYAN)
    say(f"Date: {run.started:%Y-%m-%d %H:%M:%S %z}")
    say(f"Python: {platform.python_version()}")
    say(f"Project root: {PROJECT_ROOT}")
    say(_folded(f"Endpoint: {run.endpoint.name} ({run.endpoint.stream_url}, {run.endpoint.api_url})"))
    say(f"Symbol: {TEST_SYMBOL}")
    if run.credentials is not None:
        say(f"Key: {run.credentials!r}")


def _tell_nobody(_: object) -> None:
    """With ``--json`` the report at the end is all."""


def _show_header(name: str) -> None:
    say()
    say(f"Test: {name}", Fore.CYAN)


def _show_record(record: Record) -> None:
    colour, mark = _STYLES[record.outcome]
    say(f"{mark} {record.outcome} in {record.seconds:.2f} s", colour)
    say(_folded(f"  {record.detail}"))
    for remark in record.remarks:
        say(_folded(f"  {remark}"), Fore.YELLOW)
    if record.traceback:
        say(record.traceback.rstrip(), Fore.RED)


def _show_summary(run: Run) -> None:
    counts = Counter(record.outcome for record in run.records)
    say()
    say(f"=== Summary: {len(run.records)} of {len(run.tests)} tests ran ===", Fore.CYAN)
    for outcome in Outcome:
        if counts[outcome]:
            colour, mark = _STYLES[outcome]
            names = ", ".join(record.name for record in run.records if record.outcome is outcome)
            say(_folded(f"{mark} {counts[outcome]} {outcome}: {names}"), colour)
    if run.unfinished:
        say(_folded(f"- {len(run.unfinished)} not finished: {', '.join(run.unfinished)}"), Fore.YELLOW)
    if run.ended_by is not None:
        say(f"ended by {run.ended_by.name}", Fore.YELLOW)


def _folded(line: str) -> str:
    """A long line as a terminal shows it best; whole where the output is none."""
    if not sys.stdout.isatty():
        return line
    columns = shutil.get_terminal_size().columns
    return textwrap.fill(line, columns, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _report(run: Run) -> str:
    """The run as JSON."""
    counts = Counter(record.outcome for record in run.records)
    report = {
        "feature": run.feature,
        "date": run.started.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "project_root": str(PROJECT_ROOT),
        "endpoint": run.endpoint.name,
        "symbol": TEST_SYMBOL,
        "tests": run.records,
        "unfinished": run.unfinished,
        "counts": {outcome.value: counts[outcome] for outcome in Outcome},
        "ended_by": None if run.ended_by is None else run.ended_by.name,
        "exit_code": run.exit_code,
    }
    return msgspec.json.format(msgspec.json.encode(report)).decode() + "\n"
