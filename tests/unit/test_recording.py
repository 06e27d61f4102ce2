"""Recordings: what is written comes back, and damage costs no more than the segments it touches."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptotrader.errors import ConfigurationError, SinkFailed
from cryptotrader.recording import RecordedFrame, RecordingReader, RecordingWriter

FRAMES = st.lists(
    st.builds(
        RecordedFrame,
        received_ns=st.integers(0, 2**63),
        connection=st.integers(0, 2**32 - 1),
        payload=st.binary(max_size=200),
        sent=st.booleans(),
    ),
    max_size=40,
)


def write(path, frames, segment_bytes=300):
    writer = RecordingWriter(path, segment_bytes=segment_bytes)
    for frame in frames:
        writer.add(frame.received_ns, frame.connection, frame.payload, sent=frame.sent)
    writer.close()
    return writer


def read(data):
    reader = RecordingReader(io.BufferedReader(io.BytesIO(data)))
    return list(reader), reader


def numbered(count):
    return [RecordedFrame(number, 1, b"frame %d " % number + b"x" * 60) for number in range(count)]


@given(frames=FRAMES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_comes_back(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp("recording") / "a.rec"
    writer = write(path, frames)
    with RecordingReader(path) as reader:
        assert list(reader) == frames
        assert (reader.damaged_bytes, reader.torn_bytes) == (0, 0)
    assert writer.frames == len(frames)
    assert writer.bytes_written == path.stat().st_size


@given(cut=st.integers(1, 10_000))
@settings(max_examples=80, deadline=None)
def test_a_torn_tail_costs_only_the_last_segment_and_recording_goes_on(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("recording") / "a.rec"
    frames = numbered(50)
    write(path, frames)
    whole = path.read_bytes()
    kept = whole[: max(0, len(whole) - cut % len(whole))]
    path.write_bytes(kept)
    found, reader = read(kept)
    assert found == frames[: len(found)]
    boundaries = segment_ends(whole)
    assert reader.torn_bytes == len(kept) - max((end for end in boundaries if end <= len(kept)), default=0)
    writer = write(path, frames[len(found) :])
    assert writer.recovered == reader.torn_bytes
    again, healed = read(path.read_bytes())
    assert again == frames
    assert (healed.damaged_bytes, healed.torn_bytes) == (0, 0)


def segment_ends(whole):
    """Where segments end, found by writing the same frames one segment at a time."""
    ends, place = [], 0
    while place < len(whole):
        size = int.from_bytes(whole[place + 4 : place + 8], "little")
        place += 24 + size
        ends.append(place)
    return ends


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
@settings(max_examples=120, deadline=None)
def test_a_flipped_byte_costs_its_segment_and_is_told(tmp_path_factory, place, flip):
    path = tmp_path_factory.mktemp("recording") / "a.rec"
    frames = numbered(50)
    write(path, frames)
    data = bytearray(path.read_bytes())
    ends = segment_ends(bytes(data))
    place %= len(data)
    data[place] ^= flip
    found, reader = read(bytes(data))
    if place < 4 and reader.is_plain:  # the very first bytes say what kind of file it is
        return
    hit = next(number for number, end in enumerate(ends) if place < end)
    size = ends[hit] - (ends[hit - 1] if hit else 0)
    missing = [frame for frame in frames if frame not in found]
    assert missing
    assert missing == frames[missing[0].received_ns : missing[-1].received_ns + 1]
    assert reader.damaged_bytes + reader.torn_bytes == size
    assert (reader.torn_bytes > 0) == (hit == len(ends) - 1)


def test_damage_in_the_middle_is_kept_when_recording_goes_on(tmp_path):
    path = tmp_path / "a.rec"
    write(path, numbered(50))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    writer = write(path, numbered(3))
    assert writer.recovered == 0
    found, reader = read(path.read_bytes())
    assert found[-3:] == numbered(3)
    assert reader.damaged_bytes > 0


def test_the_plain_form_is_read_with_and_without_stamp_and_gzip(tmp_path):
    text = b'1723161253937085768 {"e":"trade"}\r\n\n{"u":1}\n'
    expected = [RecordedFrame(1723161253937085768, 0, b'{"e":"trade"}'), RecordedFrame(0, 0, b'{"u":1}')]
    plain, packed = tmp_path / "a.txt", tmp_path / "a.gz"
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    for path in (plain, packed):
        with RecordingReader(path) as reader:
            assert reader.is_plain
            assert list(reader) == expected


def test_a_damaged_gzip_file_is_an_error(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b'{"u":1}\n' * 1000)[:-20])
    with RecordingReader(path) as reader, pytest.raises(ConfigurationError, match="damaged"):
        list(reader)


def test_a_file_that_is_no_recording_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a recording")
    with pytest.raises(ConfigurationError, match="no recording"):
        RecordingWriter(path)
    assert path.read_text() == "not a recording"


def test_two_writers_of_one_file_are_refused(tmp_path):
    first = RecordingWriter(tmp_path / "a.rec")
    with pytest.raises(ConfigurationError, match="another process"):
        RecordingWriter(tmp_path / "a.rec")
    first.close()
    first.close()
    RecordingWriter(tmp_path / "a.rec").close()


def test_a_full_disk_is_told_and_what_stood_before_stays(tmp_path):
    path = tmp_path / "a.rec"
    write(path, numbered(10))
    whole = path.read_bytes()
    writer = RecordingWriter(path)
    writer._file.close()
    writer._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115 - closed by the writer
    writer.add(1, 1, b"lost")
    with pytest.raises(SinkFailed, match="No space left"):
        writer.close()
    assert path.read_bytes() == whole


def test_a_file_that_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(SinkFailed, match="No such file"):
        RecordingWriter(tmp_path / "missing" / "a.rec")
    with pytest.raises(ConfigurationError, match="No such file"):
        RecordingReader(tmp_path / "missing.rec")
