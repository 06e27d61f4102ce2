"""What an exchange remembers, in a file: another one goes on where it ended."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.order_counts import DayCounts
from cryptotrader.simulator.venue import Exchange
from cryptotrader.simulator.venue.state import VenueState


class Memory(Struct, frozen=True):
    """An exchange and how many orders its accounts sent in today."""

    venue: Exchange
    orders: DayCounts


class _Saved(Struct, frozen=True, kw_only=True):
    """A file's content, as JSON; ``venue`` is a ``VenueState``."""

    venue: Raw
    orders: DayCounts


def load_memory(path: Path, now_us: int, symbols: Sequence[str] | None, rate: float | None) -> Memory | None:
    """What was saved, with the venue's clock moved on to now; ``None`` when there is no such file yet.

    Args:
        path: The file.
        now_us: Unix time in microseconds.
        symbols: What is to be traded; ``None`` takes what was.
        rate: Trades a second; ``None`` takes what was.

    Raises:
        ConfigurationError: The file cannot be read, holds no state of this version, or other symbols or another rate.
    """
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
        venue = Exchange.load(VenueState.from_bytes(bytes(saved.venue)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"state: cannot read {path}: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"state: {path} is no state of this version: {error}") from error
    names = None if symbols is None else {symbol.upper() for symbol in symbols}
    if names not in (None, set(venue.markets)) or not (rate is None or isclose(rate, venue.rate)):
        held = f"{', '.join(venue.markets)} at {venue.rate:g} trades a second"
        raise ConfigurationError(f"state: {path} holds {held}; leave out symbols and rate, or begin with another file")
    venue.skip_to(now_us)
    return Memory(venue, saved.orders)


def save_memory(memory: Memory, path: Path) -> None:
    """Write the file anew; whoever reads it meanwhile finds the one before.

    Raises:
        ConfigurationError: It cannot be written.
    """
    draft = path.with_name(f"{path.name}.new")
    content = _Saved(venue=Raw(memory.venue.dump().to_bytes()), orders=memory.orders)
    try:
        draft.write_bytes(msgspec.json.encode(content))
        draft.replace(path)
    except OSError as error:
        raise ConfigurationError(f"state: cannot write {path}: {error.strerror}") from error
