"""The reference pages and the tables of the design document, as Markdown, from the facts alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from structure.types import Fact

WRITTEN = "<!-- Written by scripts/structure_doc.py from the declarations; do not edit. -->"
_ABOUT_METHODS = """\
Every method is one request class; `call` sends it and returns its result, typed. Parameters are checked against the
declaration before anything is sent. Names in the tables are Binance's; where Python's differs, it stands beside them.
The errors that a method's own replies lead to stand with it; those of the connection are among all
[errors](errors.md)."""
_ABOUT_STREAMS = """\
Symbols stand in lower case in a stream's name. A name that fits no stream is refused before anything is sent
(`RequestInvalid`). No stream asks for a key."""
_ABOUT_MODELS = """\
Messages are immutable and typed; each has `from_json` and `to_json`. The column Wire has Binance's name, or the place
in an array. Decimals are exact `Decimal` values; times are integers in the connection's unit, milliseconds unless asked
otherwise. An optional property is `None`, or its default, where Binance sends nothing."""


def pages(facts: Fact) -> dict[str, str]:
    """Each reference page by its file's name."""
    return {
        "methods.md": _methods_page(facts),
        "streams.md": _streams_page(facts),
        "models.md": _models_page(facts),
        "errors.md": _errors_page(facts),
    }


def regions(facts: Fact) -> dict[str, str]:
    """Each generated table of the design document by the name of its region."""
    return {
        "modules": _table(("Module", "What it does"), ((_code(name), text) for name, text in facts["modules"].items())),
        "methods": _table(
            ("Method", "Request", "Security", "Weight", "Result"),
            (
                (_code(name), _code(fact["request"]), fact["security"], weight_text(fact["weight"]), fact["result"])
                for name, fact in facts["methods"].items()
            ),
        ),
        "streams": _table(
            ("Stream", "Event", "Interval"),
            (
                (_code(fact["pattern"]), _code(fact["event"]), _interval(fact["interval_ms"]))
                for fact in facts["streams"].values()
            ),
        ),
        "connection states": _notes("State", facts["connection_states"]),
        "faults": _notes("Fault", facts["faults"]),
    }


# ------------------------------------------------------------------------------------------------------------- methods


def _methods_page(facts: Fact) -> str:
    parts = [
        "# Methods of the WebSocket API",
        WRITTEN,
        _ABOUT_METHODS,
        "## Security types",
        _table(
            ("Type", "Needs", "Methods"),
            ((_code(name), fact["needs"], str(len(fact["methods"]))) for name, fact in facts["dependencies"].items()),
        ),
    ]
    for group, methods in groupby(facts["methods"].items(), key=lambda item: item[1]["group"]):
        parts.append(f"## {group.replace('_', ' ').capitalize()}")
        for name, fact in methods:
            parts += _method_section(name, fact, facts["models"])
    return _page(parts)


def _method_section(name: str, fact: Fact, models: dict[str, Fact]) -> list[str]:
    properties = next((model["properties"] for key, model in models.items() if key in fact["result"].split()), ())
    rows = [
        ("Request", f"{_code(fact['request'])} in {_code(fact['file'])}"),
        ("Security", _code(fact["security"])),
        ("Weight", weight_text(fact["weight"]) + (", nothing on success" if fact["free_on_success"] else "")),
        *([("Unfilled orders", f"counts as {fact['orders']}")] if fact["orders"] else []),
        ("Result", _linked(fact["result"])),
        *([("Its properties", _codes(item["attribute"] for item in properties))] if properties else []),
        ("Errors", ", ".join(_error(name) for name in fact["errors"])),
        ("Source", f"Binance Spot API documentation, {fact['source']}"),
    ]
    return [
        f"### `{name}`",
        fact["summary"],
        _table(("", ""), rows),
        _parameters(fact["parameters"]),
        *([_list(_rule_text(rule) for rule in fact["rules"])] if fact["rules"] else []),
        f"```python\nresult = await connection.call({fact['example']['python']})\n```",
        f"```console\n$ {fact['example']['command']}\n```",
    ]


