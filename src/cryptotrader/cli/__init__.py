"""The command line: parse, call, render."""

from cryptotrader.cli.app import run_command_line

__all__ = ["run_command_line"]
