"""The rules that every test keeps: it leans on no real time, and it can fail."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

import lint
from waiting import PATIENCE

FILES = lint.files_under(lint.TESTS)
HELPERS = {"waiting.until", "paired.assert_dense"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(lint.TESTS).as_posix())
def test_a_file_keeps_the_rules(file):
    found = lint.findings_in(file)
    assert not found, "\n".join(map(str, found))


def test_every_folder_is_looked_at():
    folders = {file.relative_to(lint.TESTS).parts[0] for file in FILES}
    assert folders == {"conftest.py", "declarations", "integration", "pair", "support", "typing", "unit"}


def test_helpers_that_assert_are_known_from_their_files():
    assert {"waiting.until", "waiting.eventually", "paired.assert_dense"} <= lint.helpers_that_assert()
    assert "virtual_clock.running_loop" not in lint.helpers_that_assert()  # what it asserts is for type checkers


def told(snippet, folder):
    """What is found in a file with this text, without where."""
    return [finding.what for finding in lint.findings(dedent(snippet), f"{folder}/test_it.py", HELPERS)]


def found_in(snippet, word, folders):
    """In which of these folders the snippet breaks a rule, in whose finding this word stands."""
    return [folder for folder in folders.split() if any(word in what for what in told(snippet, folder))]


# ------------------------------------------------------------------------------------------------------------ real time

EVERYWHERE = "unit pair declarations support integration"


@pytest.mark.parametrize(
    "snippet",
    [
        "import time\ntime.sleep(1)",
        "import time as clock\nbegan = clock.monotonic()",
        "from time import perf_counter\nbegan = perf_counter()",
        "from time import time_ns as now\nbegan = now()",
        "import time\nmake(clock=time.time)",
    ],
)
def test_no_clock_is_read_and_nobody_sleeps(snippet):
    assert found_in(snippet, "wait for a condition", EVERYWHERE) == EVERYWHERE.split()
    assert lint.findings(snippet, lint.WAITING) == []


def test_what_only_looks_like_a_clock():
    assert told("loop.time()\nevent.time\ntime = 3\nclock.sleep(3)", "integration") == []


@pytest.mark.parametrize(
    "snippet",
    ["import asyncio\nawait asyncio.sleep(0.02)", "from asyncio import sleep\nawait sleep(pause)"],
)
def test_no_task_sleeps_on_the_real_loop(snippet):
    assert found_in(snippet, "a sleep in real time", EVERYWHERE) == ["integration"]


def test_a_task_may_let_others_run():
    assert told("import asyncio\nawait asyncio.sleep(0)", "integration") == []


@pytest.mark.parametrize(
    "deadline",
    [
        "asyncio.timeout({})",
        "asyncio.wait_for(reply, {})",
        "asyncio.wait_for(reply, timeout={})",
        "asyncio.wait(tasks, timeout={})",
    ],
)
def test_a_deadline_on_the_real_loop_is_patience(deadline):
    assert found_in("import asyncio\n" + deadline.format("5"), "a deadline of 5", EVERYWHERE) == ["integration"]
    assert told("import asyncio\n" + deadline.format("seconds"), "integration") != []
    assert told("import asyncio\n" + deadline.format("PATIENCE"), "integration") == []


@pytest.mark.parametrize(
    "deadline",
    [
        "assert event.wait({})",
        "assert event.wait(timeout={})",
        "assert await asyncio.to_thread(event.wait, {})",
        "assert await loop.run_in_executor(None, event.wait, {})",
        "thread.join({})",
        "subprocess.run(command, timeout={})",
        "process.communicate(timeout={})",
        "link.settimeout({})",
        "socket.create_connection(place, {})",
        "urlopen(url, timeout={})",
        "queue.get(timeout={})",
    ],
)
def test_a_deadline_of_threads_processes_and_sockets_is_patience_on_any_loop(deadline):
    imports = "import asyncio, socket, subprocess\nfrom urllib.request import urlopen\n"
    assert found_in(imports + deadline.format("2 * 60"), "a deadline of 2 * 60", EVERYWHERE) == EVERYWHERE.split()
    assert told(imports + deadline.format("PATIENCE"), "unit") == []
    assert told(imports + deadline.format("waiting.PATIENCE"), "integration") == []


@pytest.mark.parametrize(
    "line",
    [
        '", ".join(names)',
        "bench.wait(20, now)",
        "assert budget.wait(104.0) == 0",
        "counts.get(5)",
        "assert not event.wait(0)",
    ],
)
def test_what_only_looks_like_a_deadline(line):
    assert told(line, "integration") == []


@pytest.mark.parametrize(
    "line", ["event.wait(PATIENCE)", "event.wait(timeout=PATIENCE)", "await asyncio.to_thread(event.wait, PATIENCE)"]
)
def test_the_answer_of_a_wait_is_not_thrown_away(line):
    assert found_in("import asyncio\n" + line, "thrown away", EVERYWHERE) == EVERYWHERE.split()
    assert told("import asyncio\nassert " + line, "unit") == []


@pytest.mark.parametrize("line", ["await event.wait()", "process.wait(PATIENCE)", "await asyncio.to_thread(gate.wait)"])
def test_what_raises_by_itself_or_waits_for_ever_has_no_answer_to_throw_away(line):
    assert told("import asyncio\n" + line, "integration") == []


# ---------------------------------------------------------------------------------------------------- tests that can fail


@pytest.mark.parametrize(
    "snippet",
    [
        "def test_it():\n    run()",
        "class TestIt:\n    async def test_it(self):\n        await run()",
        "def run():\n    return 1\n\ndef test_it():\n    run()",
        "@rule()\ndef test_it():\n    run()",
    ],
)
def test_a_test_that_asserts_nothing_is_found(snippet):
    assert found_in(snippet, "test_it asserts nothing", EVERYWHERE) == EVERYWHERE.split()


@pytest.mark.parametrize(
    "snippet",
    [
        "def test_it():\n    assert run()",
        "def test_it():\n    with pytest.raises(KeyError, match='x'):\n        run()",
        "def test_it():\n    if run():\n        pytest.fail('ran')",
        "from paired import assert_dense as dense\n\nasync def test_it():\n    dense(run())",
        "from waiting import until\n\nasync def test_it():\n    await until(run)",
        "def test_it():\n    mock.assert_called_once()",
        "def test_it():\n    outer()\n\ndef outer():\n    inner()\n\ndef inner():\n    assert run()",
        "class TestIt:\n    def test_it(self):\n        self.check()\n\n    def check(self):\n        assert run()",
        "@pytest.mark.raises_nothing('it is enough')\ndef test_it():\n    run()",
    ],
)
def test_each_way_to_assert_is_known(snippet):
    assert told("import pytest\n" + snippet, "unit") == []


def test_a_helper_that_only_tells_a_type_asserts_nothing():
    assert told("def test_it():\n    run()\n\ndef run():\n    assert isinstance(loop, Loop)", "unit") != []


@pytest.mark.parametrize("mark", ["raises_nothing", "raises_nothing()", "raises_nothing('')"])
def test_a_reason_is_given_why_nothing_is_asserted(mark):
    snippet = f"import pytest\n@pytest.mark.{mark}\ndef test_it():\n    run()"
    assert [what for what in told(snippet, "unit") if what.startswith("raises_nothing without a reason")]


MACHINE = """
class Machine(RuleBasedStateMachine):
    @rule()
    def go(self):
        self.x += 1

    @invariant()
    def holds(self):
        {}
