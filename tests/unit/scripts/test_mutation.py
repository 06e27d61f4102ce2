"""Mutants are what they say, are what a fork runs, and are known by names that outlive moved lines."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mutation.measuring import Measured
from mutation.mutations import mutants_of, mutated
from waiting import PATIENCE

SCRIPTS = Path(__file__).parents[3] / "scripts"


def names(source):
    return [mutant.name.removeprefix("m.py ") for mutant in mutants_of("m.py", source)]


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("return a < b", ["a < b -> a <= b"]),
        ("return a <= b < c", ["a <= b < c -> a < b < c", "a <= b < c -> a <= b <= c"]),
        ("return a and b", ["a and b -> a or b"]),
        ("return not a", ["not a -> a"]),
        ("return a + b", ["a + b -> a - b"]),
        ("return a + 'text'", []),
        ("a += b", ["a += b -> a -= b"]),
        ("a = True", ["a = True -> a = False"]),
        ("return f(5)", ["f(5) -> f(6)"]),
        ("return a[-1]", ["a[-1] -> a[-2]"]),
        ("return a is None", ["a is None -> a is not None"]),
        ("raise ValueError", ["raise ValueError -> removed"]),
        ("f()", ["f() -> removed"]),
        ("return b if a else c", ["a -> not a"]),
        ("logger.info('%d', 5)", []),
        ("assert a < b", []),
        ("return 'text'", []),
    ],
)
def test_what_is_changed(line, changes):
    assert names(f"def g():\n    {line}\n") == [f"g: {change}" for change in changes]


def test_constants_and_texts_of_a_module_stay():
    assert names('"""Text."""\nLIMIT = 5\nNAME: str = "x"\n') == []


def test_names_say_where_and_outlive_moved_lines():
    source = "class A:\n    def f(self):\n        return self.a < 1\n"
    assert names(source) == names(f"import os\n\n\n{source}")
    assert names(source)[0] == "A.f: self.a < 1 -> self.a <= 1"


def test_alike_changes_of_one_function_are_numbered():
    assert names("def f():\n    g()\n    g()\n") == ["f: g() -> removed", "f: g() -> removed (#2)"]


def test_each_mutant_is_another_program():
    source = (SCRIPTS.parent / "src/cryptotrader/protocol/log_on.py").read_text()
    made = [ast.dump(mutated(source, mutant.index)) for mutant in mutants_of("protocol/log_on.py", source)]
    assert len(made) > 20
    assert len(set(made)) == len(made)
    assert ast.dump(ast.parse(source)) not in made
    with pytest.raises(IndexError, match="there is no mutant"):
        mutated(source, len(made))


def test_the_tests_of_a_line_are_run_the_quickest_first():
    measured = Measured(
        "stamp",
        {"slow": 2.0, "quick": 0.1, "other": 1.0},
        {"m.py": {1: [""], 5: ["slow", "quick"], 9: ["other"]}},
    )
    assert measured.tests_of("m.py", 5) == ["quick", "slow"]
    assert measured.tests_of("m.py", 7) == ["quick", "slow"]  # the second line of a long statement
    assert measured.tests_of("m.py", 1) == ["quick", "other", "slow"]  # at import: whoever uses the module
    assert measured.tests_of("n.py", 1) == []


OUTCOMES = """
import json, sys
from mutation.measuring import PACKAGE
from mutation.mutations import mutants_of
from mutation.running import Trial, run_all

PATH = "protocol/continuity.py"
TESTS = ("tests/unit/protocol/test_continuity.py",)

if __name__ == "__main__":
    every = {mutant.name: mutant.index for mutant in mutants_of(PATH, (PACKAGE / PATH).read_text())}
    removed = next(index for name, index in every.items() if "raise ValueError" in name)
    test = "tests/unit/protocol/test_continuity.py::" + sys.argv[1]
    trials = [Trial(PATH, index, (test,), 1.0) for index in (None, removed)]
    print(json.dumps({str(trial.change): outcome for trial, outcome in run_all(trials, workers=2)}))
"""


def test_a_fork_runs_its_mutant_and_no_other(tmp_path):
    """Without this, mutants that are never loaded would all be told to survive, or all tests to be good."""
    script = tmp_path / "outcomes.py"
    script.write_text(OUTCOMES)
    run = subprocess.run(
        [sys.executable, script, "test_an_empty_interval_is_refused"],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    outcomes = json.loads(run.stdout.splitlines()[-1])
    assert outcomes.pop("None") == "survived"
    assert list(outcomes.values()) == ["killed"]
