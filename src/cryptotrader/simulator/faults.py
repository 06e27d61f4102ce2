"""Misbehaviour on purpose: what can go wrong, when, and for whom.

A fault is given from Python (``exchange.fault("skip", stream="btcusdt@trade", count=3)``), as a line of a timed script
(``{"at": 2.5, "fault": "drop"}``), or over the control socket.

Faults of connections act once, at once, on the open connections that fit: ``drop``, ``torn``, ``half_open``,
``stall``, ``garbage`` and ``server_shutdown``. The others last until their ``count`` is used up or their ``duration``
is over: ``delay``, ``duplicate``, ``reorder`` and ``skip`` act on market frames (with ``connection="api"`` on replies
and on user data events), ``refuse``, ``rate_limit`` and ``ban`` on handshakes and requests, ``timeout`` and
``unexpected`` on trading requests.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from msgspec import Meta

from cryptotrader.errors import ConfigurationError


class FaultKind(StrEnum):
    """What goes wrong.

    ``seconds`` and ``count`` mean what is said here; ``count`` otherwise limits how many connections or frames are hit.
    """

    DROP = "drop"  # the TCP connection ends without a closing handshake
    TORN = "torn"  # a frame is announced and not sent whole; then the connection ends
    HALF_OPEN = "half_open"  # nothing is sent or read any more, and the connection stays open
    STALL = "stall"  # nothing is sent for `seconds`; then everything at once
    GARBAGE = "garbage"  # `count` frames that are not JSON; binary ones with `binary`
    SERVER_SHUTDOWN = "server_shutdown"  # announced, and after `seconds` the connection is closed
    DELAY = "delay"  # a frame leaves `seconds` later
    DUPLICATE = "duplicate"  # a frame leaves twice
    REORDER = "reorder"  # a frame leaves after the one that follows it
    SKIP = "skip"  # a frame never leaves
    REFUSE = "refuse"  # handshakes get HTTP 503 or, with `tcp`, no connection at all
    RATE_LIMIT = "rate_limit"  # requests are answered with 429 and "retry after `seconds`"
    TIMEOUT = "timeout"  # a trading request is answered with -1007: it was carried out, or not, by `done`
    UNEXPECTED = "unexpected"  # the same with -1006
    BAN = "ban"  # for `seconds`, handshakes and requests of every address get 418


AT_ONCE = frozenset(
    {
        FaultKind.DROP,
        FaultKind.TORN,
        FaultKind.HALF_OPEN,
        FaultKind.STALL,
        FaultKind.GARBAGE,
        FaultKind.SERVER_SHUTDOWN,
    }
)
ON_OUTCOMES = frozenset({FaultKind.TIMEOUT, FaultKind.UNEXPECTED})
ON_FRAMES = frozenset({FaultKind.DELAY, FaultKind.DUPLICATE, FaultKind.REORDER, FaultKind.SKIP})
_TIMED = {
    FaultKind.STALL: 5.0,
    FaultKind.SERVER_SHUTDOWN: 10.0,
    FaultKind.DELAY: 1.0,
    FaultKind.REFUSE: None,
    FaultKind.RATE_LIMIT: 1.0,
    FaultKind.BAN: 120.0,
}
"""The faults that know ``seconds``, and its default."""

_EVEN = 0.5
ConnectionKind = Literal["stream", "api"]
_Positive = Annotated[float, Meta(gt=0)]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault.

    Attributes:
        fault: What goes wrong.
        connection: Only connections of this kind.
        stream: Only this stream's frames, or connections that carry it.
        count: How many connections, frames, handshakes or requests are hit; all by default.
        seconds: Length of the stall, delay, refusal, ban or notice.
        duration: For how many seconds the fault stays in force.
        probability: Chance that each one is hit, drawn from the exchange's seed.
        binary: Garbage comes in binary frames.
        tcp: Connections are refused by TCP already.
        done: Whether a request with unknown outcome was carried out; without it the dice decide.
    """

    fault: FaultKind
    connection: ConnectionKind | None = None
    stream: Annotated[str, Meta(min_length=1)] | None = None
    count: Annotated[int, Meta(ge=1)] | None = None
    seconds: _Positive | None = None
    duration: _Positive | None = None
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    binary: bool = False
    tcp: bool = False
    done: bool | None = None

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem is not None:
            raise ValueError(f"{self.fault.value}: {problem}")

    def _problem(self) -> str | None:
        kind, refuses = self.fault, self.fault is FaultKind.REFUSE
        on_requests = kind is FaultKind.RATE_LIMIT or kind in ON_OUTCOMES
        narrowed = bool(self.connection or self.stream or self.count or self.probability < 1)
        checks = {
            "knows no seconds": self.seconds is not None and kind not in _TIMED,
            "knows no duration": self.duration is not None and (kind in AT_ONCE or kind in {kind.REFUSE, kind.BAN}),
            "binary belongs to garbage": self.binary and kind is not FaultKind.GARBAGE,
            "every address is banned alike": kind is FaultKind.BAN and narrowed,
            "acts on requests only": on_requests and self.connection == "stream",
            "knows no stream": self.stream is not None and (self.connection == "api" or refuses or on_requests),
            "done belongs to timeout and unexpected": self.done is not None and kind not in ON_OUTCOMES,
            "needs seconds or count": refuses and self.seconds is None and self.count is None,
            "tcp belongs to refuse with seconds": self.tcp and (not refuses or self.seconds is None),
            "tcp refuses all connections alike": self.tcp and narrowed,
        }
        return next((text for text, broken in checks.items() if broken), None)

    @property
    def length(self) -> float:
        """``seconds``, or the default of this fault."""
        return self.seconds or _TIMED.get(self.fault) or 0.0

    def fits(self, connection: ConnectionKind) -> bool:
        """Whether connections of this kind are meant."""
        return self.connection in {None, connection}