"""


def test_a_state_machine_and_its_invariants_assert():
    assert told(MACHINE.format("assert self.x"), "unit") == []
    assert told(MACHINE.format("print(self.x)"), "unit") == [
        "no rule and no invariant of Machine asserts anything",
        "the invariant holds asserts nothing",
    ]


@pytest.mark.parametrize("name", ["raises", "warns"])
def test_an_expected_error_is_told_from_others(name):
    for arguments in ("KeyError", "KeyError, match=''", "KeyError, match='.*'"):
        assert found_in(
            f"import pytest\npytest.{name}({arguments})", "takes any of the type", "unit pair integration"
        ) == [
            "unit",
            "pair",
            "integration",
        ]
    assert (
        told(f"import asyncio, pytest\npytest.{name}(TimeoutError)\npytest.{name}(asyncio.CancelledError)", "unit")
        == []
    )
    assert told(f"from pytest import {name} as expect\nexpect(KeyError)", "unit") != []
    assert (
        told(f"import pytest\npytest.{name}(KeyError, match='x')\npytest.{name}(KeyError, check=known)", "unit") == []
    )


def test_nothing_is_compared_to_itself():
    assert told("assert x.y == x.y", "unit") == ["x.y == x.y compares a thing to itself"]
    assert told("assert x is x", "unit") != []
    assert told("assert x.y == z.y\nassert record(1) == record(1)", "unit") == []


def loop_of(iterable, before="pass", after="pass", kind="for", of="name"):
    """A test with one loop of asserts."""
    head = f"{kind} {of} in {iterable}" if kind != "while" else f"while {iterable}"
    return f"""
