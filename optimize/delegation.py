"""Which operations of a LiteRT file the XNNPACK delegate runs, and which it leaves behind.

Between two partitions of the delegate stands at least one operation that it does not take. The
interpreter does not say which: it lists all operations and, of each partition, the tensors that go
in and come out. What lies between these is the partition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ai_edge_litert.interpreter import Interpreter

DELEGATE = "DELEGATE"


@dataclass(frozen=True)
class Operation:
    """One operation of a LiteRT file.

    Attributes:
        name: of its kind, as ``CONV_2D``.
        output: name of its first output tensor; empty where it has none.
        shape: of that tensor.
        type: of that tensor, as ``int8``.
    """

    name: str
    output: str
    shape: tuple[int, ...]
    type: str


@dataclass(frozen=True)
class Delegation:
    """How the XNNPACK delegate divides a LiteRT file.

    Attributes:
        partitions: pieces that the delegate runs; 1 is best.
        operations: all operations, in their order.
        left_behind: those of them that the delegate does not run.
    """

    partitions: int
    operations: tuple[Operation, ...]
    left_behind: tuple[Operation, ...]


def delegation(content: bytes) -> Delegation:
    """Load a LiteRT file as the kiosk does and see what its delegate took.

    Raises:
        ValueError: the file cannot be loaded.
    """
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    # No public call lists the operations together with what the delegate took.
    nodes = interpreter._get_ops_details()
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    partitions = [node for node in nodes if node["op_name"] == DELEGATE]
    own = [node for node in nodes if node["op_name"] != DELEGATE]
    producers = {int(tensor): node for node in own for tensor in node["outputs"]}
    taken = {index for partition in partitions for index in _within(partition, producers)}
    return Delegation(
        len(partitions),
        tuple(_described(node, tensors) for node in own),
        tuple(_described(node, tensors) for node in own if node["index"] not in taken),
    )


def _within(partition: dict[str, Any], producers: dict[int, dict[str, Any]]) -> set[int]:
    """Indices of the operations between what goes into a partition and what comes out."""
    found: set[int] = set()
    enters = {int(tensor) for tensor in partition["inputs"]}
    wanted = [int(tensor) for tensor in partition["outputs"]]
    while wanted:
        tensor = wanted.pop()
        node = None if tensor in enters else producers.get(tensor)
        if node is not None and node["index"] not in found:
            found.add(node["index"])
            wanted += [int(i) for i in node["inputs"]]
    return found


def _described(node: dict[str, Any], tensors: dict[int, dict[str, Any]]) -> Operation:
    name = str(node["op_name"])
    if not len(node["outputs"]):
        return Operation(name, "", (), "")
    output = tensors[int(node["outputs"][0])]
    shape = tuple(int(n) for n in output["shape"])
    return Operation(name, str(output["name"]), shape, output["dtype"].__name__)