def _parameters(parameters: Sequence[Fact]) -> str:
    if not parameters:
        return "No parameters."
    return _table(
        ("Parameter", "Type", "Mandatory", "Default", "Allowed"),
        (
            (
                _named(fact["name"], fact["attribute"]),
                _linked(fact["type"]),
                "yes" if fact["mandatory"] else "no",
                _code(_plain(fact["default"])) if "default" in fact else "",
                _allowed(fact),
            )
            for fact in parameters
        ),
    )


def _allowed(fact: Fact) -> str:
    """The values or bounds of a parameter, in words."""
    if "values" in fact:
        return _codes(fact["values"])
    if "description" in fact:
        return _spelt(fact["description"])
    if "pattern" in fact:
        return _code(fact["pattern"])
    unit = "items" if "list" in fact["type"] else "characters"
    words = {
        "minimum": "at least {}",
        "more_than": "more than {}",
        "maximum": "at most {}",
        "less_than": "less than {}",
        "minimum_length": f"{unit}: at least {{}}",
        "maximum_length": f"{unit}: at most {{}}",
    }
    return ", ".join(text.format(fact[name]) for name, text in words.items() if name in fact)


def _rule_text(rule: Fact) -> str:
    """A rule between parameters: its own words, and whom it concerns."""
    if rule["kind"] == "not_with":
        return f"{_code(rule['field'])} cannot be sent with {_codes(rule['others'])}."
    about = [value for name, value in rule.items() if name not in {"kind", "summary"}]
    names = [item for value in about for item in (value if isinstance(value, list) else [value])]
    return f"{rule['summary'].removesuffix('.')}: {_codes(names)}."


def weight_text(weight: int | Fact) -> str:
    """A weight in words."""
    if isinstance(weight, int):
        return str(weight)
    match weight["kind"]:
        case "tiers":
            steps = ", ".join(f"{cost} up to {bound}" for bound, cost in weight["steps"])
            return f"by {_code(weight['by'])}: {steps}"
        case "per_symbol":
            return _weight_by_symbols(weight)
        case "when_given":
            return f"{weight['weight']} with {_code(weight['field'])}, {weight['otherwise']} without"
    return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in weight.items())


def _weight_by_symbols(weight: Fact) -> str:
    one = [f"{weight['one']} for one symbol"] if "one" in weight else []
    if "steps" in weight:
        counts = [f"{cost} up to {bound} symbols" for bound, cost in weight["steps"][:-1]]
        return ", ".join([*one, *counts, f"{weight['all']} for more or all"])
    if weight["each"] == weight["cap"]:
        return ", ".join([*one, f"{weight['cap']} for several or all"])
    return ", ".join([*one, f"{weight['each']} for each symbol up to {weight['cap']}, {weight['all']} for all"])


# ------------------------------------------------------------------------------------------------------------- streams


def _streams_page(facts: Fact) -> str:
    sections = [part for name, fact in facts["streams"].items() for part in _stream_section(name, fact)]
    retired = _list(f"{_code(name)} since {date}" for name, date in facts["retired_streams"].items())
    return _page(
        [
            "# Market streams",
            WRITTEN,
            _ABOUT_STREAMS,
            "## Connections",
            _table(
                ("Endpoint", "Streams", "Requests"),
                (
                    (name, _code(fact["combined_streams"]), _code(fact["requests"]))
                    for name, fact in facts["endpoints"].items()
                ),
            ),
            "## Streams",
            *sections,
            "## Retired",
            retired,
            "## Other events",
            "They come without being subscribed by name.",
            _table(
                ("Event type", "Event", "What it tells"),
                (
                    (_code(kind), _linked(fact["model"]), fact["summary"].replace("|", "&#124;"))
                    for kind, fact in facts["events"].items()
                ),
            ),
        ]
    )


def _stream_section(name: str, fact: Fact) -> list[str]:
    rows = [
        ("Stream", _code(fact["pattern"])),
        *((_code(f"<{key}>"), _codes(values)) for key, values in fact.get("placeholders", {}).items()),
        ("Event", ("a list of " if fact["list"] else "") + _linked(fact["event"])),
        ("Event type", _codes(fact["event_types"]) or "none"),
        ("Interval", _interval(fact["interval_ms"])),
        ("Source", f"Binance Spot API documentation, {fact['source']}"),
    ]
    return [
        f"### {name.replace('_', ' ').capitalize()}",
        _spelt(fact["summary"][:1].upper() + fact["summary"][1:]),
        *([fact["note"]] if "note" in fact else []),
        _table(("", ""), rows),
        f"```console\n$ cryptotrader stream {fact['example']}\n```",
    ]


