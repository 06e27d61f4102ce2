"""Mutation testing of the modules that guard money and completeness.

    python scripts/mutants.py                      every mutant of every guarded module
    python scripts/mutants.py --module protocol/limits.py
    python scripts/mutants.py --sample 60 --seed 4f2a   some of them, drawn by the seed
    python scripts/mutants.py --holes              the mutants that once lived, each with the test that kills it

A mutant that no test notices is printed and the exit code is 1, unless ``tests/mutants/equivalents.toml`` lists it with
the reason why it changes nothing that matters. An entry there that no mutant fits, or whose mutant is killed, is an
error as well.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mutation.measuring import CACHE, PACKAGE, ROOT, Measured, measure
from mutation.mutations import Mutant, Replacement, mutants_of, mutated
from mutation.running import Trial, run_all

LISTS = ROOT / "tests" / "mutants"
MOST_SECONDS = 10.0
"""Of tests for one mutant, the quickest first: what none of them notices counts as survived."""

FEW_FILES = 3
"""At first only the files with the most tests that reach the place are loaded: most mutants die by them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants that are asked for; returns the exit code."""
    options = _parse(arguments)
    if options.holes:
        return run_holes(options.workers)
    modules: list[str] = options.module or tomllib.loads((LISTS / "guarded.toml").read_text())["modules"]
    mutants = [mutant for path in modules for mutant in mutants_of(path, (PACKAGE / path).read_text())]
    known = {entry["mutant"]: entry["why"] for entry in _entries("equivalents")}
    if options.sample:
        print(f"{options.sample} of {len(mutants)} mutants, seed {options.seed}")
        draw = random.Random(options.seed)  # noqa: S311 - it is to be repeated, not secret
        mutants = draw.sample(mutants, min(options.sample, len(mutants)))
    if options.survivors:
        last = set(json.loads((CACHE / "survivors.json").read_text()))
        mutants = [mutant for mutant in mutants if mutant.name in last]
    outcomes = run(mutants, measure(), options.workers)
    return report(mutants, outcomes, known, is_whole=not (options.sample or options.survivors or options.module))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", action="append", help="only this module, below src/cryptotrader")
    parser.add_argument("--sample", type=int, default=0, help="run so many, drawn by --seed")
    parser.add_argument("--seed", default="0", help="any text, such as a commit")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last run")
    parser.add_argument("--holes", action="store_true", help="only the mutants that once lived")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args(arguments)


def _entries(name: str) -> list[dict[str, str]]:
    path = LISTS / f"{name}.toml"
    entries: list[dict[str, str]] = tomllib.loads(path.read_text()).get("entry", [])
    return entries


def run(mutants: Sequence[Mutant], measured: Measured, workers: int) -> dict[Mutant, str]:
    """Run the tests of each mutant: ``killed``, ``hangs``, ``survived``, or ``unreached`` without any test.

    What is known of the same code from a run that was stopped is not run again.
    """
    notes = CACHE / "outcomes.jsonl"
    known = _read_notes(notes, measured.stamp)
    outcomes = {mutant: known.get(mutant.name, "unreached") for mutant in mutants}
    with notes.open("a") as file:
        for most_files in (FEW_FILES, sys.maxsize):
            asked = {"unreached"} if most_files == FEW_FILES else {"doubted"}
            left = [mutant for mutant in mutants if outcomes[mutant] in asked]
            trials = {trial: mutant for mutant in left if (trial := _trial(measured, mutant, most_files))}
            print(f"{len(trials)} mutants", flush=True)
            began = time.monotonic()
            for number, (trial, outcome) in enumerate(run_all(trials, workers=workers), 1):
                mutant = trials[trial]
                outcomes[mutant] = "doubted" if outcome == "survived" and most_files == FEW_FILES else outcome
                file.write(json.dumps([measured.stamp, mutant.name, outcomes[mutant]]) + "\n")
                file.flush()
                if outcomes[mutant] == "survived" or number % 100 == 0:
                    print(f"{number} {time.monotonic() - began:.0f} s {outcomes[mutant]}: {mutant.name}", flush=True)
    return outcomes


def _read_notes(notes: Path, stamp: str) -> dict[str, str]:
    lines = notes.read_text().splitlines() if notes.is_file() else []
    return {name: outcome for of, name, outcome in map(json.loads, lines) if of == stamp}


def _trial(measured: Measured, mutant: Mutant, most_files: int) -> Trial | None:
    """The mutant with the tests that may notice it, as many as there is time for."""
    tests = measured.tests_of(mutant.path, mutant.line)
    by_file = Counter(test.split("::")[0] for test in tests)
    files = {file for file, _ in by_file.most_common(most_files)}
    chosen: list[str] = []
    total = 0.0
    for test in tests:
        if test.split("::")[0] in files and (not chosen or total + measured.seconds[test] <= MOST_SECONDS):
            chosen.append(test)
            total += measured.seconds[test]
    return Trial(mutant.path, mutant.index, tuple(chosen), total) if chosen else None


def report(mutants: Sequence[Mutant], outcomes: dict[Mutant, str], known: dict[str, str], *, is_whole: bool) -> int:
    """Print the score of each module and what is wrong; returns the exit code."""
    lived = {mutant.name for mutant, outcome in outcomes.items() if outcome in {"survived", "unreached"}}
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "survivors.json").write_text(json.dumps(sorted(lived), indent=1))
    print(f"\n{'module':34}{'mutants':>9}{'killed':>9}{'known':>9}{'lived':>9}{'score':>9}")
    for path in [*dict.fromkeys(mutant.path for mutant in mutants), "all"]:
        own = [mutant for mutant in mutants if path in {mutant.path, "all"}]
        dead = sum(mutant.name not in lived for mutant in own)
        listed = sum(mutant.name in lived and mutant.name in known for mutant in own)
        score = f"{100 * dead / max(1, len(own) - listed):.1f} %"
        print(f"{path:34}{len(own):>9}{dead:>9}{listed:>9}{len(own) - dead - listed:>9}{score:>9}")
    names = {mutant.name for mutant in mutants}
    wrong = [f"no test notices: {name}" for name in sorted(lived - known.keys())]
    wrong += [f"listed as equivalent, but killed: {name}" for name in sorted((known.keys() & names) - lived)]
    if is_whole:
        wrong += [f"listed as equivalent, but there is no such mutant: {name}" for name in sorted(known.keys() - names)]
    print("\n".join(["", *wrong]))
    return 1 if wrong else 0


def run_holes(workers: int) -> int:
    """Run the tests that closed each hole against the mutant that lived in it, and without it."""
    lived = []
    trials = {}
    for entry in _entries("holes"):
        change = Replacement(entry["before"], entry["after"])
        mutated((PACKAGE / entry["path"]).read_text(), change)  # it must still be there
        trials[Trial(entry["path"], change, (entry["test"],), 10.0)] = entry
    for trial, outcome in run_all(trials, workers=workers):
        entry = trials[trial]
        print(f"hole {entry['hole']:>3}  {outcome:9}{entry['path']}: {entry['before']!r} -> {entry['after']!r}")
        print(f"{'':19}by {entry['test']}", flush=True)
        if outcome == "survived":
            lived.append(entry["test"])
    without = {Trial(trial.path, None, trial.tests, trial.seconds) for trial in trials}
    failing = [trial.tests[0] for trial, outcome in run_all(without, workers=workers) if outcome != "survived"]
    print(f"{len(trials) - len(lived)} of {len(trials)} killed")
    for test in failing:
        print(f"fails by itself: {test}")
    return 1 if lived or failing else 0


if __name__ == "__main__":
    sys.exit(main())
