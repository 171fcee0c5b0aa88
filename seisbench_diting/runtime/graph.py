"""
Exported graphs, rewritten into what ONNX Runtime computes fastest on a CPU.

Every rewriting is exact but for rounding. Factors are of single layers, in this order:

* One-dimensional layers become two-dimensional ones of height one, for which alone
  ONNX Runtime has convolutions over blocks of channels (1.2 to 2.8).
* A convolution of repeated samples adds the weights that meet the same sample, and a
  transposed convolution leaves out the zeros between the samples: both become a plain
  convolution with one output channel for each phase, interleaved afterwards (1.2 to 7).
* Convolutions of the same samples to few channels become one: each would compute a
  block of channels (2).
* Softmax over channels is written out; the operator is made for the last axis (13).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

#: Channels that a convolution computes at once, at the least (AVX2 and NEON).
BLOCK = 8

# Operators that take tensors of any number of axes, the channels being the second.
_POINTWISE = frozenset(
    {"Add", "BatchNormalization", "Concat", "Mul", "Relu", "Sigmoid", "Softmax"}
)


def optimize_graph(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    :param model: Graph as PyTorch's exporter writes it, of layers along one axis
    :return: A new graph with the same inputs and outputs, that computes the same faster
    """
    graph = _Graph(model)
    _two_dimensional(graph)
    _phases_of_upsampled(graph)
    _phases_of_transposed(graph)
    _stay_in_phases(graph)
    _joined_heads(graph)
    _written_out_softmax(graph)
    return graph.to_model(model)


class _Graph:
    """Nodes in order of execution, and constants by name."""

    def __init__(self, model: onnx.ModelProto):
        self.constants = {
            tensor.name: numpy_helper.to_array(tensor)
            for tensor in model.graph.initializer
        }
        self.outputs = [output.name for output in model.graph.output]
        self.nodes: list[onnx.NodeProto] = []
        #: Tensors that were interleaved: their phases, and how many.
        self.interleaved: dict[str, tuple[str, int]] = {}
        alias: dict[str, str] = {}
        for original in model.graph.node:
            node = onnx.NodeProto()
            node.CopyFrom(original)
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(
                    node.attribute[0].t
                )
                continue
            node.input[:] = [alias.get(name, name) for name in node.input]
            # The exporter shares equal constants this way.
            if node.op_type == "Identity" and node.input[0] in self.constants:
                alias[node.output[0]] = node.input[0]
                continue
            self.nodes.append(node)

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants[name] = value
        return name

    def users(self, name: str) -> list[onnx.NodeProto]:
        return [node for node in self.nodes if name in node.input]

    def replace(self, nodes: list[onnx.NodeProto], by: list[onnx.NodeProto]) -> None:
        """The new nodes stand where the first of the old ones stood."""
        place = min(self._place(node) for node in nodes)
        gone = {id(node) for node in nodes}
        rest = [node for node in self.nodes if id(node) not in gone]
        self.nodes = [*rest[:place], *by, *rest[place:]]

    def _place(self, node: onnx.NodeProto) -> int:
        return next(i for i, other in enumerate(self.nodes) if other is node)

    def drop_unused(self) -> None:
        needed = set(self.outputs)
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        self.nodes = kept[::-1]
        self.constants = {k: v for k, v in self.constants.items() if k in needed}

    def to_model(self, model: onnx.ModelProto) -> onnx.ModelProto:
        self.drop_unused()
        graph = helper.make_graph(
            self.nodes,
            model.graph.name,
            model.graph.input,
            model.graph.output,
            [
                numpy_helper.from_array(np.asarray(value, order="C"), name)
                for name, value in self.constants.items()
            ],
        )
        optimized = helper.make_model(
            graph, opset_imports=model.opset_import, ir_version=model.ir_version
        )
        optimized.producer_name = "seisbench-diting"
        onnx.checker.check_model(optimized)
        return optimized


