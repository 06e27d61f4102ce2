"""An asyncio event loop whose clock jumps: hours of simulated time pass in milliseconds, and never a sleep.

When nothing is ready to run, the time of the loop moves on to the next timer. When there is no timer either, nothing
can ever happen again, and ``NothingLeftToDo`` says so instead of a test that hangs.

Threads take no virtual time: while work that ``run_in_executor`` was given is under way, the clock stands still, however
slow the machine is. Work that is meant to take time calls ``sleep_in_thread``, or waits at a ``Gate``.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from waiting import PATIENCE

T = TypeVar("T")

START_US = 1_735_689_600_000_000
"""Unix time at which the virtual clock starts, in microseconds: 2025-01-01 00:00 UTC."""

_SETTLING_ROUNDS = 20


_LONGEST_SECONDS = 100 * 86_400
"""After so much virtual time a test waits for what will never come, and only timers go on."""


class NothingLeftToDo(RuntimeError):
    """Every task waits, no timer is set, no thread works, and no socket has woken the loop: a deadlock."""


class _JumpingSelector(selectors.BaseSelector):
    """Polls real sockets without waiting; a wait moves the clock instead.

    Attributes:
        elapsed: Virtual seconds so far.
        working: Pieces of work that threads have in hand.
    """

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.elapsed = 0.0
        self.working = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Events of real sockets, if any; otherwise the clock has moved by ``timeout``."""
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.working:
            ready = self._real.select(PATIENCE)
            if not ready:
                raise NothingLeftToDo(f"a thread has worked for {PATIENCE} s")
            return ready
        if timeout is None:
            raise NothingLeftToDo("nothing is scheduled and nothing arrives")
        self.elapsed += timeout
        if self.elapsed > _LONGEST_SECONDS:
            raise NothingLeftToDo("timers go on, and nothing else has happened for too long")
        return []

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
        self._threads: ThreadPoolExecutor | None = None
        self._gates: list[Gate] = []
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since the loop was made, in virtual time."""
        return self._jumping.elapsed

    def wall_ns(self) -> int:
        """Unix time in nanoseconds, following the virtual clock."""
        return self.wall_us() * 1000

    def wall_us(self) -> int:
        """Unix time in microseconds, following the virtual clock."""
        return START_US + round(self._jumping.elapsed * 1_000_000)

    def wall_seconds(self) -> float:
        """Unix time in seconds, following the virtual clock."""
        return self.wall_us() / 1_000_000

    # threads

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """As usual, and the clock stands still until the work is done."""
        if executor is None:
            executor = self._threads = self._threads or ThreadPoolExecutor(thread_name_prefix="virtual loop")
        self._jumping.working += 1
        work = executor.submit(func, *args)
        future = asyncio.wrap_future(work, loop=self)
        work.add_done_callback(self._work_done)  # after the future's own, so that its result is there first
        return future

    def _work_done(self, _: Future[Any]) -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(self._count_work, -1)

    def _count_work(self, change: int) -> None:
        self._jumping.working += change

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """End the threads of ``asyncio.to_thread``."""
        if self._threads is not None:
            self._threads.shutdown(wait=True)
            self._threads = None

    def sleep_in_thread(self, seconds: float) -> None:
        """For a thread that works for ``run_in_executor``: its work takes so many virtual seconds."""
        gate = Gate(self)
        self.call_soon_threadsafe(self.call_later, seconds, gate.open)
        gate.wait()

    def close(self) -> None:
        """Close the loop; a thread that waits for virtual time is let go."""
        for gate in self._gates:
            gate.let_go()
        if self._threads is not None:
            self._threads.shutdown(wait=True)
        super().close()

    # running

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine to its end; what it leaves running is an error, and is ended."""
        try:
            return self.run_until_complete(self.checked(main))
        finally:
            self._end_tasks()

    async def checked(self, main: Coroutine[Any, Any, T], allowed: tuple[str, ...] = ()) -> T:
        """Await ``main``.

        Raises:
            AssertionError: A callback failed, or a task is left running whose name begins with none of ``allowed``.
        """
        errors: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: errors.append(context))

        async def watched() -> T:
            result = await main
            await settle()
            if errors:
                raise AssertionError(f"error in the event loop: {errors[0]}") from errors[0].get("exception")
            return result

        return await leaving_no_task(watched(), allowed)

    def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        if tasks:
            self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.run_until_complete(self.shutdown_asyncgens())


class Gate:
    """Where the work of a thread waits until the test lets it go on; the clock goes on meanwhile.

    Args:
        loop: The loop whose ``run_in_executor`` was given the work.
    """

    def __init__(self, loop: VirtualClockLoop) -> None:
        self._loop = loop
        self._waiting = 0
        self._opened = threading.Event()
        self.reached = asyncio.Event()
        """Set once a thread waits here."""
        loop._gates.append(self)

    def wait(self) -> None:
        """In the thread: wait until the gate is open."""
        if not self._opened.is_set():
            self._loop.call_soon_threadsafe(self._stand)
            assert self._opened.wait(PATIENCE), f"nobody has opened the gate for {PATIENCE} s"

    def open(self) -> None:
        """In the loop: let those who wait go on, and all who come later pass."""
        if not self._opened.is_set():
            self._loop._count_work(self._waiting)
            self._waiting = 0
            self._opened.set()

    def shut(self) -> None:
        """In the loop: who comes from now on waits."""
        self._opened.clear()
        self.reached.clear()

    def let_go(self) -> None:
        """Open it for good, the loop being closed."""
        self._opened.set()

    def _stand(self) -> None:
        if not self._opened.is_set():
            self._waiting += 1
            self._loop._count_work(-1)
            self.reached.set()


async def leaving_no_task(main: Coroutine[Any, Any, T], allowed: tuple[str, ...] = ()) -> T:
    """Await ``main``, on any loop.

    Raises:
        AssertionError: A task is left running whose name begins with none of ``allowed``.
    """
    before = asyncio.all_tasks()
    result = await main
    await settle()
    left = [task for task in asyncio.all_tasks() - before if not task.get_name().startswith(allowed)]
    assert not left, f"tasks left running: {sorted(task.get_name() for task in left)}"
    return result


async def settle() -> None:
    """Let what was cancelled or closed come to its end."""
    for _ in range(_SETTLING_ROUNDS):
        await asyncio.sleep(0)


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
