"""The venue's memory in a file: an exchange goes on where the one before it ended."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.venue import Exchange
from cryptotrader.simulator.venue.state import VenueState


def load_venue(path: Path, now_us: int) -> Exchange | None:
    """The venue that was saved, with its clock moved on to now; ``None`` when there is no such file yet.

    Raises:
        ConfigurationError: The file cannot be read, or holds no state of this version.
    """
    try:
        venue = Exchange.load(VenueState.from_bytes(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"state: cannot read {path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"state: {path} is no state of this version: {error}") from error
    venue.skip_to(now_us)
    return venue


def save_venue(venue: Exchange, path: Path) -> None:
    """Write the file anew; whoever reads it meanwhile finds the one before.

    Raises:
        ConfigurationError: It cannot be written.
    """
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_bytes(venue.dump().to_bytes())
        draft.replace(path)
    except OSError as error:
        raise ConfigurationError(f"state: cannot write {path}: {error.strerror}") from error
