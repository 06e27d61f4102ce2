"""What tests of commands share."""

from __future__ import annotations

import pytest
import structlog

from command_line import exit_code


@pytest.fixture
def command(monkeypatch, capfd):
    """Run a command in this process; gives exit code, standard output and standard error."""

    def run(*arguments):
        code = exit_code(monkeypatch, *arguments)
        out, err = capfd.readouterr()
        return code, out, err

    yield run
    structlog.reset_defaults()
