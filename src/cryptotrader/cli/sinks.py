"""Sinks by address; the packages of a sink are needed only when it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cryptotrader.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptotrader.ingestion.pipeline import Sink


def sink_at(url: str) -> Sink:
    """The sink of a ``--sink`` option.

    Raises:
        ConfigurationError: No such kind of sink, or its packages are not installed.
    """
    table_folder(url)
    from cryptotrader.ingestion.iceberg import IcebergSink  # noqa: PLC0415 - needs the extra "iceberg"

    return IcebergSink(url)


def table_folder(url: str) -> Path:
    """The folder of an ``iceberg://DIR`` address.

    Raises:
        ConfigurationError: Another address, or the packages for tables are not installed.
    """
    try:
        from cryptotrader.ingestion.iceberg import folder_of  # noqa: PLC0415 - needs the extra "iceberg"
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"tables need {error.name}: pip install 'cryptotrader[all]'") from error
    return folder_of(url)
