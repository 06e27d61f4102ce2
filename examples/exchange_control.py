"""Send one command to the control socket of a local exchange, and print its answer.

cryptotrader simulator --control-port 9444
python examples/exchange_control.py --port 9444 '{"command": "fault", "fault": "drop", "connection": "stream"}'
"""

from __future__ import annotations

import argparse
import socket


def send(port: int, command: str) -> str:
    """The answer to a command: one JSON object a line in, one out."""
    with socket.create_connection(("127.0.0.1", port), timeout=5.0) as connection, connection.makefile("rw") as lines:
        lines.write(f"{command}\n")
        lines.flush()
        return lines.readline().rstrip()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Send one command to the control socket of a local exchange.")
    parser.add_argument("--port", type=int, default=9444, help="its control port")
    parser.add_argument("command", nargs="?", default='{"command": "status"}', help="a JSON object")
    arguments = parser.parse_args()
    print(send(arguments.port, arguments.command))


if __name__ == "__main__":
    main()
