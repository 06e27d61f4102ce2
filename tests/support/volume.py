"""Tells how often a test repeats: a few rounds in ``make test``, thousands in ``make soak``."""

from __future__ import annotations

import os

IS_SOAK = os.environ.get("CRYPTOTRADER_SOAK") == "1"


def rounds(few: int, many: int) -> int:
    """``many`` in ``make soak``, otherwise ``few``."""
    return many if IS_SOAK else few
