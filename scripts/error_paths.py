#!/usr/bin/env python3
"""Counts the ``except`` handlers that the tests on virtual time enter, and the ``raise`` statements that they execute.

python scripts/error_paths.py            a line for each module with any that is left
python scripts/error_paths.py --lines    and each place
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mutation.measuring import PACKAGE, measure


def main() -> int:
    """Print what is left, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", action="store_true", help="show each place")
    options = parser.parse_args()
    reached = measure().lines
    sums = {"handlers": [0, 0], "raises": [0, 0]}
    print(f"{'module':44}{'handlers':>12}{'raises':>12}")
    for file in sorted(PACKAGE.rglob("*.py")):
        path = str(file.relative_to(PACKAGE))
        lines = reached.get(path, {}).keys()
        counts = {"handlers": [0, 0], "raises": [0, 0]}
        left = []
        for kind, shown, line in error_paths(ast.parse(file.read_text())):
            is_reached = line in lines
            for count in (counts[kind], sums[kind]):
                count[0] += is_reached
                count[1] += 1
            if not is_reached:
                left.append(f"    {path}:{shown}  {kind[:-1]}")
        if left:
            print(f"{path:44}{_part(counts['handlers']):>12}{_part(counts['raises']):>12}")
        if options.lines:
            print("\n".join(left), end="\n" if left else "")
    print(f"{'all modules':44}{_part(sums['handlers']):>12}{_part(sums['raises']):>12}")
    return 0


def error_paths(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Kind, line, and the line whose execution shows that the place was reached."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            yield "handlers", node.lineno, node.body[0].lineno
        elif isinstance(node, ast.Raise):
            yield "raises", node.lineno, node.lineno


def _part(count: list[int]) -> str:
    return f"{count[0]} of {count[1]}"


if __name__ == "__main__":
    sys.exit(main())
