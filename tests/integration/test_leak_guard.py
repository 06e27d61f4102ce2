"""The guard in conftest.py fails tests that leave something running, and no others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
LEAKING = """
import asyncio, socket, threading, time
import pytest

kept = []

async def test_clean():
    task = asyncio.create_task(asyncio.sleep(100))
    await asyncio.sleep(0)
    task.cancel()

async def test_leaks_a_task():
    kept.append(asyncio.create_task(asyncio.sleep(100), name="forgotten task"))

@pytest.mark.leaves_running("forgotten")
async def test_leaks_a_task_by_permission():
    kept.append(asyncio.create_task(asyncio.sleep(100), name="forgotten task"))

def test_leaks_a_socket():
    kept.append(socket.socket())

def test_leaks_a_thread():
    threading.Thread(target=time.sleep, args=(3,), name="forgotten thread", daemon=True).start()
"""


def test_what_is_left_running_fails_its_test(tmp_path):
    for name in ("conftest.py", "virtual_clock.py"):
        shutil.copy(TESTS / name, tmp_path)
    (tmp_path / "test_leaking.py").write_text(LEAKING)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", str(tmp_path)]
    command += ["-o", f"pythonpath={tmp_path}", "--rootdir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert "1 failed, 4 passed, 2 errors" in done.stdout, done.stdout + done.stderr
    for problem in (
        "tasks left running: ['forgotten task']",
        "sockets left open: ['socket:[",
        "threads left running: ['forgotten thread']",
    ):
        assert problem in done.stdout