def _attributes(node: onnx.NodeProto) -> dict[str, onnx.AttributeProto]:
    return {attribute.name: attribute for attribute in node.attribute}


def _number(node: onnx.NodeProto, name: str, default: int) -> int:
    found = _attributes(node).get(name)
    return default if found is None else int(found.i)


def _last(node: onnx.NodeProto, name: str, default: int) -> int:
    """What an attribute of a convolution says of the last axis."""
    found = _attributes(node).get(name)
    return default if found is None else int(found.ints[-1])


def _two_dimensional(graph: _Graph) -> None:
    """
    Gives every convolution, and all between them, an axis of length one before the
    last. Other layers see what they saw before.
    """
    axis = graph.constant("height_axis", np.array([2], dtype=np.int64))
    lifted: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    names: dict[tuple[str, str], str] = {}
    weights: set[str] = set()

    def convert(operator: str, name: str) -> str:
        if (operator, name) not in names:
            names[operator, name] = f"{name}_{operator.lower()}"
            nodes.append(
                helper.make_node(operator, [name, axis], [names[operator, name]])
            )
        return names[operator, name]

    def lift(name: str) -> str:
        return name if name in lifted else convert("Unsqueeze", name)

    def lower(name: str) -> str:
        return convert("Squeeze", name) if name in lifted else name

    for node in graph.nodes:
        spatial = node.op_type in ("Conv", "ConvTranspose", "MaxPool")
        if spatial:
            node.input[0] = lift(node.input[0])
            _lift_attributes(node)
            if len(node.input) > 1 and node.input[1] not in weights:
                weights.add(node.input[1])
                graph.constants[node.input[1]] = graph.constants[node.input[1]][
                    :, :, None
                ]
        elif node.op_type == "Resize" and (scales := _scales(graph, node)) is not None:
            node.input[0] = lift(node.input[0])
            scales = np.insert(scales, 2, np.float32(1))
            node.input[2] = graph.constant(f"{node.output[0]}_scales", scales)
        elif _is_pointwise(node) and lifted.intersection(node.input):
            if node.op_type != "BatchNormalization":
                node.input[:] = [
                    name if name in graph.constants else lift(name)
                    for name in node.input
                ]
        else:
            node.input[:] = [lower(name) for name in node.input]
            nodes.append(node)
            continue
        nodes.append(node)
        lifted.update(node.output)

    for output in lifted.intersection(graph.outputs):
        raw = f"{output}_lifted"
        for node in nodes:
            node.input[:] = [raw if name == output else name for name in node.input]
            node.output[:] = [raw if name == output else name for name in node.output]
        nodes.append(helper.make_node("Squeeze", [raw, axis], [output]))
    graph.nodes = nodes


def _is_pointwise(node: onnx.NodeProto) -> bool:
    if node.op_type in ("Softmax", "Concat"):
        return _number(node, "axis", -1) == 1
    return node.op_type in _POINTWISE


def _lift_attributes(node: onnx.NodeProto) -> None:
    for name, attribute in _attributes(node).items():
        if name in ("kernel_shape", "strides", "dilations"):
            attribute.ints[:] = [1, *attribute.ints]
        elif name == "output_padding":
            attribute.ints[:] = [0, *attribute.ints]
        elif name == "pads":
            before, after = attribute.ints
            attribute.ints[:] = [0, before, 0, after]


def _convolutions(graph: _Graph, operator: str) -> Iterator[onnx.NodeProto]:
    """Those that give as many samples as they take, or a multiple."""
    for node in list(graph.nodes):
        if node.op_type == operator and (
            _number(node, "group", 1) == 1
            and _last(node, "dilations", 1) == 1
            and 2 * _last(node, "pads", 0) == _last(node, "kernel_shape", 0) - 1
        ):
            yield node


