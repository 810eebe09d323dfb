"""A part of an ONNX model: from some tensors to others, as a model of its own; a branch's weights.

onnxruntime runs whole models only, and the package ``onnx``, which can cut one, is larger than
both. A model is a protobuf message, of which a few repeated fields have to be chosen among; the
numbers are those of ``onnx.proto``.
"""

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _VALUE_INFO = 1, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _TENSOR_NAME, _VALUE_NAME = 1, 2, 8, 1
_NODE_ATTRIBUTE, _ATTRIBUTE_NAME, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 5, 1, 5, 6
_DIMS, _RAW_DATA = 1, 9
_VALUE_TYPE, _TENSOR_TYPE = 2, 1
_LENGTH_DELIMITED = 2
_IS_FLOAT, _IS_FLOAT_TENSOR = b"\x08\x01", b"\x10\x01"
"""Fields of a number: the kind of elements that a value's type has, and that a tensor has."""

_Field = tuple[int, bytes, bytes]
"""Number, the field as it was encoded, and its content if it is of some length."""


def take_part(
    model: bytes, outputs: Collection[str], inputs: Collection[str] | None = None
) -> bytes:
    """The nodes that make ``outputs``, whose tensors have floats, of the model's inputs or others.

    ``inputs``, if given, are tensors of floats too. Raises ValueError for one that no node takes
    or makes.
    """
    fields = list(_read_fields(model))
    graph = next(content for number, _, content in fields if number == _GRAPH)
    part = _take_graph(list(_read_fields(graph)), outputs, inputs)
    rest = b"".join(encoded for number, encoded, _ in fields if number != _GRAPH)
    return rest + _encode(_GRAPH, part)


def read_weights(model: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """The arrays of floats in the branch where the condition of the model's ``If`` holds, by name.

    Raises ValueError where there is not one ``If``.
    """
    graph = next(content for number, _, content in _read_fields(model) if number == _GRAPH)
    nodes = [content for number, _, content in _read_fields(graph) if number == _NODE]
    branches = [branch for node in nodes for branch in _find_branches(node)]
    if len(branches) != 1:
        raise ValueError(f"the model has {len(branches)} branches to read, not 1")
    weights: dict[str, npt.NDArray[np.float32]] = {}
    for number, _, node in _read_fields(branches[0]):
        if number == _NODE and (tensor := _find_constant(node)) is not None:
            # An exporter's name of the branch stands before that of the tensor.
            weights[_names(node, _NODE_OUTPUT)[0].rpartition("__")[2]] = tensor
    return weights


def _find_constant(node: bytes) -> npt.NDArray[np.float32] | None:
    """The array of floats that a node holds."""
    for number, _, attribute in _read_fields(node):
        if number == _NODE_ATTRIBUTE and _names(attribute, _ATTRIBUTE_NAME) == ["value"]:
            for field, _, tensor in _read_fields(attribute):
                if field == _ATTRIBUTE_TENSOR:
                    return _read_tensor(tensor)
    return None


def _read_tensor(tensor: bytes) -> npt.NDArray[np.float32] | None:
    fields = list(_read_fields(tensor))
    if _IS_FLOAT_TENSOR not in (encoded for _, encoded, _ in fields):
        return None
    shape = [_read_varint(encoded, 1)[0] for number, encoded, _ in fields if number == _DIMS]
    raw = b"".join(content for number, _, content in fields if number == _RAW_DATA)
    return np.frombuffer(raw, "<f4").astype(np.float32).reshape(shape)


def _find_branches(node: bytes) -> Iterator[bytes]:
    for number, _, attribute in _read_fields(node):
        if number == _NODE_ATTRIBUTE and _names(attribute, _ATTRIBUTE_NAME) == ["then_branch"]:
            for field, _, content in _read_fields(attribute):
                if field == _ATTRIBUTE_GRAPH:
                    yield content


def _take_graph(
    graph: list[_Field], outputs: Collection[str], inputs: Collection[str] | None
) -> bytes:
    nodes = {
        index: (_names(content, _NODE_INPUT), _names(content, _NODE_OUTPUT))
        for index, (number, _, content) in enumerate(graph)
        if number == _NODE
    }
    makers = {name: index for index, (_, made) in nodes.items() for name in made}
    needed, wanted, taken = set[int](), list(outputs), set[str]()
    while wanted:
        name = wanted.pop()
        taken.add(name)
        index = None if inputs and name in inputs else makers.get(name)
        if index is not None and index not in needed:
            needed.add(index)
            wanted += nodes[index][0]
    if missing := {*outputs} - makers.keys() | {*(inputs or ())} - taken:
        raise ValueError(f"the model has not {', '.join(sorted(missing))}")

    def is_kept(index: int, number: int, content: bytes) -> bool:
        if number == _NODE:
            return index in needed
        if number == _INITIALIZER:
            return _names(content, _TENSOR_NAME)[0] in taken
        return number not in (_OUTPUT, _VALUE_INFO) and (number != _INPUT or inputs is None)

    kept = [
        encoded
        for index, (number, encoded, content) in enumerate(graph)
        if is_kept(index, number, content)
    ]
    kept += [_declare(_INPUT, name) for name in inputs or ()]
    kept += [_declare(_OUTPUT, name) for name in outputs]
    return b"".join(kept)


def _declare(number: int, name: str) -> bytes:
    """A tensor of floats of any shape."""
    kind = _encode(_VALUE_TYPE, _encode(_TENSOR_TYPE, _IS_FLOAT))
    return _encode(number, _encode(_VALUE_NAME, name.encode()) + kind)


def _names(message: bytes, wanted: int) -> list[str]:
    return [content.decode() for number, _, content in _read_fields(message) if number == wanted]


def _read_fields(message: bytes) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        content = b""
        if key & 7 == _LENGTH_DELIMITED:
            size, at = _read_varint(message, at)
            content = message[at : at + size]
            at += size
        elif key & 7 == 0:
            _, at = _read_varint(message, at)
        else:
            at += 8 if key & 7 == 1 else 4
        yield key >> 3, message[start:at], content


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that stands at ``at``, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _encode(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return bytes([number << 3 | _LENGTH_DELIMITED]) + _write_varint(len(content)) + content


def _write_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
