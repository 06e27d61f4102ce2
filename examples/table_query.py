"""Query captured trades with SQL, a batch of columns at a time.

python examples/table_query.py --table iceberg://trades
"""

from __future__ import annotations

import argparse

from cryptotrader.ingestion.iceberg import StoredTrades, folder_of

BY_SIDE = """
    SELECT symbol, side, count(*) AS trades, sum(price * quantity) / sum(quantity) AS average_price
    FROM trades GROUP BY symbol, side ORDER BY symbol, side
"""


def print_sides(table: str) -> None:
    """Print what takers bought and sold; ``side`` is the taker's."""
    with StoredTrades(folder_of(table)) as stored:
        for symbol, side, trades, average_price in stored.query(BY_SIDE).rows():
            print(f"{symbol} {side}: {trades} trades, {average_price:.2f} on average")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Query captured trades with SQL.")
    parser.add_argument("--table", default="iceberg://trades", help="where from: iceberg://DIR")
    print_sides(parser.parse_args().table)


if __name__ == "__main__":
    main()
