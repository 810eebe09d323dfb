"""Bicep files as their syntax tree says, by the grammar of tree-sitter-bicep."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

Value: TypeAlias = "dict[str, Value] | list[Value] | str"
_PARSER = Parser(Language(tree_sitter_bicep.language()))


@dataclass(frozen=True)
class Declaration:
    """A resource or a module: its symbol, its type or path, and its text."""

    symbol: str
    kind: str
    node: Node

    @property
    def text(self) -> str:
        return _text(self.node)

    @property
    def is_existing(self) -> bool:
        return any(child.type == "existing" for child in self.node.children)

    @property
    def body(self) -> "Value":
        """Its object as dicts and lists; every other expression is its source text."""
        return _read_value(next(_descend(self.node, "object")))

    def find(self, *path: str) -> str | None:
        """Source text of a property, such as ``find("properties", "disableLocalAuth")``."""
        node: Node | None = next(_descend(self.node, "object"), None)
        for name in path:
            node = node and _find_property(node, name)
        return None if node is None else _text(node)

    def names_of(self, *path: str) -> set[str]:
        """Names of the properties of an object."""
        node: Node | None = next(_descend(self.node, "object"), None)
        for name in path:
            node = node and _find_property(node, name)
        return {_text(child.named_children[0]) for child in _properties(node)} if node else set()


class BicepFile:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = _PARSER.parse(path.read_bytes()).root_node

    @cached_property
    def errors(self) -> list[str]:
        """Places that the grammar does not understand."""
        return [
            f"{self.path.name}:{node.start_point[0] + 1}: {_text(node)[:60]!r}"
            for node in _walk(self.root)
            if node.is_error or node.is_missing
        ]

    @property
    def scope(self) -> str:
        node = next(_children(self.root, "target_scope_assignment"), None)
        return _text(node).split("'")[1] if node else "resourceGroup"

    @property
    def resources(self) -> list[Declaration]:
        return [_declare(node) for node in _children(self.root, "resource_declaration")]

    @property
    def modules(self) -> list[Declaration]:
        return [_declare(node) for node in _children(self.root, "module_declaration")]

    @property
    def parameters(self) -> dict[str, str | None]:
        """Name and source text of the default, None where it has to be given."""
        found = {}
        for node in _children(self.root, "parameter_declaration"):
            values = [child for child in node.named_children if child.type != "type"]
            found[_text(values[0])] = _text(values[1]) if len(values) > 1 else None
        return found

    @property
    def outputs(self) -> dict[str, str]:
        return {
            _text(node.named_children[0]): _text(node.named_children[-1])
            for node in _children(self.root, "output_declaration")
        }

    @property
    def decorators(self) -> dict[str, list[Node]]:
        """Decorators of each parameter."""
        found: dict[str, list[Node]] = {}
        waiting: list[Node] = []
        for node in self.root.named_children:
            if node.type == "decorators":
                waiting = list(node.named_children)
            elif node.type == "parameter_declaration":
                found[_text(node.named_children[0])] = waiting
                waiting = []
        return found

    def allowed(self, parameter: str) -> list[str]:
        """What ``@allowed`` lists."""
        for decorator in self.decorators[parameter]:
            if _text(decorator).startswith("@allowed"):
                return [_text(node) for node in _walk(decorator) if node.type == "string_content"]
        return []

    @property
    def strings(self) -> list[str]:
        return [_text(node) for node in _walk(self.root) if node.type == "string_content"]

    @property
    def identifiers(self) -> set[str]:
        """Symbols that are used, other than where they are declared or name a property."""
        used = set()
        for node in _walk(self.root):
            parent = node.parent
            if node.type != "identifier" or parent is None:
                continue
            declares = parent.type.endswith("_declaration") and parent.named_children[0] == node
            names = parent.type == "object_property" and parent.named_children[0] == node
            if not declares and not names:
                used.add(_text(node))
        return used

    @property
    def symbols(self) -> set[str]:
        """What the file declares, outputs left out."""
        kinds = ("parameter", "variable", "resource", "module")
        return {
            _text(node.named_children[0])
            for node in self.root.named_children
            if node.type.removesuffix("_declaration") in kinds
        }


def _declare(node: Node) -> Declaration:
    symbol, kind = node.named_children[:2]
    return Declaration(_text(symbol), _text(kind).strip("'"), node)


def _read_value(node: Node) -> Value:
    """Of an expression that chooses or joins arrays or objects, what is in any of them."""
    if node.type == "object":
        return {
            _text(each.named_children[0]).strip("'"): _read_value(each.named_children[-1])
            for each in _properties(node)
        }
    if node.type == "array":
        return [_read_value(each) for each in node.named_children if each.type != "comment"]
    inner = [_read_value(each) for each in node.named_children]
    parts = [part for each in inner if isinstance(each, list) for part in each]
    parts += [each for each in inner if isinstance(each, dict)]
    return parts or _text(node)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _children(node: Node, kind: str) -> Iterator[Node]:
    return (child for child in node.named_children if child.type == kind)


def _descend(node: Node, kind: str) -> Iterator[Node]:
    return (child for child in _walk(node) if child.type == kind)


def _properties(node: Node) -> Iterator[Node]:
    return _children(node, "object_property")


def _find_property(node: Node, name: str) -> Node | None:
    for child in _properties(node):
        if _text(child.named_children[0]).strip("'") == name:
            return child.named_children[-1]
    return None
