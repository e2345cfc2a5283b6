"""Terraform, OpenTofu and Terragrunt: resources, modules, providers and the state's backend.

Only what stands in the file is known: `var.x` and `local.x` become their value where the same file gives it as a
scalar, and stay as written elsewhere.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from rung.expressions import regex
from rung.readers.attributes import MAX_TEXT, attributes_of, bounded, images_of, shortened
from rung.readers.documents import Map, Unreadable, Value, check_source, parse_json, text_of
from rung.readers.reading import RESOURCES, Claims, Reading, suffixed
from rung.records import SWITCHES, Fact, Problem, Resource, Setting

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_BYTES = 512 * 1024
MAX_DEPTH = 60
"""Depth to which attributes are followed."""
MAX_NODES = 50_000
"""Nodes of one block among which references are sought."""
MAX_SALVAGED = 200
"""Blocks of a broken file that are parsed one by one."""
MAX_KNOWN = 200
"""Characters of a variable's or local's value that is put in its place."""

_WORTH_PARSING = regex(rb"\b(?:resource|module|provider|terraform|remote_state|inputs)\b")
_BLOCK_START = regex(rb"^(?:resource|module|variable|locals|terraform|provider|data|output|remote_state|dependency)\b", re.MULTILINE)
_LONG_HEREDOC = regex(rb"<<-?\s*\w{100}")
_TERRAGRUNT = regex(r"(?:^|/)(?:terragrunt[\w.-]*|root)\.hcl$")
MAX_VALUES = 256 * 1024
"""Bytes of a file of values that are looked at."""
_VARIABLE = regex(
    rb'^variable[ \t]{1,8}"(\w{1,80})"[ \t]{0,8}\{(?:\n(?!\})[^\n]{0,500}){0,40}?\n[ \t]{0,20}default[ \t]{0,40}=[ \t]{0,8}(true|false)\b',
    re.MULTILINE,
)
_SWITCH = regex(r"\s{0,40}(\w{1,80})\s{0,40}=\s{0,40}(true|false)\b")
_OWN_ROOTS = frozenset(("var", "local", "each", "count", "path", "self", "terraform", "data", "null", "true", "false"))
_LEAVES = frozenset(("string_lit", "literal_value", "get_attr", "variable_expr", "comment"))
"""Nodes under which no reference can stand."""
_WRAPPERS = frozenset(("jsonencode", "yamlencode", "toset", "tolist", "tomap", "merge", "concat", "compact", "flatten"))
"""Functions whose arguments are the value."""
_SIMPLE = regex(r"(?:var|local)\.[\w-]+")
_INTERPOLATED = regex(r"\$\{\s*((?:var|local)\.[\w-]+)\s*\}")
_ADDRESS = regex(r"\$\{[^{}]*?\b((?:module|[a-z][a-z0-9]*(?:_[a-z0-9]+)+)\.[A-Za-z][\w-]*)")
_ESCAPES = {"\\n": "\n", "\\t": "\t", '\\"': '"', "\\\\": "\\"}


def read_hcl(path: str, data: bytes) -> Iterator[Fact]:
    """Facts of a `.tf`, `.tofu` or Terragrunt file."""
    yield from _switches(data)
    if not _WORTH_PARSING.search(data):
        return
    try:
        check_source(data, MAX_BYTES)
    except Unreadable as error:
        yield Problem(line=error.line, what=error.what)
        return
    if _LONG_HEREDOC.search(data):
        yield Problem(line=0, what="a heredoc's marker is too long, not parsed")
        return
    root = _parser().parse(data).root_node
    if root.has_error:
        yield Problem(line=_error_line(root), what="not all of it is valid HCL; what could be read is used")
    blocks = _top_blocks(root) if not root.has_error else _salvaged_blocks(root, data)
    known = _known_values(blocks)
    for block in blocks:
        yield from _facts_of(block, known)
    if _TERRAGRUNT.search(path):
        yield from _terragrunt(path, root, blocks, known)


def _switches(data: bytes) -> Iterator[Fact]:
    """The variables that are true or false unless somebody sets them."""
    for found in _VARIABLE.finditer(data[:MAX_VALUES]) if b"variable" in data else ():
        line, name, value = data.count(b"\n", 0, found.start()) + 1, found[1].decode(), found[2].decode()
        yield Resource(line=line, dialect=SWITCHES, type="default", name=name, attributes=(("value", value),))


def read_values(_path: str, data: bytes) -> Iterator[Fact]:
    """The switches that a `.tfvars` file sets."""
    for number, line in enumerate(text_of(data[:MAX_VALUES]).splitlines(), 1):
        if switch := _SWITCH.match(line):
            yield Resource(line=number, dialect=SWITCHES, type="value", name=switch[1], attributes=(("value", switch[2]),))


def read_json(_path: str, data: bytes) -> Iterator[Fact]:
    """Facts of a `.tf.json` or `.tofu.json` file."""
    try:
        document = parse_json(data)
    except Unreadable as error:
        yield Problem(line=error.line, what=error.what)
        return
    if not isinstance(document, Map):
        return
    for kind, by_name, line in _entries(document.get("resource")):
        for name, body, at in _entries(by_name):
            yield from _json_resource(kind, name, body, at or line)
    for name, body, line in _entries(document.get("module")):
        yield from _json_resource("module", name, body, line)
    for name, _, line in _entries(document.get("provider")):
        yield Setting(line=line, key="terraform.provider", value=name)
    for settings in _maps(document.get("terraform")):
        for backend, _, line in _entries(settings.get("backend")):
            yield Setting(line=line, key="terraform.backend", value=backend)


def _top_blocks(root: Node) -> list[_Block]:
    return [_Block(node) for body in root.children if body.type == "body" for node in body.children if node.type == "block"]


def _salvaged_blocks(root: Node, data: bytes) -> list[_Block]:
    """The blocks of a broken file, each parsed for itself; its lines stay in their place."""
    starts = [match.start() for match in _BLOCK_START.finditer(data)]
    if not 0 < len(starts) <= MAX_SALVAGED:
        return _top_blocks(root)
    blocks = []
    for start, end in pairwise([*starts, len(data)]):
        part = b"\n" * data.count(b"\n", 0, start) + data[start:end]
        blocks.extend(_top_blocks(_parser().parse(part).root_node))
    return blocks


class _Block:
    """A block of HCL: its type, labels and body."""

    __slots__ = ("body", "labels", "line", "type")

    def __init__(self, node: Node) -> None:
        self.line: int = node.start_point[0] + 1
        self.body: Node | None = None
        words: list[str] = []
        for child in node.children:
            if child.type == "body":
                self.body = child
            elif child.type in ("identifier", "string_lit"):
                words.append(_text(child).strip('"'))
        self.type = words[0] if words else ""
        self.labels = tuple(words[1:])


@functools.cache
def _parser() -> Parser:
    import tree_sitter_hcl
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_hcl.language()))


def _facts_of(block: _Block, known: dict[str, str]) -> Iterator[Fact]:
    match block.type, block.labels:
        case "resource", (kind, name, *_):
            yield from _resource(block, kind, name, known)
        case "module", (name, *_):
            yield from _resource(block, "module", name, known)
        case "provider", (name, *_):
            yield Setting(line=block.line, key="terraform.provider", value=name)
        case "terraform", ():
            for inner in _blocks(block.body):
                if inner.type in ("backend", "cloud"):
                    yield Setting(line=inner.line, key="terraform.backend", value=inner.labels[0] if inner.labels else inner.type)


def _resource(block: _Block, kind: str, name: str, known: dict[str, str]) -> Iterator[Fact]:
    attributes = bounded(_body_pairs(block.body, "", known, 0))
    yield Resource(
        line=block.line,
        dialect="terraform",
        type=kind,
        name=name,
        attributes=attributes,
        references=_references(block.body, f"{kind}.{name}"),
        conditional=_conditional(block.body),
    )
    yield from images_of(((key, value, block.line) for key, value in attributes), expressions=True)


def _terragrunt(path: str, root: Node, blocks: list[_Block], known: dict[str, str]) -> Iterator[Fact]:
    """A unit of Terragrunt is a module: its source in the `terraform` block, its variables under `inputs`."""
    for block in blocks:
        pairs = dict(_body_pairs(block.body, "", known, 0))
        if block.type == "remote_state" and "backend" in pairs:
            yield Setting(line=block.line, key="terraform.backend", value=pairs["backend"])
        elif block.type == "terraform" and "source" in pairs:
            bodies = [node for node in root.children if node.type == "body"]
            inputs = [pair for body in bodies for pair in _body_pairs(body, "", known, 0, only="inputs")]
            yield Resource(
                line=block.line,
                dialect="terraform",
                type="module",
                name="/".join(path.split("/")[:-1])[-200:] or "root",
                attributes=bounded([("source", pairs["source"]), *inputs]),
                references=tuple(_dependency_path(other, known) for other in blocks if other.type == "dependency"),
            )


def _dependency_path(block: _Block, known: dict[str, str]) -> str:
    return dict(_body_pairs(block.body, "", known, 0)).get("config_path", "")


def _known_values(blocks: list[_Block]) -> dict[str, str]:
    """`var.x` and `local.x` with the scalar that this file gives them."""
    known: dict[str, str] = {}
    for block in blocks:
        if block.type == "variable" and block.labels:
            for name, expression in _attributes(block.body):
                if name == "default" and (value := _scalar(expression)) is not None:
                    known[f"var.{block.labels[0]}"] = value
        elif block.type == "locals":
            for name, expression in _attributes(block.body):
                if (value := _scalar(expression)) is not None:
                    known[f"local.{name}"] = value
    return known


def _body_pairs(body: Node | None, prefix: str, known: dict[str, str], depth: int, only: str = "") -> Iterator[tuple[str, str]]:
    if body is None or depth > MAX_DEPTH:
        return
    for name, expression in _attributes(body):
        if not only or name == only:
            yield from _pairs(expression, prefix + name, known, depth + 1)
    if only:
        return
    for block in _blocks(body):
        inner = block.body
        path = prefix + block.type
        if block.type == "dynamic" and block.labels:
            path = prefix + block.labels[0]
            inner = next((content.body for content in _blocks(block.body) if content.type == "content"), None)
        elif block.labels:
            path += "." + ".".join(block.labels)
        empty = True
        for pair in _body_pairs(inner, path + ".", known, depth + 1):
            empty = False
            yield pair
        if empty:
            yield path, ""


def _pairs(expression: Node, path: str, known: dict[str, str], depth: int) -> Iterator[tuple[str, str]]:
    """An expression as flattened pairs: objects by key, tuples under one key, everything else as text."""
    node = _inner(expression)
    if depth > MAX_DEPTH or node.type not in ("object", "tuple", "function_call"):
        text = _value(node, known)
        if text is not None:
            yield path, text
        return
    if node.type == "function_call":
        if _text(node.children[0]) not in _WRAPPERS:
            yield path, _value(node, known) or ""
            return
        children = [child for part in node.children if part.type == "function_arguments" for child in part.children]
    else:
        children = node.children
    empty = True
    for child in children:
        if child.type == "expression":
            pairs = _pairs(child, path, known, depth + 1)
        elif child.type == "object_elem":
            pairs = _element(child, path, known, depth + 1)
        else:
            continue
        for pair in pairs:
            empty = False
            yield pair
    if empty:
        yield path, ""


def _element(element: Node, path: str, known: dict[str, str], depth: int) -> Iterator[tuple[str, str]]:
    key, *values = [child for child in element.children if child.type == "expression"]
    if values:
        yield from _pairs(values[0], f"{path}.{_value(_inner(key), known) or ''}", known, depth)


def _inner(expression: Node) -> Node:
    """The node that an expression is, without the wrappings of the grammar."""
    node = expression
    while node.type in ("expression", "collection_value", "literal_value", "template_expr"):
        named = [child for child in node.children if child.is_named and child.type != "comment"]
        if len(named) != 1:
            break
        node = named[0]
    return node


def _scalar(expression: Node) -> str | None:
    node = _inner(expression)
    if node.type not in ("string_lit", "numeric_lit", "bool_lit") or node.end_byte - node.start_byte > MAX_KNOWN:
        return None
    return _value(node, {})


def _value(node: Node, known: dict[str, str]) -> str | None:
    """An expression as text, None for `null`: an argument that is null is not set."""
    if node.type == "null_lit":
        return None
    text = _text(node)[: MAX_TEXT * 2]
    if node.type == "heredoc_template":
        _, _, body = text.partition("\n")
        return body.rsplit("\n", 1)[0] if "\n" in body else ""
    if node.type in ("string_lit", "quoted_template"):
        text = re.sub(r"\\[nt\"\\]", lambda match: _ESCAPES[match[0]], text[1:].removesuffix('"'))
        return _INTERPOLATED.sub(lambda match: known.get(match[1], match[0]), text)
    return known.get(text, text) if _SIMPLE.fullmatch(text) else text


def _conditional(body: Node | None) -> str:
    """The expression that decides whether the resource exists; a number of copies that is no choice gives nothing."""
    for name, expression in _attributes(body):
        if name == "count":
            text = _text(expression)
            if text in ("0", "false"):
                return "false"
            return "" if text.isdigit() or text == "true" else shortened(text)
        if name == "for_each":
            text = re.sub(r"\s+", " ", _text(expression))
            if re.fullmatch(r"(?:toset\(\[ ?\]\)|\[ ?\]|\{ ?\})", text):
                return "false"
            if "?" in text:
                return shortened(text)
    for block in _blocks(body):
        if block.type == "lifecycle":
            for name, expression in _attributes(block.body):
                if name == "enabled" and (text := _text(expression)) != "true":
                    return shortened(text)
    return ""


def _references(body: Node | None, own: str) -> tuple[str, ...]:
    """Addresses (`aws_s3_bucket.data`, `module.vpc`) that the body's expressions name."""
    found: dict[str, None] = {}
    local = set(_OWN_ROOTS)
    stack = [body] if body else []
    left = MAX_NODES
    while stack and left:
        left -= 1
        node = stack.pop()
        if node.type == "for_intro":
            local.update(_text(child) for child in node.children if child.type == "identifier")
        elif node.type == "block" and (block := _Block(node)).type == "dynamic":
            local.update(block.labels)
            local.update(_text(value) for name, value in _attributes(block.body) if name == "iterator")
        children = node.children
        for here, after in pairwise(children):
            if here.type == "variable_expr" and after.type == "get_attr":
                found[_text(here) + _text(after)] = None
        stack.extend(child for child in reversed(children) if child.child_count and child.type not in _LEAVES)
    return tuple(address for address in found if address.partition(".")[0] not in local and address != own)