ROWS = given = [1, 2]
NONE = []

async def test_it(given):
    local = ("a", "b")
    {before}
    {head}:
        count += 1
        assert right()
    {after}
"""


@pytest.mark.parametrize(
    "iterable",
    [
        "events",
        "book.orders",
        "NONE",
        "[]",
        "range(0)",
        "range(count)",
        "orders_of(book)",
        "zip(ROWS, events)",
        "given",
        "found.items()",
        "[row for row in ROWS if row]",
        "[*events]",
        "enumerate(events)",
        "''",
    ],
)
def test_a_loop_of_asserts_that_may_not_run_is_found(iterable):
    assert told(loop_of(iterable), "unit") == [f"the asserts in this loop may never run: first assert {iterable}"]
    assert told(loop_of(iterable, kind="async for"), "unit") != []


@pytest.mark.parametrize(
    "iterable",
    [
        "(1, 2)",
        "{'a': 1}.items()",
        "'abc'",
        "'a b'.split()",
        "range(3)",
        "range(1, 3)",
        "ROWS",
        "local",
        "sorted(ROWS)",
        "enumerate(local, 1)",
        "zip(ROWS, local)",
        "[row + 1 for row in ROWS]",
        "[*events, 1]",
        "itertools.product(ROWS, local)",
    ],
)
def test_a_loop_over_what_is_written_there_runs(iterable):
    assert told(loop_of(iterable), "unit") == []


@pytest.mark.parametrize(
    ("iterable", "before"),
    [
        ("events", "assert events"),
        ("events", "assert len(events) == 3"),
        ("events.items()", "assert [event.kind for event in events] == ['a']"),
        ("book.orders", "assert book.orders"),
        ("zip(events, ROWS)", "assert events"),
        ("events", "await until(lambda: events)"),
    ],
)
def test_a_loop_over_what_was_asserted_runs(iterable, before):
    assert told("from waiting import until\n" + loop_of(iterable, before), "unit") == []
    assert told("from waiting import until\n" + loop_of(iterable, after=before), "unit") != []


@pytest.mark.parametrize("before", ["assert not events", "assert events == []", "assert all(events)", "assert book"])
def test_an_assert_of_something_else_does_not_help(before):
    assert told(loop_of("events", before), "unit") != []


def test_what_a_loop_has_counted_may_be_asserted_after_it():
    assert told(loop_of("events", after="assert count == 3"), "unit") == []


def test_what_a_loop_until_something_was_for_is_asserted():
    assert told(loop_of("behind()", kind="while"), "unit") == [
        "the asserts in this loop may never run: assert after it what it was for"
    ]
    assert told(loop_of("behind()", kind="while", after="assert done"), "unit") == []


def test_an_invariant_may_hold_of_what_is_empty():
    invariant = "@invariant()\ndef holds(self):\n    for order in self.orders:\n        assert order"
    assert told(invariant, "unit") == []
    assert told(invariant.removeprefix("@invariant()\n"), "unit") != []


# ------------------------------------------------------------------------------------------------------ from the shell


def test_it_runs_from_the_shell():
    ended = subprocess.run(
        [sys.executable, lint.__file__, lint.__file__, lint.TESTS / "typing"],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_what_it_finds_it_prints_with_its_place(tmp_path, monkeypatch, capsys):
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "test_it.py").write_text("def test_it():\n    run()\n")
    monkeypatch.setattr(lint, "TESTS", tmp_path)
    assert lint.main([str(tmp_path / "unit")]) == 1
    assert capsys.readouterr().out.startswith("unit/test_it.py:1: test_it asserts nothing")