def _interval(value: int | str) -> str:
    return value if isinstance(value, str) else f"{value} ms"


# ------------------------------------------------------------------------------------------------------ models, errors


def _models_page(facts: Fact) -> str:
    parts = [
        "# Models",
        WRITTEN,
        _ABOUT_MODELS,
    ]
    for module, models in groupby(facts["models"].items(), key=lambda item: item[1]["module"]):
        parts.append(f"## `{module.rpartition('.')[2]}`")
        for name, fact in models:
            parts += _model_section(name, fact)
    parts.append("## Enums")
    for name, fact in facts["enums"].items():
        unknown = " Values that Binance adds later keep their text." if fact["open"] else ""
        parts += [f"### `{name}`", fact["summary"] + unknown, _codes(fact["values"])]
    return _page(parts)


def _model_section(name: str, fact: Fact) -> list[str]:
    tag = [f"Told by {_code(f'{key}: {value}')}." for key, value in fact.get("tag", {}).items()]
    rows = (
        (
            _code(item["attribute"]),
            _code(str(item["wire"])),
            _linked(item["type"]) + (" or null" if "null" in item else ""),
            "yes" if item["optional"] else "no",
            " ".join([item["note"]] if "note" in item else []),
        )
        for item in fact["properties"]
    )
    derived = [f"{_code(item['attribute'])}: {item['summary']}" for item in fact.get("derived", ())]
    return [
        f"### `{name}`",
        " ".join([_spelt(fact["summary"]), *tag]),
        *([_table(("Property", "Wire", "Type", "Optional", ""), rows)] if fact["properties"] else []),
        *(["Read from these:", _list(derived)] if derived else []),
    ]


def _errors_page(facts: Fact) -> str:
    tree: list[str] = []
    sections: list[str] = []

    def walk(errors: dict[str, Fact], depth: int) -> None:
        for name, fact in errors.items():
            tree.append(f"{'  ' * depth}{name}")
            sections.extend([f"### `{name}`", _spelt(fact["summary"]), f"**What next.** {_spelt(fact['next'])}"])
            if "attributes" in fact:
                sections.append(_list(f"{_code(key)}: {_spelt(text)}" for key, text in fact["attributes"].items()))
            walk(fact.get("children", {}), depth + 1)

    walk(facts["errors"], 0)
    return _page(
        ["# Errors", WRITTEN, "## Tree", "```text\n" + "\n".join(tree) + "\n```", "## Each of them", *sections]
    )


# ------------------------------------------------------------------------------------------------------------ Markdown


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_spelt(cell) for cell in line) + " |" for line in lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {_spelt(item)}" for item in items)


def _notes(head: str, notes: dict[str, str]) -> str:
    rows = ((_code(name), text[:1].upper() + text[1:]) for name, text in notes.items())
    return _table((head, "What it means"), rows)


def _code(text: str) -> str:
    """Code within a line; as HTML where a bar would end the cell of a table."""
    if "|" not in text:
        return f"`{text}`"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;").replace("*", "&#42;")
    return f"<code>{escaped}</code>"


def _codes(values: Iterable[object]) -> str:
    return ", ".join(_code(_plain(value)) for value in values)


def _spelt(text: str) -> str:
    """Text of a docstring, whose code stands in double backticks."""
    return text.replace("``", "`")


def _named(wire: str, attribute: str) -> str:
    return _code(wire) if wire == attribute else f"{_code(wire)} ({_code(attribute)})"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_plain(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _error(name: str) -> str:
    return f"[{name}](errors.md#{name.lower()})"


def _linked(kind: str) -> str:
    """A type in words, each model and enum in it as a link to where it is described."""
    return re.sub(r"\b[A-Z]\w+", lambda found: f"[{found[0]}](models.md#{found[0].lower()})", kind)
