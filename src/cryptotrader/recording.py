"""Files of frames: exact bytes, receive time in nanoseconds, connection number.

A recording is a row of segments, each whole in itself, so that a crash costs at most the last one::

    magic "CTR1" · size compressed · size raw · frames · CRC-32 of the body · CRC-32 of this header · zstd body
    body: receive time (ns) · connection · 1 if sent, 0 if received · size · frame, for each frame

All integers are little-endian. The plain form, one ``time frame`` or ``frame`` a line, gzip or not, is read too.
"""

from __future__ import annotations

import fcntl
import gzip
import io
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, Self, cast
from zlib import crc32

import zstandard

from cryptotrader.errors import ConfigurationError, SinkFailed

SEGMENT_BYTES = 1024 * 1024
"""Raw size at which a segment is written."""

_MAGIC = b"CTR1"
_SIZES = struct.Struct("<4sIIII")
_CHECK = struct.Struct("<I")
_HEADER_BYTES = _SIZES.size + _CHECK.size
_RECORD = struct.Struct("<QIBI")
_GZIP = b"\x1f\x8b"
_LARGEST_RAW = 1024 * 1024 * 1024
_READ_BYTES = 1024 * 1024
_STAMPED = re.compile(rb"(\d{16,19})[ \t](.*)", re.DOTALL)


class RecordedFrame(NamedTuple):
    """One frame.

    Attributes:
        received_ns: Unix time in nanoseconds; 0 where the file tells none.
        connection: Number of the connection within the recording; each dial has its own.
        payload: The exact bytes.
        sent: Whether this side sent it: requests, which tell what a reply answers.
    """

    received_ns: int
    connection: int
    payload: bytes
    sent: bool = False