class FaultOptions(TypedDict, total=False):
    """The fields of ``Fault`` besides its kind, as keyword arguments."""

    connection: ConnectionKind
    stream: str
    count: int
    seconds: float
    duration: float
    probability: float
    binary: bool
    tcp: bool
    done: bool


class TimedFault(msgspec.Struct, frozen=True):
    """A line of a script.

    Attributes:
        at_us: When, in microseconds since the exchange started.
        fault: What.
    """

    at_us: int
    fault: Fault


def make_fault(kind: str, where: dict[str, Any]) -> Fault:
    """A fault from its name and its other fields.

    Raises:
        ConfigurationError: There is no such fault, or it does not know one of the fields.
    """
    try:
        return msgspec.convert({"fault": kind, **where}, Fault)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"fault {kind!r}: {error}") from error


def read_script(path: Path) -> list[TimedFault]:
    """The faults of a script, in order of time.

    Raises:
        ConfigurationError: The file cannot be read, or a line is not a fault with its time.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"faults: cannot read {path}: {error.strerror}") from error
    script = [_read_line(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    return sorted(script, key=lambda item: item.at_us)


def _read_line(line: bytes, where: str) -> TimedFault:
    try:
        content = msgspec.json.decode(line, type=dict[str, Any])
        at = msgspec.convert(content.pop("at", None), Annotated[float, Meta(ge=0)])
        return TimedFault(round(at * 1_000_000), make_fault(str(content.pop("fault", "")), content))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(f'{where}: needs an object with "at" in seconds and "fault": {error}') from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error


@dataclass
class _Lasting:
    fault: Fault
    left: int | None
    until_us: int | None


class FaultBoard:
    """The faults in force, and the dice.

    Attributes:
        on_frames: Whether any frame may be hit: the only question of the hot path.
    """

    def __init__(self, *, seed: int, start_us: int) -> None:
        self._script: deque[TimedFault] = deque()
        self._start_us = start_us
        self._random = random.Random(seed)
        self._lasting: list[_Lasting] = []
        self.on_frames = False

    @property
    def active(self) -> list[Fault]:
        """The lasting faults in force."""
        return [entry.fault for entry in self._lasting]

    @property
    def next_us(self) -> int | None:
        """When the script goes on or a fault ends, if ever."""
        due = [entry.until_us for entry in self._lasting if entry.until_us is not None]
        if self._script:
            due.append(self._start_us + self._script[0].at_us)
        return min(due, default=None)

    def start(self, script: list[TimedFault], now_us: int) -> None:
        """Begin a script now."""
        self._script.extend(script)
        self._start_us = now_us

    def advance(self, now_us: int) -> Iterator[Fault]:
        """Let time pass; yields the faults of the script that are due."""
        if any(entry.until_us is not None and entry.until_us <= now_us for entry in self._lasting):
            self._keep([entry for entry in self._lasting if entry.until_us is None or entry.until_us > now_us])
        while self._script and self._start_us + self._script[0].at_us <= now_us:
            yield self._script.popleft().fault

    def add(self, fault: Fault, now_us: int) -> None:
        """Put a lasting fault in force."""
        if fault.fault in ON_FRAMES and fault.connection is None:
            fault = msgspec.structs.replace(fault, connection="stream")  # replies are hit only when asked for
        lasts = fault.seconds if fault.fault is FaultKind.REFUSE else fault.duration
        until_us = None if lasts is None else now_us + round(lasts * 1e6)
        self._keep([*self._lasting, _Lasting(fault, fault.count, until_us)])

    def clear(self) -> None:
        """Take every lasting fault, and the rest of the script, out of force."""
        self._script.clear()
        self._keep([])

    def chance(self, fault: Fault) -> bool:
        """Throw the dice for one connection, frame, handshake or request."""
        return fault.probability >= 1 or self._random.random() < fault.probability

    def is_done(self, fault: Fault) -> bool:
        """Whether a request with unknown outcome is carried out."""
        return self._random.random() < _EVEN if fault.done is None else fault.done

    def hits(self, kinds: frozenset[FaultKind], connection: ConnectionKind, stream: bytes | None = None) -> list[Fault]:
        """The lasting faults that hit one frame, handshake or request; each is counted."""
        hit: list[Fault] = []
        for entry in self._lasting:
            fault = entry.fault
            if fault.fault not in kinds or not fault.fits(connection):
                continue
            if fault.stream is not None and fault.stream.encode() != stream:
                continue
            if self.chance(fault):
                hit.append(fault)
                if entry.left is not None:
                    entry.left -= 1
        if hit:
            self._keep([entry for entry in self._lasting if entry.left is None or entry.left > 0])
        return hit

    def _keep(self, lasting: list[_Lasting]) -> None:
        self._lasting = lasting
        self.on_frames = any(entry.fault.fault in ON_FRAMES for entry in lasting)
