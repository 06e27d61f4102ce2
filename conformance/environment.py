#!/usr/bin/env python3
"""Sets up an environment that holds other people's clients alone, and prints the path of its Python.

python conformance/environment.py --environment .venv-conformance
"""

from __future__ import annotations

import argparse
import subprocess
import venv
from pathlib import Path

HERE = Path(__file__).parent
DEFAULT = HERE.parent / ".venv-conformance"


def prepared(environment: Path = DEFAULT) -> Path:
    """The Python of an environment that holds the clients in the versions asked for; made when it is missing."""
    python = environment.absolute() / "bin" / "python"
    wanted = (HERE / "requirements.txt").read_text()
    stamp = environment / ".requirements"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(environment, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)
        stamp.write_text(wanted)
    return python


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path, default=DEFAULT)
    print(prepared(parser.parse_args().environment))
