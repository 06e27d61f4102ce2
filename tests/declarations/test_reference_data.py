"""A run says at its end what it had no reference data for, and how many documented samples it checked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

import lint
from waiting import PATIENCE

PROGRAM = """
import pytest
from reference_data import content, index, samples

@pytest.mark.parametrize("entry", samples(index()))
def test_a_sample(entry):
    if content(entry) == {}:
        pytest.skip("empty")
    assert content(entry) == {"a": 1}

@pytest.mark.parametrize("entry", samples(index()))
def test_it_in_another_way(entry):
    assert "a" in content(entry) or content(entry) == {}

def test_a_file_of_its_own(shared_folder):
    assert shared_folder.name == "shared"

def test_without_any():
    assert 1 + 1 == 2
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout with tests of samples; the folder beside it is missing."""
    tests = tmp_path / "checkout" / "tests"
    shutil.copytree(lint.TESTS / "support", tests / "support", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(lint.TESTS / "conftest.py", tests)
    (tests / "test_samples.py").write_text(PROGRAM)
    return tests.parent


def run(checkout, *arguments):
    """The exit code of pytest, and its last line but those of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]
    command += ["-o", "pythonpath=tests/support", "--strict-markers", "--rootdir", str(checkout), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=checkout, timeout=PATIENCE, check=False)
    return done.returncode, [
        line for line in done.stdout.splitlines() if "reference data" in line or "samples:" in line
    ]


def test_what_is_skipped_for_want_of_reference_data_is_counted(checkout):
    assert run(checkout) == (0, ["3 tests skipped: no reference data beside the checkout"])


def test_the_samples_that_were_checked_are_counted_once_each(checkout):
    fixtures = checkout.parent / "shared" / "fixtures"
    fixtures.mkdir(parents=True)
    contents = {"one.json": {"a": 1}, "two.json": {"a": 1}, "none.json": {}}
    for name, content in contents.items():
        (fixtures / name).write_text(json.dumps(content))
    (fixtures / "index.json").write_text(json.dumps([{"file": name} for name in contents]))

    assert run(checkout, "-k", "test_a_sample") == (
        0,
        ["documented samples: 2 checked, 1 skipped as empty or cut short"],
    )
    assert run(checkout) == (0, ["documented samples: 3 checked, 0 skipped as empty or cut short"])
    assert run(checkout, "-k", "without") == (0, [])
