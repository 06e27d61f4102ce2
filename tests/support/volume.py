"""How many rounds a test of volume runs: few in the default run, many under ``make soak``."""

from __future__ import annotations

import os

SOAK = os.environ.get("CRYPTOTRADER_SOAK") == "1"


def rounds(few: int, many: int) -> int:
    """``few``, or ``many`` when CRYPTOTRADER_SOAK=1."""
    return many if SOAK else few
