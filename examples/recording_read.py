"""Read a recording: its frames are decoded into the same typed events as those of a live stream.

python examples/recording_read.py --file btcusdt.rec
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from cryptotrader.models.market_models import TradeEvent
from cryptotrader.protocol.frame_kinds import FrameDecoder
from cryptotrader.recording import RecordingReader


def summarise(file: Path) -> None:
    """Print how many messages of each kind there are, and the longest way of a trade from its time to its receipt."""
    kinds: Counter[str] = Counter()
    slowest_ms = 0.0
    decoder = FrameDecoder()
    with RecordingReader(file) as reader:
        for frame in reader:
            if frame.sent:  # requests are recorded too: they tell what a reply answers
                decoder.note_sent(frame.payload, frame.connection)
                continue
            decoded = decoder.decode(frame.payload, frame.connection)
            kinds[decoded.kind] += 1
            for message in decoded.messages:
                if isinstance(message, TradeEvent):
                    slowest_ms = max(slowest_ms, frame.received_ns / 1e6 - message.trade_time)
        lost = reader.damaged_bytes + reader.torn_bytes
    for kind, count in sorted(kinds.items()):
        print(f"{kind}: {count}")
    print(f"slowest trade: {slowest_ms:.0f} ms by both clocks; {lost} damaged bytes")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Read a recording.")
    parser.add_argument("--file", type=Path, default=Path("btcusdt.rec"), help="the recording")
    summarise(parser.parse_args().file)


if __name__ == "__main__":
    main()
