"""Connections in memory behave as sockets do: in order, later, and told of their end once."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.transport.memory import memory_pair
from cryptotrader.transport.serving import text_frames
from virtual_clock import run_virtual


class Recorder:
    def __init__(self):
        self.log = []

    def on_frame(self, payload, received_ns):
        self.log.append(("frame", payload, received_ns))

    def on_ping(self, payload):
        self.log.append(("ping", payload))

    def on_pong(self, payload):
        self.log.append(("pong", payload))

    def on_closed(self, reason):
        self.log.append(("closed", reason))


def joined(test):
    """Run ``test(client, server, told_client, told_server)`` on a virtual clock."""

    async def main():
        told_client, told_server = Recorder(), Recorder()
        client, server = memory_pair(told_client, told_server)
        await test(client, server, told_client.log, told_server.log)

    run_virtual(main)


def test_everything_arrives_later_and_in_order():
    async def test(client, server, told_client, told_server):
        await asyncio.sleep(1.5)
        server.send(b"1")
        server.ping(b"2")
        server.send_batch([b"3", b"4"])
        server.pong(b"5")
        server.send_binary(b"6")
        client.send(b"7")
        assert (told_client, told_server) == ([], [])
        await asyncio.sleep(0)
        at = 1_500_000_000
        assert told_client == [
            ("frame", b"1", at), ("ping", b"2"), ("frame", b"3", at), ("frame", b"4", at), ("pong", b"5"), ("frame", b"6", at),
        ]  # fmt: skip
        assert told_server == [("frame", b"7", at)]
        assert server.buffered == 0

    joined(test)


def test_a_batch_may_be_reused_by_its_sender():
    async def test(client, server, told_client, told_server):
        batch = [b"1"]
        server.send_batch(batch)
        batch.clear()
        await asyncio.sleep(0)
        assert [entry[1] for entry in told_client] == [b"1"]

    joined(test)


@pytest.mark.parametrize(
    ("end", "reason"), [("abort", "dropped by the server"), ("tear", "dropped in the middle of a frame")]
)
def test_the_end_comes_after_what_was_sent_and_once(end, reason):
    async def test(client, server, told_client, told_server):
        server.send(b"last")
        client.send(b"never read")
        getattr(server, end)()
        getattr(server, end)()
        server.send(b"too late")
        server.close()
        await asyncio.sleep(0.1)
        client.send(b"too late")
        client.abort()
        await asyncio.sleep(0.1)
        assert [entry[:2] for entry in told_client] == [("frame", b"last"), ("closed", reason)]
        assert told_server == [("closed", reason)]

    joined(test)


def test_closing_is_agreed_upon():
    async def test(client, server, told_client, told_server):
        client.close(1000, "done")
        client.send(b"too late")
        server.send(b"still read")
        await asyncio.sleep(0.1)
        assert [entry[:2] for entry in told_client] == [
            ("frame", b"still read"),
            ("closed", "closed by the client: 1000 done"),
        ]
        assert told_server == [("closed", "closed by the client: 1000 done")]

    joined(test)


def test_a_frozen_end_learns_nothing():
    async def test(client, server, told_client, told_server):
        server.freeze()
        client.send(b"1")
        client.ping()
        client.close()
        await asyncio.sleep(0.1)
        assert (told_client, told_server) == ([], [])
        client.abort()
        await asyncio.sleep(0.1)
        assert told_client == [("closed", "dropped by the client")]
        assert told_server == []
        server.abort()
        await asyncio.sleep(0.1)
        assert told_server == [("closed", "dropped by the server")]
        assert len(told_client) == 1

    joined(test)


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (2_047, b"\x81\x7e\x07\xff"),
        (2_048, b"\x81\x7e\x08\x00"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_frames_have_the_headers_of_the_standard(size, header):
    payload = b"x" * size
    assert text_frames([payload, b"a"]) == header + payload + b"\x81\x01a"