def _attributes(body: Node | None) -> Iterator[tuple[str, Node]]:
    for node in body.children if body else ():
        if node.type == "attribute":
            name = value = None
            for child in node.children:
                if child.type == "identifier":
                    name = child
                elif child.type == "expression":
                    value = child
            if name and value:
                yield _text(name), value


def _blocks(body: Node | None) -> Iterator[_Block]:
    for node in body.children if body else ():
        if node.type == "block":
            yield _Block(node)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _error_line(root: Node) -> int:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type == "ERROR" or node.is_missing:
            return int(node.start_point[0]) + 1
        stack.extend(child for child in reversed(node.children) if child.has_error)
    return 0


def _json_resource(kind: str, name: str, body: Value, line: int) -> Iterator[Fact]:
    for block in _maps(body):
        attributes = attributes_of(block)
        count = str(block.get("count", ""))
        values = " ".join(value for _, value in attributes)
        yield Resource(
            line=line,
            dialect="terraform",
            type=kind,
            name=name,
            attributes=attributes,
            references=tuple(dict.fromkeys(address for address in _ADDRESS.findall(values) if address != f"{kind}.{name}")),
            conditional="false" if count in ("0", "false") else "" if count.isdigit() else shortened(count),
        )
        yield from images_of((key, value, line) for key, value in attributes)


def _entries(value: Value | None) -> Iterator[tuple[str, Value, int]]:
    """Key, value and line of a block's labels; JSON allows a list of such mappings."""
    for mapping in _maps(value):
        for key, child in mapping.items():
            yield key, child, mapping.at(key)


def _maps(value: Value | None) -> Iterator[Map]:
    for item in [value] if isinstance(value, Map) else value if isinstance(value, list) else ():
        if isinstance(item, Map):
            yield item


READINGS: tuple[Reading, ...] = (
    Reading(
        name="terraform",
        shows=(*RESOURCES, "config"),
        claims=Claims(lambda path: path.endswith((".tf", ".tofu")) or bool(_TERRAGRUNT.search(path)), ".tf", ".tofu", ".hcl"),
        read=read_hcl,
    ),
    Reading(name="terraform-values", shows=("resource",), claims=suffixed(".tfvars"), read=read_values),
    Reading(
        name="terraform-json",
        shows=RESOURCES,
        claims=Claims(lambda path: path.endswith((".tf.json", ".tofu.json")), ".json"),
        read=read_json,
    ),
)
