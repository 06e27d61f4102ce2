"""A session by hand: streams come and go as their user types, and their events are printed as they come."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from colorama import Fore

from cryptotrader.client import Binance
from cryptotrader.diagnostics.reporting import say
from cryptotrader.diagnostics.trial import Finding, Outcome, Trial
from cryptotrader.errors import ConfigurationError, RequestInvalid
from cryptotrader.models.base_models import Model
from cryptotrader.protocol.channel import find_channel
from cryptotrader.subscription import Subscription

COMMANDS = "subscribe NAME · unsubscribe NAME · list · quit"
_READ_BYTES = 4096


class Watch:
    """The streams that are shown.

    Args:
        binance: Where they come from.

    Attributes:
        events: How many were shown.
        errors: How many errors were told.
    """

    def __init__(self, binance: Binance) -> None:
        self._market = binance.market
        self._streams: dict[str, Subscription[Any]] = {}
        self.events = 0
        self.errors = 0

    def obey(self, command: str, name: str) -> bool:
        """Carry out one command; returns whether to go on."""
        match command:
            case "subscribe" | "unsubscribe" if name:
                try:
                    _, stream = find_channel(name)
                except RequestInvalid as error:
                    say(str(error), Fore.RED)
                else:
                    (self._subscribe if command == "subscribe" else self._unsubscribe)(stream)
            case "list":
                say(", ".join(self._streams) or "no streams", Fore.CYAN)
            case "quit":
                return False
            case _:
                say(COMMANDS, Fore.CYAN)
        return True

    def _subscribe(self, stream: str) -> None:
        if stream in self._streams:
            say(f"already subscribed: {stream}", Fore.RED)
            return

        def show(event: Model, _: int) -> None:
            self.events += 1
            say(f"{time.strftime('%H:%M:%S')} {stream} {event.to_json().decode()}")

        def tell(error: Exception) -> None:
            self.errors += 1
            say(f"{stream}: {error}", Fore.RED)

        self._streams[stream] = self._market.subscribe(stream, callback=show, on_error=tell)

    def _unsubscribe(self, stream: str) -> None:
        if stream not in self._streams:
            say(f"not subscribed: {stream}", Fore.RED)
            return
        self._streams.pop(stream).close()


async def watch_streams(trial: Trial) -> str | Finding:
    """Subscribe and unsubscribe by hand, until ``quit`` or the end of the input."""
    say(COMMANDS, Fore.CYAN)
    async with Binance(trial.endpoint, **trial.options) as binance:
        watch = Watch(binance)
        with _standard_input() as lines:
            while (line := await lines.get()) is not None:
                command, _, name = line.strip().partition(" ")
                if not watch.obey(command, name.strip()):
                    break
    shown = f"{watch.events} events, {watch.errors} errors"
    return Finding(Outcome.FAILED, shown) if watch.errors else shown


@contextmanager
def _standard_input() -> Iterator[asyncio.Queue[str | None]]:
    """Lines as they are typed, ``None`` at their end; the event loop is not blocked.

    Raises:
        ConfigurationError: Standard input is a file, which the event loop cannot wait for.
    """
    loop, source = asyncio.get_running_loop(), sys.stdin.fileno()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    rest = bytearray()

    def read() -> None:
        try:
            came = os.read(source, _READ_BYTES)
        except OSError:  # the terminal is gone
            came = b""
        if not came:
            loop.remove_reader(source)
            lines.put_nowait(None)
            return
        rest.extend(came)
        while b"\n" in rest:
            line, _, after = rest.partition(b"\n")
            rest[:] = after
            lines.put_nowait(line.decode("utf-8", "replace"))

    try:
        loop.add_reader(source, read)
    except PermissionError as error:
        raise ConfigurationError("type the commands, or pipe them in: a file cannot be waited for") from error
    try:
        yield lines
    finally:
        loop.remove_reader(source)
