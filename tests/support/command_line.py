"""Commands run in the process of the test, which are quicker than processes of their own."""

from __future__ import annotations

import sys

from cryptotrader.__main__ import main


def exit_code(monkeypatch, *words):
    """Run ``cryptotrader`` with these words; how it ends."""
    monkeypatch.setattr(sys, "argv", ["cryptotrader", *map(str, words)])
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    raise AssertionError("a command ends with an exit code")