def _phases_of_upsampled(graph: _Graph) -> None:
    """A convolution of samples that are repeated ``ratio`` times."""
    producers = {name: node for node in graph.nodes for name in node.output}
    for conv in _convolutions(graph, "Conv"):
        resize = producers.get(conv.input[0])
        if resize is None or resize.op_type != "Resize":
            continue
        ratio = _upsampling(graph, resize)
        weight = graph.constants[conv.input[1]]
        taps = weight.shape[-1]
        if ratio is None or taps == 1 or _last(conv, "strides", 1) != 1:
            continue
        padding = taps // 2
        first = -padding // ratio
        last = (ratio - 1 + padding) // ratio
        shape = (weight.shape[0], ratio, weight.shape[1], last - first + 1)
        phases = np.zeros(shape, weight.dtype)
        for phase in range(ratio):
            for tap in range(taps):
                place = (phase + tap - padding) // ratio - first
                phases[:, phase, :, place] += weight[:, :, 0, tap]
        _use_phases(graph, conv, resize.input[0], phases, -first, last)


def _scales(graph: _Graph, node: onnx.NodeProto) -> np.ndarray | None:
    return graph.constants.get(node.input[2]) if len(node.input) > 2 else None


def _upsampling(graph: _Graph, node: onnx.NodeProto) -> int | None:
    attributes = _attributes(node)
    scales = _scales(graph, node)
    if scales is None or attributes["mode"].s != b"nearest":
        return None
    ratio = float(scales[3])
    if tuple(scales[:3]) != (1, 1, 1) or not ratio.is_integer():
        return None
    return int(ratio)


