"""The virtual clock jumps to the next timer, keeps order, and tells a deadlock and a leak."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from virtual_clock import START_US, NothingLeftToDo, run_virtual, running_loop


def test_hours_pass_in_no_time():
    async def main():
        await asyncio.sleep(24 * 3600 * 10)
        return running_loop().time(), running_loop().wall_us()

    began = time.monotonic()
    elapsed, wall_us = run_virtual(main)
    assert time.monotonic() - began < 1
    assert elapsed == pytest.approx(864_000, abs=1e-6)
    assert wall_us == START_US + 864_000_000_000


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


def test_waiting_for_nothing_is_an_error(monkeypatch):
    monkeypatch.setattr("virtual_clock._GRACE_SECONDS", 0.01)

    async def main():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeftToDo):
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


def test_result_of_a_worker_thread_is_awaited():
    async def main():
        return await asyncio.get_running_loop().run_in_executor(None, lambda: 7)

    async def closing():
        result = await main()
        await asyncio.get_running_loop().shutdown_default_executor()
        return result

    assert run_virtual(closing) == 7
