"""Waiting in real time, for tests with sockets, threads and processes: for a condition, never for a time.

A test waits until what it waits for is there, with one deadline that fails loudly. The deadline is generous, since
it says "never", not "quickly": a test must hold on a machine eight times slower and fully loaded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 180.0
"""Seconds after which what a test waits for counts as never coming."""

_LOOK_SECONDS = 0.01


def eventually(look: Callable[[], T], what: str = "") -> T:
    """Look again and again until the answer is true, and return it.

    Raises:
        AssertionError: It never was.
    """
    deadline = time.monotonic() + PATIENCE
    while not (answer := look()):
        assert time.monotonic() < deadline, f"never came: {what or look}"
        time.sleep(_LOOK_SECONDS)
    return answer


async def until(look: Callable[[], T], what: str = "") -> T:
    """As ``eventually``, in an event loop."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := look()):
        assert time.monotonic() < deadline, f"never came: {what or look}"
        await asyncio.sleep(_LOOK_SECONDS)
    return answer


async def soon(awaitable: Awaitable[T]) -> T:
    """What is awaited, if it comes at all.

    Raises:
        TimeoutError: It never came.
    """
    return await asyncio.wait_for(awaitable, PATIENCE)
