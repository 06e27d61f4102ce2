"""What the tests of Iceberg tables share."""

from __future__ import annotations

import pytest

from trade_tables import TableWriter


@pytest.fixture
def table(tmp_path):
    """A new table with its sink open."""
    opened = TableWriter(tmp_path / "table")
    yield opened
    opened.close()
