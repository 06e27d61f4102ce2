#!/usr/bin/env python3
"""Write what the documents say about the code: facts come from the declarations, so that they cannot drift.

python scripts/structure_doc.py            write wsStructureDoc.yaml, reference/ and the tables of wsDesignDoc.md
python scripts/structure_doc.py --check    write nothing; show what differs, and exit with 1 if anything does
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path

import yaml

from structure.facts import gather
from structure.pages import pages, regions
from structure.types import Fact

DOCS = Path(__file__).parents[1] / "docs"
DESIGN = "wsDesignDoc.md"
STRUCTURE = "wsStructureDoc.yaml"
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the one in C writes the same, ten times faster
HEAD = "# Written by scripts/structure_doc.py from the declarations in src/cryptotrader; do not edit.\n"


def main() -> None:
    """Read the arguments, then write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--docs", type=Path, default=DOCS, help="the folder of the documents (default: %(default)s)")
    arguments = parser.parse_args()
    documents = compose(gather(), (arguments.docs / DESIGN).read_text(encoding="utf-8"))
    if arguments.check:
        sys.exit(1 if compare(arguments.docs, documents) else 0)
    for name, text in documents.items():
        (arguments.docs / name).write_text(text, encoding="utf-8")


def compose(facts: Fact, design: str) -> dict[str, str]:
    """Every document by its path within the folder.

    Args:
        facts: What there is to say.
        design: The design document, whose regions are filled anew.
    """
    structure = yaml.dump(
        facts, Dumper=_DUMPER, sort_keys=False, width=120, allow_unicode=True, default_flow_style=None
    )
    reference = {f"reference/{name}": text for name, text in pages(facts).items()}
    return {STRUCTURE: HEAD + structure, DESIGN: fill(design, regions(facts)), **reference}


def fill(text: str, tables: dict[str, str]) -> str:
    """The text with each region ``<!-- generated: NAME -->`` … ``<!-- end -->`` holding its table.

    Raises:
        ValueError: A table has no region, or a region no table.
    """
    pattern = re.compile(r"(<!-- generated: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
    found = [match[2] for match in pattern.finditer(text)]
    if sorted(found) != sorted(tables):
        raise ValueError(f"{DESIGN} has the regions {sorted(found)}; the tables are {sorted(tables)}")
    return pattern.sub(lambda match: f"{match[1]}\n{tables[match[2]]}\n\n{match[3]}", text)


def compare(folder: Path, documents: dict[str, str]) -> bool:
    """Print how the files differ from what they should be; returns whether they do."""
    differs = False
    for name, wanted in documents.items():
        file = folder / name
        stands = file.read_text(encoding="utf-8") if file.is_file() else ""
        if stands == wanted:
            continue
        differs = True
        lines = difflib.unified_diff(stands.splitlines(), wanted.splitlines(), name, f"{name} (generated)", lineterm="")
        print("\n".join(lines))
    return differs


if __name__ == "__main__":
    main()
