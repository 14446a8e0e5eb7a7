"""An ONNX graph of float32 becomes one that computes in float16, but for its head.

TensorRT 11 types a network strongly and knows no switch for half precision: what shall be computed
in float16 must be float16 in the graph. TensorRT 10 is used in the same way.
"""

from __future__ import annotations

from typing import Any

from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

HEAD = "head_"
"""How the nodes after the features begin: they cost nothing, and a margin in float16 would have
three digits."""


def to_float16(model: Any) -> Any:
    """Cast an ONNX model of float32 to float16.

    Args:
        model: from `optimize.onnx_graph.export_onnx`, loaded; any other is cast as a whole.

    Returns:
        Another model. Its input and outputs are float32 as before, and so are the head's nodes.
    """
    outputs = {value.name for value in model.graph.output}
    head = [
        node.name
        for node in model.graph.node
        if node.name.startswith(HEAD) or outputs & set(node.output)
    ]
    copy = type(model)()
    copy.CopyFrom(model)  # the converter writes into the model that it is given
    half = convert_float_to_float16(copy, keep_io_types=True, node_block_list=head)
    OnnxModel.graph_topological_sort(half.graph)  # the casts stand at the end until now
    return half
