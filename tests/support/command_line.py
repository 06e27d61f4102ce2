"""Commands run in the process of the test, which are quicker than processes of their own."""

from __future__ import annotations

import sys

from cryptotrader.cli import run_command_line


def exit_code(monkeypatch, *words):
    """Run ``cryptotrader`` with these words; how it ends."""
    monkeypatch.setattr(sys, "argv", ["cryptotrader", *map(str, words)])
    try:
        run_command_line()
    except SystemExit as ended:
        return ended.code or 0
    raise AssertionError("a command ends with an exit code")
