"""The commands that the documents show: each would still be understood."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest
import typer

from cryptotrader.cli.app import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND_LINE = typer.main.get_command(app)


def shown():
    """Document, line number and words of each command after a prompt, up to a pipe or redirection."""
    for document in DOCUMENTS:
        for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith(("$ cryptotrader ", "$ python examples/", "$ pytest ")):
                words = shlex.split(line.removeprefix("$ "), comments=True)
                words = list(itertools.takewhile(lambda word: not re.fullmatch(r"[|&>].*|\d>.*", word), words))
                yield pytest.param(words, id=f"{document.relative_to(ROOT)}:{number}")


COMMANDS = list(shown())


def test_there_are_commands_of_each_kind():
    assert {parameter.values[0][0] for parameter in COMMANDS} == {"cryptotrader", "python", "pytest"}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_documented_command_is_understood(words):
    if words[0] == "cryptotrader":
        COMMAND_LINE.commands[words[1]].make_context(words[1], words[2:]).close()
        return
    program = next(word for word in words if word.endswith(".py"))
    source = (ROOT / program).read_text(encoding="utf-8")
    assert [word for word in words if word.startswith("--") and f'"{word}"' not in source] == []
