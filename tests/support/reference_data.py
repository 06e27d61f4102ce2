"""Reads Binance's documented samples and other reference data, if they lie beside the checkout, and counts what a run checked.

Without them the tests that need them are skipped. So that nobody takes that for a test that passed, the last line of a
run says how many were.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[3] / "shared"
FIXTURES = SHARED / "fixtures"
MISSING = "no reference data beside the checkout"
SAMPLE = "documented sample"
"""The property of a report that names the sample that its test is about."""


def index() -> list[dict[str, Any]]:
    """One entry for each documented sample; none where the folder is missing."""
    file = FIXTURES / "index.json"
    return json.loads(file.read_bytes()) if file.is_file() else []


def samples(entries: Iterable[dict[str, Any]]) -> list[Any]:
    """Entries as parameters of a test; where the folder is missing, one that says so."""
    params = [
        pytest.param(entry, id=entry["file"], marks=pytest.mark.documented_sample(entry["file"])) for entry in entries
    ]
    return params or [nothing()]


def nothing() -> Any:
    """The parameter of a test that is skipped for want of reference data."""
    return pytest.param(None, id="missing", marks=pytest.mark.skip(reason=MISSING))


def content(entry: dict[str, Any]) -> Any:
    """The sample itself."""
    return json.loads((FIXTURES / entry["file"]).read_bytes())


def summary(reports: Mapping[str, Sequence[Any]]) -> str:
    """What a run made of the reference data, in a line; empty where no test of it was among those that ran.

    Args:
        reports: The reports by outcome: ``passed``, ``failed``, ``skipped``.
    """
    skipped = reports.get("skipped", ())
    missing = sum(MISSING in str(report.longrepr) for report in skipped)
    checked = samples_of([*reports.get("passed", ()), *reports.get("failed", ())])
    left_out = samples_of(skipped) - checked
    told = [f"{missing} tests skipped: {MISSING}"] if missing else []
    if checked or left_out:
        told.append(f"documented samples: {len(checked)} checked, {len(left_out)} skipped as empty or cut short")
    return "; ".join(told)


def samples_of(reports: Iterable[Any]) -> set[str]:
    """The documented samples that these reports are about; a worker process sends them along with the report."""
    return {value for report in reports for name, value in getattr(report, "user_properties", ()) if name == SAMPLE}
