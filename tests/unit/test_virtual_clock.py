"""The virtual clock jumps to the next timer, keeps order, and tells a deadlock and a leak."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from virtual_clock import START_US, Gate, NothingLeftToDo, run_virtual, running_loop
from waiting import PATIENCE


async def test_hours_pass_by_the_clock_of_the_loop_alone():
    await asyncio.sleep(24 * 3600 * 10)
    assert running_loop().time() == pytest.approx(864_000, abs=1e-6)
    assert running_loop().wall_us() == START_US + 864_000_000_000
    assert running_loop().wall_ns() == running_loop().wall_us() * 1000


def test_timers_fire_in_order_of_time():
    async def main():
        loop = running_loop()
        seen = []
        for delay in (3.0, 1.0, 2.0, 1.0):
            loop.call_later(delay, lambda delay=delay: seen.append((delay, loop.time())))
        await asyncio.sleep(5)
        return seen

    assert run_virtual(main) == [(1.0, 1.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


def test_deadline_passes_by_itself():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.get_running_loop().create_future()
        return running_loop().time()

    assert run_virtual(main) == 3600


def test_real_sockets_are_served_before_time_moves():
    async def main():
        one, other = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=one)
        other.send(b"x")
        assert await reader.read(1) == b"x"
        assert running_loop().time() == 0
        writer.close()
        await writer.wait_closed()
        other.close()

    run_virtual(main)


def test_waiting_for_nothing_is_an_error():
    async def main():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeftToDo, match="nothing is scheduled"):
        run_virtual(main)


def test_timers_that_go_on_for_ever_are_an_error():
    async def main():
        while True:  # noqa: ASYNC110 - the point
            await asyncio.sleep(86_400)

    with pytest.raises(NothingLeftToDo, match="timers go on"):
        run_virtual(main)


def test_task_left_running_is_an_error():
    async def main():
        running_loop().kept = asyncio.create_task(asyncio.sleep(10), name="forgotten")

    with pytest.raises(AssertionError, match="forgotten"):
        run_virtual(main)


def test_failing_callback_is_an_error():
    async def main():
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_virtual(main)


async def test_the_clock_stands_still_while_a_thread_works():
    loop, may_end = running_loop(), threading.Event()
    timer = asyncio.ensure_future(asyncio.sleep(0.001))
    work = loop.run_in_executor(None, may_end.wait)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not timer.done()
    may_end.set()
    assert await work is True
    assert loop.time() == 0
    await timer
    assert loop.time() == 0.001


async def test_work_of_a_thread_takes_the_virtual_time_that_it_asks_for():
    loop, seen = running_loop(), []

    def work(number):
        for _ in range(3):
            loop.sleep_in_thread(number)
            seen.append((number, loop.time()))

    await asyncio.gather(*(asyncio.to_thread(work, number) for number in (2, 5)))
    assert seen == [(2, 2), (2, 4), (5, 5), (2, 6), (5, 10), (5, 15)]


async def test_a_gate_holds_a_thread_while_the_clock_goes_on():
    loop = running_loop()
    gate = Gate(loop)
    work = asyncio.ensure_future(asyncio.to_thread(gate.wait))
    await gate.reached.wait()
    await asyncio.sleep(3600)
    assert not work.done()
    gate.open()
    await work
    assert loop.time() == 3600
    await asyncio.to_thread(gate.wait)  # it is open


def test_a_thread_that_waits_at_a_gate_when_the_loop_ends_is_let_go():
    threads = []

    async def main():
        gate = Gate(running_loop())
        work = asyncio.ensure_future(
            asyncio.to_thread(lambda: threads.append(threading.current_thread()) or gate.wait())
        )
        await gate.reached.wait()
        work.cancel()

    run_virtual(main)
    threads[0].join(PATIENCE)
    assert not threads[0].is_alive()


async def test_work_that_fails_tells_its_error_and_the_clock_goes_on():
    with pytest.raises(ZeroDivisionError, match="division"):
        await asyncio.to_thread(lambda: 1 / 0)
    await asyncio.sleep(5)
    assert running_loop().time() == 5
