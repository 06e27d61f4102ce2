"""How requests are timed; the standard library alone, since other people's clients are measured with it too."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

IN_FLIGHT = 100

Call = Callable[[], Awaitable[Any]]


def cpu_seconds() -> float:
    """CPU time of this process so far, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def round_trips(call: Call, count: int) -> list[float]:
    """Microseconds of single requests, one after another."""
    times: list[float] = []
    for _ in range(count):
        started = time.perf_counter_ns()
        await call()
        times.append((time.perf_counter_ns() - started) / 1e3)
    return times


async def in_flight(call: Call, count: int) -> list[float]:
    """Requests a second and CPU microseconds a request with a hundred in flight."""

    async def one_after_another() -> None:
        for _ in range(count // IN_FLIGHT):
            await call()

    started, cpu = time.perf_counter(), cpu_seconds()
    await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT)))
    return [count / (time.perf_counter() - started), (cpu_seconds() - cpu) / count * 1e6]