class RecordingWriter:
    """Appends frames to a file; what a crash left torn at its end is cut off first.

    Args:
        path: The file; made when it is not there.
        segment_bytes: Raw size at which a segment is written.

    Attributes:
        frames: Frames written or kept for the next segment.
        bytes_written: Bytes in the file.
        recovered: Torn bytes that were cut off when the file was opened.

    Raises:
        ConfigurationError: The file is no recording, or another process writes to it.
        SinkFailed: The file cannot be opened.
    """

    def __init__(self, path: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.path = path
        self.frames = 0
        self._segment_bytes = segment_bytes
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._compress = zstandard.ZstdCompressor(level=3).compress
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise SinkFailed(str(path), f"cannot be written ({error.strerror})") from error
        try:
            self._lock()
            self.recovered = self._cut_torn_end()
        except BaseException:
            self._file.close()
            raise
        self.bytes_written = self._file.tell()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(f"{self.path}: another process is recording here") from error

    def _cut_torn_end(self) -> int:
        size = self._file.tell()
        if size == 0:
            return 0
        with RecordingReader(self.path) as reader:
            if reader.is_plain:
                raise ConfigurationError(f"{self.path} is no recording; nothing was written")
            for _ in reader.segments():
                pass
            torn = reader.torn_bytes
        self._file.truncate(size - torn)
        self._file.seek(0, os.SEEK_END)
        return torn

    def add(self, received_ns: int, connection: int, payload: bytes, *, sent: bool = False) -> None:
        """Keep a frame for the next segment, which is written once it is large enough.

        Raises:
            SinkFailed: The segment cannot be written.
        """
        self._kept.append(_RECORD.pack(received_ns, connection, sent, len(payload)))
        self._kept.append(payload)
        self._kept_bytes += _RECORD.size + len(payload)
        self.frames += 1
        if self._kept_bytes >= self._segment_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is kept as one segment and hand it to the operating system.

        Raises:
            SinkFailed: It cannot be written; what stood before stays readable.
        """
        if not self._kept:
            return
        raw, count = b"".join(self._kept), len(self._kept) // 2
        self._kept, self._kept_bytes = [], 0
        body = self._compress(raw)
        sizes = _SIZES.pack(_MAGIC, len(body), len(raw), count, crc32(body))
        segment = memoryview(sizes + _CHECK.pack(crc32(sizes)) + body)
        try:
            while segment:
                segment = segment[self._file.write(segment) or 0 :]
        except OSError as error:
            raise SinkFailed(str(self.path), f"cannot be written ({error.strerror})") from error
        self.bytes_written = self._file.tell()

    def close(self) -> None:
        """Write the rest, wait until the disk has it, and close the file; may be called again.

        Raises:
            SinkFailed: The rest cannot be written.
        """
        if self._file.closed:
            return
        try:
            self.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()


class RecordingReader:
    """Reads frames; damage is stepped over and counted, never silently.

    Args:
        source: A file's path, or an open stream such as ``sys.stdin.buffer``.

    Attributes:
        is_plain: Whether the file is in the plain form, one frame a line.
        damaged_bytes: Bytes stepped over because they belong to no whole segment, the torn end excepted.
        torn_bytes: Bytes of an unfinished segment at the end; known once the file is read.

    Raises:
        ConfigurationError: The file cannot be opened.
    """

    def __init__(self, source: Path | io.BufferedReader) -> None:
        self._own = isinstance(source, Path)
        self._name = str(source) if self._own else "standard input"
        try:
            self._file = source.open("rb") if isinstance(source, Path) else source
            head = self._file.peek(len(_MAGIC))[: len(_MAGIC)]
        except OSError as error:
            raise ConfigurationError(f"{self._name} cannot be read ({error.strerror})") from error
        self.is_plain = not (head and _MAGIC.startswith(head))
        self._is_gzip = head.startswith(_GZIP)
        self.damaged_bytes = 0
        self.torn_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if this reader opened it."""
        if self._own:
            self._file.close()

    def __iter__(self) -> Iterator[RecordedFrame]:
        """All frames, in the order of the file.

        Raises:
            ConfigurationError: A gzip file is damaged.
        """
        if self.is_plain:
            yield from self._plain_frames()
            return
        for body in self.segments():
            yield from _records(body)

    def segments(self) -> Iterator[bytes]:
        """The bodies of the whole segments, one after another."""
        buffer = bytearray()
        unsure = 0  # bytes at the buffer's start that were found to begin no segment
        decompress = zstandard.ZstdDecompressor().decompress
        while True:
            if not self._fill(buffer, _HEADER_BYTES):
                break
            size, raw_size, check = _parse_header(buffer)
            body = None
            if size and self._fill(buffer, _HEADER_BYTES + size):
                body = bytes(buffer[_HEADER_BYTES : _HEADER_BYTES + size])
                body = decompress(body, max_output_size=raw_size) if crc32(body) == check else None
            if body is None:
                unsure += self._skip(buffer)
                continue
            self.damaged_bytes += unsure
            unsure = 0
            del buffer[: _HEADER_BYTES + size]
            yield body
        self.torn_bytes = unsure + len(buffer)

    def _fill(self, buffer: bytearray, size: int) -> bool:
        """Read on until the buffer has ``size`` bytes; ``False`` when the file ends before."""
        while len(buffer) < size:
            more = self._file.read(max(_READ_BYTES, size - len(buffer)))
            if not more:
                return False
            buffer += more
        return True

    @staticmethod
    def _skip(buffer: bytearray) -> int:
        """Drop bytes up to the next place where a segment may begin; returns how many."""
        place = buffer.find(_MAGIC, 1)
        count = place if place > 0 else max(1, len(buffer) - len(_MAGIC) + 1)
        del buffer[:count]
        return count

    def _plain_frames(self) -> Iterator[RecordedFrame]:
        lines = cast("IO[bytes]", gzip.GzipFile(fileobj=self._file) if self._is_gzip else self._file)
        try:
            for line in lines:
                text = line.strip(b"\r\n")
                if not text.strip():
                    continue
                stamped = _STAMPED.fullmatch(text)
                yield RecordedFrame(int(stamped[1]), 0, stamped[2]) if stamped else RecordedFrame(0, 0, text)
        except (OSError, EOFError) as error:
            raise ConfigurationError(f"{self._name} is damaged ({error})") from error


def _parse_header(buffer: bytearray) -> tuple[int, int, int]:
    """Compressed size, raw size and body check of the header at the buffer's start; sizes are 0 when it is none."""
    magic, size, raw_size, _, check = _SIZES.unpack_from(buffer)
    (own_check,) = _CHECK.unpack_from(buffer, _SIZES.size)
    if magic != _MAGIC or own_check != crc32(buffer[: _SIZES.size]) or raw_size > _LARGEST_RAW:
        return 0, 0, 0
    return size, raw_size, check


def _records(body: bytes) -> Iterator[RecordedFrame]:
    place = 0
    while place < len(body):
        received_ns, connection, sent, size = _RECORD.unpack_from(body, place)
        place += _RECORD.size
        yield RecordedFrame(received_ns, connection, body[place : place + size], bool(sent))
        place += size