def _phases_of_transposed(graph: _Graph) -> None:
    for conv in _convolutions(graph, "ConvTranspose"):
        ratio = _last(conv, "strides", 1)
        weight = graph.constants[conv.input[1]]
        taps = weight.shape[-1]
        if ratio == 1 or _last(conv, "output_padding", 0) != ratio - 1:
            continue
        padding = taps // 2
        first = -(padding // ratio)
        last = (ratio - 1 + padding) // ratio
        shape = (weight.shape[1], ratio, weight.shape[0], last - first + 1)
        phases = np.zeros(shape, weight.dtype)
        for phase in range(ratio):
            for shift in range(first, last + 1):
                tap = phase + padding - ratio * shift
                if 0 <= tap < taps:
                    phases[:, phase, :, shift - first] = weight[:, :, 0, tap].T
        _use_phases(graph, conv, conv.input[0], phases, -first, last)


def _use_phases(
    graph: _Graph,
    conv: onnx.NodeProto,
    source: str,
    phases: np.ndarray,
    before: int,
    after: int,
) -> None:
    """
    Replaces a convolution, and a ReLU after it, by one that computes all phases.

    :param phases: Weights (channels, phases, input channels, taps)
    :param before: Padding before the first sample
    :param after: Padding behind the last sample
    """
    channels, ratio = phases.shape[:2]
    name = conv.output[0]
    old = [conv]
    # In two dimensions.
    weight = phases.reshape(channels * ratio, *phases.shape[2:])[:, :, None]
    inputs = [source, graph.constant(f"{name}_phases", weight)]
    if len(conv.input) > 2:
        bias = np.repeat(graph.constants[conv.input[2]], ratio)
        inputs.append(graph.constant(f"{name}_phases_bias", bias))
    new = [
        helper.make_node(
            "Conv",
            inputs,
            [f"{name}_by_phase"],
            kernel_shape=[1, phases.shape[-1]],
            pads=[0, before, 0, after],
        )
    ]
    users = graph.users(name)
    if [user.op_type for user in users] == ["Relu"] and name not in graph.outputs:
        old += users
        name = users[0].output[0]
        new.append(helper.make_node("Relu", [new[-1].output[0]], [f"{name}_rectified"]))
    by_phase = new[-1].output[0]
    graph.interleaved[name] = (by_phase, ratio)
    graph.replace(old, [*new, *_interleave(graph, by_phase, name, channels)])


def _interleave(
    graph: _Graph, source: str, target: str, channels: int
) -> list[onnx.NodeProto]:
    """From (B, channels * phases, 1, T) to (B, channels, 1, T * phases)."""
    apart = graph.constant(
        f"phases_of_{channels}", np.array([0, channels, -1, 0], dtype=np.int64)
    )
    together = graph.constant(
        f"samples_of_{channels}", np.array([0, channels, 1, -1], dtype=np.int64)
    )
    split, turned = f"{target}_split", f"{target}_turned"
    return [
        helper.make_node("Reshape", [source, apart], [split]),
        helper.make_node("Transpose", [split], [turned], perm=[0, 1, 3, 2]),
        helper.make_node("Reshape", [turned, together], [target]),
    ]


def _stay_in_phases(graph: _Graph) -> None:
    """
    A convolution to few channels, of interleaved phases, works on the phases: their
    number fills a block of channels that would be computed anyway.
    """
    for conv in _convolutions(graph, "Conv"):
        source, ratio = graph.interleaved.get(conv.input[0], ("", 0))
        weight = graph.constants[conv.input[1]]
        if (
            not source
            or _last(conv, "strides", 1) != 1
            or ratio * weight.shape[0] > BLOCK
        ):
            continue
        taps = weight.shape[-1]
        padding = taps // 2
        first = -((padding + ratio - 1) // ratio)
        last = -first
        shape = (weight.shape[0], ratio, weight.shape[1], ratio, last - first + 1)
        phases = np.zeros(shape, weight.dtype)
        for phase in range(ratio):
            for other in range(ratio):
                for shift in range(first, last + 1):
                    tap = ratio * shift + other - phase + padding
                    if 0 <= tap < taps:
                        phases[:, phase, :, other, shift - first] = weight[:, :, 0, tap]
        phases = phases.reshape(*shape[:2], shape[2] * ratio, shape[4])
        _use_phases(graph, conv, source, phases, -first, last)


def _joined_heads(graph: _Graph) -> None:
    """Convolutions of one tensor with one tap, that fill a block of channels at most."""
    heads: dict[str, list[onnx.NodeProto]] = {}
    for conv in _convolutions(graph, "Conv"):
        weight = graph.constants[conv.input[1]]
        plain = weight.shape[-1] == _last(conv, "strides", 1) == 1
        if plain and len(conv.input) > 2 and len(weight) < BLOCK:
            heads.setdefault(conv.input[0], []).append(conv)
    for source, convs in heads.items():
        widths = [len(graph.constants[conv.input[1]]) for conv in convs]
        if len(convs) < 2 or sum(widths) > BLOCK:
            continue
        name = convs[0].output[0]
        inputs = [source]
        for place, part in ((1, "weights"), (2, "biases")):
            values = [graph.constants[conv.input[place]] for conv in convs]
            inputs.append(graph.constant(f"{name}_{part}", np.concatenate(values)))
        sizes = graph.constant(f"{name}_sizes", np.array(widths, dtype=np.int64))
        joined = f"{name}_joined"
        graph.replace(
            convs,
            [
                helper.make_node("Conv", inputs, [joined], kernel_shape=[1, 1]),
                helper.make_node(
                    "Split", [joined, sizes], [c.output[0] for c in convs], axis=1
                ),
            ],
        )


def _written_out_softmax(graph: _Graph) -> None:
    for node in list(graph.nodes):
        if node.op_type != "Softmax" or _number(node, "axis", -1) != 1:
            continue
        axis = graph.constant("channel_axis", np.array([1], dtype=np.int64))
        scores, result = node.input[0], node.output[0]
        names = [f"{result}_{part}" for part in ("peak", "below", "share", "sum")]
        peak, below, share, total = names
        graph.replace(
            [node],
            [
                helper.make_node("ReduceMax", [scores], [peak], axes=[1]),
                helper.make_node("Sub", [scores, peak], [below]),
                helper.make_node("Exp", [below], [share]),
                helper.make_node("ReduceSum", [share, axis], [total]),
                helper.make_node("Div", [share, total], [result]),
            ],
        )
