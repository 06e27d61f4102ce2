"""An asyncio event loop whose clock jumps: hours of simulated time pass in milliseconds, and never a sleep.

When nothing is ready to run, the time of the loop moves on to the next timer. When there is no timer either, nothing
can ever happen again, and ``NothingLeftToDo`` says so instead of a test that hangs.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START_US = 1_735_689_600_000_000
"""Unix time at which the virtual clock starts, in microseconds: 2025-01-01 00:00 UTC."""

_GRACE_SECONDS = 2.0
_SETTLING_ROUNDS = 20


class NothingLeftToDo(RuntimeError):
    """Every task waits, no timer is set, and no socket or thread has woken the loop: a deadlock."""


class _JumpingSelector(selectors.BaseSelector):
    """Polls real sockets without waiting; a wait moves the clock instead."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Events of real sockets, if any; otherwise the clock has moved by ``timeout``."""
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is not None:
            self.elapsed += timeout
            return []
        ready = self._real.select(_GRACE_SECONDS)  # a worker thread may still be about to report
        if not ready:
            raise NothingLeftToDo("nothing is scheduled and nothing arrives")
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Any:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time. ``time()`` starts at 0 and moves only when nothing else can be done."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since the loop was made, in virtual time."""
        return self._jumping.elapsed

    def wall_us(self) -> int:
        """Unix time in microseconds, following the virtual clock."""
        return START_US + round(self._jumping.elapsed * 1_000_000)

    def wall_seconds(self) -> float:
        """Unix time in seconds, following the virtual clock."""
        return self.wall_us() / 1_000_000

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine to its end; what it leaves running is an error, and is ended."""
        errors: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: errors.append(context))
        task = self.create_task(main)
        try:
            result = self.run_until_complete(task)
            self.run_until_complete(self._settle())
            leaked = asyncio.all_tasks(self)
        finally:
            self._end_tasks()
        if errors:
            raise AssertionError(f"error in the event loop: {errors[0]}") from errors[0].get("exception")
        if leaked:
            raise AssertionError(f"tasks left running: {sorted(item.get_name() for item in leaked)}")
        return result

    async def _settle(self) -> None:
        """Let what was cancelled or closed come to its end."""
        for _ in range(_SETTLING_ROUNDS):
            await asyncio.sleep(0)

    def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        if tasks:
            self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.run_until_complete(self.shutdown_asyncgens())


def run_virtual(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``main()`` on a fresh virtual-clock loop and return its result.

    Raises:
        NothingLeftToDo: ``main`` waits for something that can never happen.
        AssertionError: ``main`` left tasks running, or a callback failed.
    """
    loop = VirtualClockLoop()
    try:
        return loop.run(main())
    finally:
        loop.close()


def running_loop() -> VirtualClockLoop:
    """The virtual-clock loop that runs the caller."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    return loop
