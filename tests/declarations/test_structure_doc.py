"""The documents say what the code says: they are written from it, and any difference is an error."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import yaml

import cryptotrader.requests
import structure_doc
from cryptotrader.cli.call import parse_request
from cryptotrader.protocol.channel import CHANNELS, find_channel
from cryptotrader.protocol.request import REGISTRY
from structure.facts import gather
from structure.models import error_tree, model_modules
from structure.pages import weight_text
from structure.types import describe_type, summary
from waiting import PATIENCE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SCRIPT = ROOT / "scripts" / "structure_doc.py"


@pytest.fixture(scope="module")
def facts():
    return gather()


@pytest.fixture(scope="module")
def documents(facts):
    """The documents as they should be."""
    return structure_doc.compose(facts, (DOCS / "wsDesignDoc.md").read_text())


@pytest.fixture
def docs(tmp_path):
    """A copy of the generated documents that a test may alter."""
    shutil.copytree(DOCS, tmp_path / "docs")
    return tmp_path / "docs"


def check(docs, capsys, monkeypatch):
    """Exit code and output of ``--check`` for the documents in a folder."""
    monkeypatch.setattr(sys, "argv", ["structure_doc.py", "--check", "--docs", str(docs)])
    with pytest.raises(SystemExit, match=r"^[01]$") as ended:
        structure_doc.main()
    return ended.value.code, capsys.readouterr().out


def test_the_documents_are_those_of_the_code(capsys, monkeypatch):
    assert check(DOCS, capsys, monkeypatch) == (0, "")


@pytest.mark.parametrize(
    ("file", "altered", "to"),
    [
        ("wsStructureDoc.yaml", "weight: 25\n", "weight: 24\n"),
        ("wsStructureDoc.yaml", "maximum: 5000", "maximum: 5001"),
        ("wsStructureDoc.yaml", "attribute: from_id", "attribute: first_id"),
        ("wsStructureDoc.yaml", "wire: lastUpdateId", "wire: updateId"),
        ("reference/methods.md", "| Weight | 20 |", "| Weight | 10 |"),
        ("reference/streams.md", "| Interval | 2000 ms |", "| Interval | 1000 ms |"),
        ("reference/models.md", "| `quote_quantity` |", "| `quantity_of_quote` |"),
        ("reference/errors.md", "ConnectFailed", "ConnectionFailed"),
        ("wsDesignDoc.md", "| `ping` | `PingRequest` | NONE | 1 |", "| `ping` | `PingRequest` | NONE | 2 |"),
    ],
)
def test_an_altered_document_is_noticed(docs, documents, capsys, file, altered, to):
    assert altered in documents[file]
    (docs / file).write_text(documents[file].replace(altered, to, 1))

    assert structure_doc.compare(docs, documents)

    shown = capsys.readouterr().out
    assert f"--- {file}" in shown
    assert [line for line in shown.splitlines() if line.startswith("-") and to.strip() in line]
    assert [line for line in shown.splitlines() if line.startswith("+") and altered.strip() in line]


def test_a_missing_document_is_noticed_and_written(docs, capsys, monkeypatch):
    (docs / "reference" / "errors.md").unlink()
    assert check(docs, capsys, monkeypatch)[0] == 1

    monkeypatch.setattr(sys, "argv", ["structure_doc.py", "--docs", str(docs)])
    structure_doc.main()

    assert check(docs, capsys, monkeypatch)[0] == 0


@pytest.mark.parametrize(
    ("file", "altered", "to", "shown"),
    [
        ("requests/market_data/trades_recent.py", "weight=25", "weight=24", "+    weight: 24"),
        ("requests/market_data/depth.py", "symbol_status:", "status:", "+      name: status"),
        ("models/market_models.py", 'trade_id: int = field(name="t")', 'trade_id: str = field(name="t")', "wire: t, type: string"),
    ],
)  # fmt: skip
def test_an_altered_declaration_is_noticed(tmp_path, file, altered, to, shown):
    package = shutil.copytree(
        ROOT / "src" / "cryptotrader", tmp_path / "cryptotrader", ignore=shutil.ignore_patterns("__pycache__")
    )
    text = (package / file).read_text()
    assert altered in text
    (package / file).write_text(text.replace(altered, to))

    ended = subprocess.run(
        [sys.executable, SCRIPT, "--check"],
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert ended.returncode == 1, ended.stderr
    assert [line for line in ended.stdout.splitlines() if line.startswith("+") and shown.lstrip("+ ") in line]


def test_the_structure_document_is_the_facts_and_nothing_else(facts, documents):
    assert yaml.safe_load(documents["wsStructureDoc.yaml"]) == facts


def test_everything_that_is_declared_stands_in_it(facts):
    modules = {module.__name__.rpartition(".")[2] for module in model_modules()}
    assert facts["methods"].keys() == REGISTRY.keys()
    assert list(facts["streams"]) == [channel.name for channel in CHANNELS]
    assert {channel.event.__name__ for channel in CHANNELS} <= facts["models"].keys()
    assert {"market_models", "control_models"} <= modules
    assert "serverShutdown" in facts["events"]
    assert all(fact["source"] for kind in ("methods", "streams") for fact in facts[kind].values())
    assert sum(len(fact["methods"]) for fact in facts["dependencies"].values()) == len(REGISTRY)


def test_a_method_is_described_in_full(facts):
    depth = facts["methods"]["depth"]
    assert depth["weight"] == {
        "kind": "tiers",
        "by": "limit",
        "default": 100,
        "steps": [[100, 5], [500, 25], [1000, 50], [5000, 250]],
    }
    assert depth["parameters"] == [
        {"name": "symbol", "attribute": "symbol", "type": "string", "mandatory": True},
        {
            "name": "limit",
            "attribute": "limit",
            "type": "integer",
            "minimum": 1,
            "maximum": 5000,
            "default": 100,
            "mandatory": False,
        },
        {
            "name": "symbolStatus",
            "attribute": "symbol_status",
            "type": "SymbolStatusFilter",
            "values": ["TRADING", "HALT", "BREAK"],
            "mandatory": False,
        },
    ]
    assert (depth["result"], depth["source"]) == ("OrderBookSnapshot", "Market data requests > Order book")
    assert depth["errors"] == ["RequestInvalid", "RequestRejected", "RateLimited", "Banned", "OutcomeUnknown"]


def test_every_limit_has_its_documented_default(facts):
    limits = {
        name: parameter["default"]
        for name, fact in facts["methods"].items()
        for parameter in fact["parameters"]
        if parameter["name"] == "limit"
    }
    assert limits.pop("depth") == 100
    assert set(limits.values()) == {500}


@pytest.mark.parametrize("name", REGISTRY)
def test_the_example_of_a_method_is_a_valid_request(facts, name):
    shown = facts["methods"][name]["example"]
    names = {key: value for module in model_modules() for key, value in vars(module).items()}
    request = eval(shown["python"], {**names, **vars(cryptotrader.requests), "Decimal": Decimal})

    assert isinstance(request, REGISTRY[name])
    assert request.weight == shown["weight"]
    _, _, method, *parameters = shown["command"].split()
    assert parse_request(method, parameters).params() == request.params()


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_the_example_of_a_stream_is_one_of_its_names(facts, channel):
    assert find_channel(facts["streams"][channel.name]["example"])[0] is channel


@pytest.mark.parametrize("page", ["methods.md", "streams.md", "models.md", "errors.md"])
def test_each_link_leads_to_a_heading(page):
    headings = {
        file.name: {line.lstrip("# `").rstrip("`").lower() for line in file.read_text().splitlines() if line[:1] == "#"}
        for file in (DOCS / "reference").glob("*.md")
    }
    links = re.findall(r"\]\((\w+\.md)(?:#([\w-]+))?\)", (DOCS / "reference" / page).read_text())

    assert links or page == "errors.md"
    assert [(file, anchor) for file, anchor in links if anchor and anchor not in headings[file]] == []


def test_each_page_has_a_section_for_each_of_its_subjects(facts):
    def headings(page):
        return re.findall(r"^### `(.+)`$", (DOCS / "reference" / page).read_text(), re.MULTILINE)

    assert headings("methods.md") == list(facts["methods"])
    assert headings("models.md") == [*facts["models"], *facts["enums"]]
    assert len(headings("errors.md")) == len(set(headings("errors.md"))) >= 20


def test_every_error_says_what_to_do_next(facts):
    def walk(errors):
        for name, fact in errors.items():
            yield name, fact["next"]
            yield from walk(fact.get("children", {}))

    told = dict(walk(facts["errors"]))
    assert all(told.values())
    assert told["SinkLocked"] != told["SinkFailed"]
    assert told["ConnectionLost"] == told["TransportError"]


def test_an_error_that_says_nothing_is_refused():
    class Mute(BaseException):
        """Nothing."""

    with pytest.raises(ValueError, match="Mute does not say what to do next"):
        error_tree(Mute)


@pytest.mark.parametrize(
    ("text", "tables"),
    [("<!-- generated: a -->\n<!-- end -->", {}), ("", {"a": "table"}), ("<!-- generated: b -->\n<!-- end -->", {"a": ""})],
)  # fmt: skip
def test_tables_and_regions_belong_together(text, tables):
    with pytest.raises(ValueError, match="has the regions"):
        structure_doc.fill(text, tables)


def test_a_region_is_filled_anew_and_the_rest_stays():
    text = "before\n<!-- generated: a b -->\nold\n<!-- end -->\nafter"
    filled = structure_doc.fill(text, {"a b": "new"})
    assert filled == "before\n<!-- generated: a b -->\n\nnew\n\n<!-- end -->\nafter"
    assert structure_doc.fill(filled, {"a b": "new"}) == filled


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (4, "4"),
        ({"kind": "when_given", "field": "orderId", "weight": 5, "otherwise": 20}, "5 with `orderId`, 20 without"),
        ({"kind": "per_symbol", "all": 4, "one": 2, "each": 4, "cap": 4}, "2 for one symbol, 4 for several or all"),
        ({"kind": "of_a_later_date", "most": 7}, "kind of_a_later_date, most 7"),
    ],
)
def test_weights_in_words(weight, text):
    assert weight_text(weight) == text


def test_a_type_without_words_is_refused():
    with pytest.raises(TypeError, match="no words for"):
        describe_type(msgspec.inspect.type_info(bytes))
    with pytest.raises(ValueError, match="has no docstring"):
        summary(type("Mute", (), {}))


def test_types_in_words():
    assert describe_type(msgspec.inspect.type_info(dict[str, list[int]] | None)) == {
        "type": "object of list of integer"
    }
    assert describe_type(msgspec.inspect.type_info(tuple[str, Decimal])) == {"type": "[string, decimal]"}
