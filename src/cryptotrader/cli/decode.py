"""``cryptotrader decode``: recorded frames as normalised JSON lines."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer

from cryptotrader.cli.running import EXIT_FAILED
from cryptotrader.errors import DecodeFailed
from cryptotrader.protocol.frame_kinds import FrameDecoder, normalised
from cryptotrader.recording import RecordingReader

_LINES_AT_ONCE = 1000
_SHOWN = 5


def decode(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A recording, or one frame a line; - for stdin.")],
) -> None:
    """Print each event of recorded frames as one JSON object a line: descriptive names, decimals as text.

    Reads recordings, and lines of frames with or without a nanosecond stamp before them, gzip or not. What cannot be
    decoded is counted on stderr, and the exit code is 1.

    Examples:

      cryptotrader decode btcusdt.rec

      zcat btcusdt.gz | cryptotrader decode - | head
    """
    source = cast("io.BufferedReader", sys.stdin.buffer) if file == "-" else Path(file)
    with RecordingReader(source) as reader:
        undecodable = _print_events(reader)
        damaged = reader.damaged_bytes + reader.torn_bytes
    if damaged:
        typer.echo(f"damaged: {damaged} bytes belong to no whole segment", err=True)
    if undecodable:
        typer.echo(f"undecodable: {undecodable} frames", err=True)
    if undecodable or damaged:
        raise typer.Exit(EXIT_FAILED)


def _print_events(reader: RecordingReader) -> int:
    """Print all events; returns how many frames could not be decoded."""
    decoder, encode = FrameDecoder(), msgspec.json.Encoder().encode
    lines: list[bytes] = []
    undecodable = 0
    for frame in reader:
        if frame.sent:
            decoder.note_sent(frame.payload, frame.connection)
            continue
        try:
            decoded = decoder.decode(frame.payload, frame.connection)
        except DecodeFailed as error:
            undecodable += 1
            if undecodable <= _SHOWN:
                typer.echo(str(error), err=True)
            continue
        stamp: dict[str, Any] = {"received_ns": frame.received_ns} if frame.received_ns else {}
        lines.extend(encode(values | stamp) for values in normalised(decoded))
        if len(lines) >= _LINES_AT_ONCE:
            _print_lines(lines)
    _print_lines(lines)
    return undecodable


def _print_lines(lines: list[bytes]) -> None:
    if lines:
        sys.stdout.buffer.write(b"\n".join(lines) + b"\n")
        sys.stdout.buffer.flush()
        lines.clear()
