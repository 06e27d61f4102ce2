"""The exchange's side of a connection: ``FrameTransport``, and what an exchange that misbehaves on purpose needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptotrader.transport.base import FrameHandler, FrameTransport

_SMALL = 126
_MEDIUM = 65_536
_CACHED = 2_048
TORN_FRAME = b'\x81\x7e\x10\x00{"stream":"'
"""The header of a text frame of 4,096 bytes, and the first 11 of them."""


class ServerTransport(FrameTransport, Protocol):
    """What the exchange can do to one client's connection."""

    @property
    def buffered(self) -> int:
        """Bytes accepted for sending that the client has not taken yet."""

    def send_batch(self, payloads: Sequence[bytes]) -> None:
        """Send many text frames with one write."""

    def send_binary(self, payload: bytes) -> None:
        """Send one binary frame."""

    def tear(self) -> None:
        """Announce a frame, send a part of it, and drop the connection."""

    def freeze(self) -> None:
        """Read nothing any more, while the connection stays open."""


class ServerHandler(FrameHandler, Protocol):
    """What a connection tells the exchange."""

    def on_connected(self, transport: ServerTransport) -> None:
        """The handshake is done; told once and first."""


@dataclass(frozen=True)
class Refusal:
    """A handshake that is not granted.

    Attributes:
        status: HTTP status; ``None`` leaves the client without any answer.
        body: Text of the answer.
        retry_after: Seconds after which to try again, if the client is to be told.
    """

    status: int | None
    body: bytes = b""
    retry_after: int | None = None


@dataclass(frozen=True)
class PlainAnswer:
    """The answer to an HTTP request that wants no WebSocket; JSON.

    Attributes:
        status: HTTP status.
        body: Its content.
        headers: Further headers.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def _header(size: int) -> bytes:
    """Header of an unmasked text frame with a payload of ``size`` bytes (RFC 6455, section 5.2)."""
    if size < _SMALL:
        return bytes((0x81, size))
    if size < _MEDIUM:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


_HEADERS = [_header(size) for size in range(_CACHED)]


def text_frames(payloads: Sequence[bytes]) -> bytes:
    """The bytes of many unmasked text frames, one after the other."""
    parts: list[bytes] = []
    append = parts.append
    headers = _HEADERS
    for payload in payloads:
        size = len(payload)
        append(headers[size] if size < _CACHED else _header(size))
        append(payload)
    return b"".join(parts)
