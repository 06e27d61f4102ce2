"""``python -m cryptotrader`` and the command ``cryptotrader``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say what it needs."""
    try:
        from cryptotrader.cli import run_command_line  # noqa: PLC0415 - needs the extra "cli"
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.exit(f"the command line needs {error.name}: pip install 'cryptotrader[all]'")
    run_command_line()


if __name__ == "__main__":
    main()
