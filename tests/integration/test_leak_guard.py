"""The guard in conftest.py fails tests that leave something running, and no others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from waiting import PATIENCE

TESTS = Path(__file__).parents[1]
LEAKING_TASKS = """
import asyncio
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

"""
LEAKING_OTHERS = """
import socket, threading
import waiting

waiting.PATIENCE = 0.1  # the thread below never ends: no need to wait for it
kept = []

def test_leaks_nothing():
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join()

def test_leaks_a_socket():
    kept.append(socket.socket())

def test_leaks_a_thread():
    threading.Thread(target=threading.Event().wait, name="forgotten thread", daemon=True).start()
"""


def test_what_is_left_running_fails_its_test(tmp_path):
    for name in ("conftest.py", "support/virtual_clock.py", "support/waiting.py", "support/reference_data.py"):
        shutil.copy(TESTS / name, tmp_path)
    (tmp_path / "integration").mkdir()
    (tmp_path / "test_on_virtual_time.py").write_text(LEAKING_TASKS)
    (tmp_path / "integration" / "test_on_real_time.py").write_text(LEAKING_TASKS)
    (tmp_path / "test_others.py").write_text(LEAKING_OTHERS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=line",
        "-rfE",
        "-p",
        "no:cacheprovider",
        "-o",
        "asyncio_mode=auto",
        str(tmp_path),
    ]
    command += ["-o", f"pythonpath={tmp_path}", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "500"},  # lines of the summary are cut to this width
        timeout=PATIENCE,
        check=False,
    )
    assert "2 failed, 7 passed, 2 errors" in done.stdout, done.stdout + done.stderr
    for test, problem in (
        ("test_on_virtual_time.py::test_leaks_a_task", "AssertionError: tasks left running: ['forgotten task']"),
        ("test_on_real_time.py::test_leaks_a_task", "AssertionError: tasks left running: ['forgotten task']"),
        ("test_others.py::test_leaks_a_socket", "AssertionError: sockets left open: ['socket:["),
        ("test_others.py::test_leaks_a_thread", "AssertionError: threads left running: ['forgotten thread']"),
    ):
        assert f"{test} - {problem}" in done.stdout
