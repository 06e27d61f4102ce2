"""``cryptotrader verify``: is the table complete?"""

from __future__ import annotations

from typing import Annotated

import typer

from cryptotrader.cli.running import EXIT_FAILED
from cryptotrader.cli.sinks import table_folder


def verify(
    table: Annotated[str, typer.Argument(help="iceberg://DIR")],
) -> None:
    """Read the ids of every stored trade and prove that none is missing or double.

    Prints a line for each symbol; the exit code is 1 when anything is missing or double.

    Examples:

      cryptotrader verify iceberg://data
    """
    folder = table_folder(table)
    from cryptotrader.ingestion.iceberg import verify_table  # noqa: PLC0415 - needs the extra "iceberg"

    report = verify_table(folder)
    if not report.symbols:
        typer.echo("the table holds no trades")
    for each in report.symbols:
        typer.echo(str(each))
        for first, last in each.missing[:10]:
            typer.echo(f"  missing: {first}-{last}")
    if not report.is_complete:
        raise typer.Exit(EXIT_FAILED)
