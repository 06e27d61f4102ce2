"""Keys for commands, never as arguments; and the question before orders on a live exchange."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cryptotrader.config import Endpoint
from cryptotrader.credentials import Credentials, from_environment, from_file, from_keyring
from cryptotrader.errors import ConfigurationError

KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        help="Sign with this PEM file; BINANCE_API_KEY names the key, BINANCE_PRIVATE_KEY_PASSPHRASE opens it."
    ),
]
KeyringOption = Annotated[
    str | None, typer.Option(metavar="SERVICE", help="Sign with the key that the system's keyring holds there.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before orders on a live exchange.")]


def key_for(key_file: Path | None, keyring: str | None) -> Credentials:
    """The key that the options name, or that the environment holds.

    Raises:
        ConfigurationError: There is none, or it cannot be used.
    """
    if key_file is not None and keyring is not None:
        raise ConfigurationError("give --key-file or --keyring, not both")
    if keyring is not None:
        return from_keyring(keyring)
    if key_file is None:
        return from_environment()
    api_key = os.environ.get("BINANCE_API_KEY", "")
    if not api_key:
        raise ConfigurationError("BINANCE_API_KEY is not set; it names the key of the file")
    return from_file(key_file, api_key=api_key, passphrase=os.environ.get("BINANCE_PRIVATE_KEY_PASSPHRASE") or None)


def confirm(endpoint: Endpoint, what: str, *, yes: bool) -> None:
    """Ask before something is done on a live exchange.

    Raises:
        ConfigurationError: There is nobody to ask; nothing was done.
        typer.Exit: The answer was no.
    """
    if yes or not endpoint.is_live:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{what} on {endpoint.name} needs --yes where nobody can be asked")
    if not typer.confirm(f"{what} on {endpoint.name}?", err=True):
        typer.echo("nothing was sent", err=True)
        raise typer.Exit(1)
