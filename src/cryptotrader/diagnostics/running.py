"""Running the tests of a diagnostic one after another: isolated, watched, and ended by a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from cryptotrader.base_operations import Environment
from cryptotrader.config import Endpoint
from cryptotrader.credentials import Credentials
from cryptotrader.diagnostics.trial import Finding, Outcome, Test, Trial, elapsed
from cryptotrader.errors import BinanceError

_EXIT_FAILED = 1
_EXIT_SIGNAL = 128
_WAITS_A_TEST = 5  # a test may wait this many times for its timeout before it counts as stuck
_CLOSING_SECONDS = 1.0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A test that ran.

    Attributes:
        name: Of the test.
        outcome: How it ended.
        seconds: How long it took.
        detail: What it found, or why it failed.
        remarks: What the library warned of meanwhile, and what it repaired.
        traceback: Of an error that nobody expected.
    """

    name: str
    outcome: Outcome
    seconds: float
    detail: str
    remarks: list[str]
    traceback: str = ""


@dataclass
class Run:
    """One run of a script.

    Attributes:
        feature: What is diagnosed.
        tests: What to run.
        endpoint: Where.
        timeout: Seconds to wait for each answer or event.
        is_session: Whether a user tries by hand, without a limit of time.
        on_test: Told of each test before it runs.
        on_record: Told of each test after it ran.
        may_order: Whether tests may place orders.
        credentials: The key of the account, where the tests need one.
        environment: Sockets and clock of the tests.
        started: When.
        records: What ran so far.
        ended_by: The signal that ended it, if one did.
    """

    feature: str
    tests: Mapping[str, Test]
    endpoint: Endpoint
    timeout: float
    is_session: bool
    on_test: Callable[[str], None]
    on_record: Callable[[Record], None]
    may_order: bool = False
    credentials: Credentials | None = None
    environment: Environment = field(default_factory=Environment)
    started: datetime = field(default_factory=lambda: datetime.now(UTC).astimezone())
    records: list[Record] = field(default_factory=list)
    ended_by: signal.Signals | None = None

    @property
    def unfinished(self) -> list[str]:
        """The tests that did not run to their end."""
        return list(self.tests)[len(self.records) :]

    @property
    def exit_code(self) -> int:
        """What the script ends with."""
        if self.ended_by is not None:
            return _EXIT_SIGNAL + self.ended_by
        return _EXIT_FAILED if any(record.outcome is Outcome.FAILED for record in self.records) else 0


async def run_until_signal(run: Run) -> None:
    """Run the tests; a signal cancels the one at work, which closes its connections, and ends the run."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(_run_all(run))

    def stop(number: signal.Signals) -> None:
        if run.ended_by is None:
            run.ended_by = number
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        await task
    except asyncio.CancelledError:
        if run.ended_by is None:
            raise


async def _run_all(run: Run) -> None:
    for name, test in run.tests.items():
        run.on_test(name)
        run.records.append(await _run_one(name, test, run))
        run.on_record(run.records[-1])


async def _run_one(name: str, test: Test, run: Run) -> Record:
    trial = Trial(run.endpoint, run.timeout, run.may_order, run.credentials, run.environment)
    others = asyncio.all_tasks()
    with _warnings() as remarks:
        started = elapsed()
        finding, trace = await _outcome(test, trial, None if run.is_session else run.timeout * _WAITS_A_TEST)
        seconds = elapsed() - started
        left_behind = await _left_behind(trial, others)
    finding = _judge(finding, trial, left_behind, remarks)
    return Record(
        name=name,
        outcome=finding.outcome,
        seconds=round(seconds, 3),
        detail=finding.detail,
        remarks=remarks,
        traceback=trace,
    )


async def _outcome(test: Test, trial: Trial, seconds: float | None) -> tuple[Finding, str]:
    """Run a test; returns what came of it, and the traceback of an error that nobody expected."""
    try:
        async with asyncio.timeout(seconds) as limit:
            found = await test(trial)
    except AssertionError as error:
        return Finding(Outcome.FAILED, str(error)), ""
    except BinanceError as error:
        return Finding(Outcome.FAILED, f"{type(error).__name__}: {error}"), ""
    except Exception as error:  # noqa: BLE001 - one test must not stop the others
        if limit.expired():
            return Finding(Outcome.FAILED, f"stuck: not done within {seconds:g} s"), ""
        return Finding(Outcome.FAILED, f"unexpected {type(error).__name__}: {error}"), traceback.format_exc()
    return Finding(Outcome.PASSED, found) if isinstance(found, str) else found, ""


def _judge(finding: Finding, trial: Trial, left_behind: str, remarks: list[str]) -> Finding:
    """The last word on a test: what no test looks at by itself is added to what it found."""
    if trial.sockets.reconnects:
        remarks.append(f"connected anew {trial.sockets.reconnects} times")
    if finding.outcome is Outcome.FAILED:
        return finding
    if left_behind:
        return Finding(Outcome.FAILED, f"left behind: {left_behind}")
    if trial.sockets.unreadable:
        return Finding(Outcome.FAILED, f"{trial.sockets.unreadable} frames were not JSON")
    if finding.outcome is Outcome.PASSED and remarks:
        return Finding(Outcome.HEALED, finding.detail)
    return finding


async def _left_behind(trial: Trial, others: set[asyncio.Task[object]]) -> str:
    """What a test left running a moment after its end; it is ended here, so that the next test starts clean."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + _CLOSING_SECONDS
    while True:
        tasks = asyncio.all_tasks() - others
        if not tasks and not trial.sockets.open:
            return ""
        if loop.time() > latest:
            break
        await asyncio.sleep(0.01)
    names = " ".join(task.get_name() for task in tasks)
    told = f"{trial.sockets.open} open sockets, {len(tasks)} tasks {names}".rstrip()
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CLOSING_SECONDS)
    trial.sockets.drop()
    await asyncio.sleep(0)  # they close in the next turn
    return told


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what the library and asyncio warn of."""
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    collector = Collector(logging.WARNING)
    loggers = {logger: logger.level for logger in map(logging.getLogger, ("cryptotrader", "asyncio"))}
    for logger in loggers:
        logger.addHandler(collector)
        logger.setLevel(logging.WARNING)
    try:
        yield lines
    finally:
        for logger, level in loggers.items():
            logger.removeHandler(collector)
            logger.setLevel(level)
