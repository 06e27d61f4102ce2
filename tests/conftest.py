"""What all tests share: the virtual clock, and the rule that a test leaves nothing running."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import waiting
from reference_data import MISSING, SAMPLE, SHARED, summary
from virtual_clock import VirtualClockLoop, leaving_no_task

LASTING_THREADS = ("ThreadPoolExecutor-",)  # pyiceberg keeps one pool for the life of the process
TESTS = Path(__file__).parent
REAL_TIME = TESTS / "integration"
FAILED = pytest.StashKey[bool]()


# how long an example takes says nothing: the machine may be slow
hypothesis.settings.register_profile(
    "patient", deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "volume: repeats itself; a few rounds by default, thousands in `make soak`")
    config.addinivalue_line(
        "markers", "raises_nothing(why): the test shows that nothing is raised, and why that is enough"
    )
    config.addinivalue_line("markers", "documented_sample(file): the test is about this sample")
    config.addinivalue_line("markers", "leaves_running(*names): these tasks and threads may outlive the test")


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Async tests run on virtual time, those of ``tests/integration`` on real time."""
    if item.path.is_relative_to(REAL_TIME):
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualClockLoop}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: some tests wait for processes."""
    return 1 + (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Reference data beside the checkout; a test that asks for it is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip(MISSING)
    return SHARED


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the reports of a test of a documented sample say which one it is."""
    item.user_properties += [(SAMPLE, mark.args[0]) for mark in item.iter_markers("documented_sample")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end how many tests had no reference data, and how many documented samples were checked."""
    if told := summary(terminalreporter.stats):
        terminalreporter.write_line(told, yellow=MISSING in told)


@pytest.fixture(autouse=True)
def nothing_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread running or a socket open."""
    threads_before = set(threading.enumerate())
    sockets_before = open_sockets()
    yield
    if request.node.stash.get(FAILED, False):
        return  # what a failed test leaves is no news, and threads that never end are waited for
    allowed = (*LASTING_THREADS, *allowed_names(request.node))
    threads = [
        thread
        for thread in set(threading.enumerate()) - threads_before
        if not thread.name.startswith(allowed) and not ended(thread)
    ]
    assert not threads, f"threads left running: {sorted(thread.name for thread in threads)}"
    if len(open_sockets()) > len(sockets_before):
        gc.collect()
        left = open_sockets() - sockets_before
        assert len(open_sockets()) <= len(sockets_before), f"sockets left open: {sorted(left)}"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Take away what a command that ran in the test's process has attached to the root logger."""
    level, before = logging.root.level, list(logging.root.handlers)
    yield
    logging.root.setLevel(level)
    for handler in list(logging.root.handlers):
        if type(handler) is logging.StreamHandler and handler not in before:  # pytest's own are of other types
            logging.root.removeHandler(handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Note that a test has failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """Fail an async test that leaves a task running which was not there when it began."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        item.obj = _leaving_no_task(item.obj, allowed_names(item))
    return (yield)


def _leaving_no_task(test: Any, allowed: tuple[str, ...]) -> Any:
    @functools.wraps(test)
    async def checked(*args: Any, **kwargs: Any) -> None:
        loop = asyncio.get_running_loop()
        check = loop.checked if isinstance(loop, VirtualClockLoop) else leaving_no_task
        await check(test(*args, **kwargs), allowed)

    return checked


def allowed_names(item: pytest.Item) -> tuple[str, ...]:
    """The names that a test's ``leaves_running`` mark excuses."""
    mark = item.get_closest_marker("leaves_running")
    return () if mark is None else mark.args


def ended(thread: threading.Thread) -> bool:
    """Whether a thread ends by itself."""
    if thread is not threading.current_thread():
        thread.join(waiting.PATIENCE)
    return not thread.is_alive()


def open_sockets() -> set[str]:
    """The sockets of this process; empty where the system does not tell."""
    folder = Path("/proc/self/fd")
    found: set[str] = set()
    for entry in folder.iterdir() if folder.is_dir() else ():
        try:
            target = str(entry.readlink())
        except OSError:  # the descriptor of the listing itself is gone by now
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found
