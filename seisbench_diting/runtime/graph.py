"""
Exported graphs, rewritten into what ONNX Runtime computes fastest on a CPU.

All changes are exact apart from rounding. They are made in this order; the numbers say how
much faster single layers become:

* One-dimensional layers become two-dimensional ones of height one: only for these does
  ONNX Runtime have convolutions over blocks of channels (1.2 to 2.8).
* A convolution of repeated samples adds the weights that meet the same sample, and a
  transposed convolution leaves out the zeros between the samples: both become a plain
  convolution with one output channel for each phase, interleaved afterwards (1.2 to 7).
* Convolutions of the same samples to few channels become one: each would compute a
  block of channels (2).
* Softmax over channels is written out; the operator is made for the last axis (13).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

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
        for node in copy.deepcopy(model.graph.node):
            if node.op_type == "Constant":
                value = numpy_helper.to_array(node.attribute[0].t)
                self.constants[node.output[0]] = value
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
        old = {id(node) for node in nodes}
        place = next(i for i, node in enumerate(self.nodes) if id(node) in old)
        rest = [node for node in self.nodes if id(node) not in old]
        self.nodes = [*rest[:place], *by, *rest[place:]]

    def to_model(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """A copy of the model with these nodes, without unused ones."""
        needed, kept = set(self.outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        new = onnx.ModelProto()
        new.CopyFrom(model)
        new.producer_name = "seisbench-diting"
        for part in ("node", "initializer", "value_info"):
            new.graph.ClearField(part)
        new.graph.node.extend(kept[::-1])
        new.graph.initializer.extend(
            numpy_helper.from_array(np.asarray(value, order="C"), name)
            for name, value in self.constants.items()
            if name in needed
        )
        return new


def _attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return found.get(name, default)


def _last(node: onnx.NodeProto, name: str, default: int) -> int:
    """An attribute of a convolution, for the last axis."""
    return int(_attribute(node, name, [default])[-1])


def _two_dimensional(graph: _Graph) -> None:
    """
    Gives every convolution, and all between them, an axis of length one before the
    last. Other layers see the same tensors as before.
    """
    axis = graph.constant("height_axis", np.array([2]))
    lifted: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    made: set[str] = set()
    weights: set[str] = set()

    def convert(operator: str, name: str) -> str:
        new = f"{name}_{operator.lower()}"
        if new not in made:
            made.add(new)
            nodes.append(helper.make_node(operator, [name, axis], [new]))
        return new

    def lift(name: str) -> str:
        return name if name in lifted else convert("Unsqueeze", name)

    def lower(name: str) -> str:
        return convert("Squeeze", name) if name in lifted else name

    for node in graph.nodes:
        if node.op_type in ("Conv", "ConvTranspose", "MaxPool"):
            node.input[0] = lift(node.input[0])
            _lift_attributes(node)
            for weight in set(node.input[1:2]) - weights:
                weights.add(weight)
                graph.constants[weight] = graph.constants[weight][:, :, None]
        elif node.op_type == "Resize" and (scales := _scales(graph, node)) is not None:
            node.input[0] = lift(node.input[0])
            scales = np.insert(scales, 2, np.float32(1))
            node.input[2] = graph.constant(f"{node.output[0]}_scales", scales)
        elif _is_pointwise(node) and lifted.intersection(node.input):
            if node.op_type != "BatchNormalization":
                known = graph.constants
                node.input[:] = [n if n in known else lift(n) for n in node.input]
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
        return _attribute(node, "axis", -1) == 1
    return node.op_type in _POINTWISE


def _lift_attributes(node: onnx.NodeProto) -> None:
    for attribute in node.attribute:
        name = attribute.name
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
            _attribute(node, "group", 1) == 1
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
        weight = graph.constants[conv.input[1]][:, :, 0]
        taps = weight.shape[-1]
        if ratio is None or taps == 1 or _last(conv, "strides", 1) != 1:
            continue
        terms = [
            (phase, tap, 0, (phase + tap - taps // 2) // ratio)
            for phase in range(ratio)
            for tap in range(taps)
        ]
        _use_phases(graph, conv, resize.input[0], weight, terms, 1)


def _scales(graph: _Graph, node: onnx.NodeProto) -> np.ndarray | None:
    return graph.constants.get(node.input[2]) if len(node.input) > 2 else None


def _upsampling(graph: _Graph, node: onnx.NodeProto) -> int | None:
    scales = _scales(graph, node)
    if scales is None or _attribute(node, "mode") != b"nearest":
        return None
    ratio = float(scales[3])
    return int(ratio) if tuple(scales[:3]) == (1, 1, 1) and ratio.is_integer() else None


def _phases_of_transposed(graph: _Graph) -> None:
    for conv in _convolutions(graph, "ConvTranspose"):
        ratio = _last(conv, "strides", 1)
        weight = graph.constants[conv.input[1]][:, :, 0].swapaxes(0, 1)
        taps = weight.shape[-1]
        if ratio == 1 or _last(conv, "output_padding", 0) != ratio - 1:
            continue
        terms = [
            (phase, tap, 0, (phase + taps // 2 - tap) // ratio)
            for phase in range(ratio)
            for tap in range(taps)
            if (phase + taps // 2 - tap) % ratio == 0
        ]
        _use_phases(graph, conv, conv.input[0], weight, terms, 1)


def _stay_in_phases(graph: _Graph) -> None:
    """
    A convolution to few channels, of interleaved phases, works on the phases: their
    number fills a block of channels that would be computed anyway.
    """
    for conv in _convolutions(graph, "Conv"):
        source, ratio = graph.interleaved.get(conv.input[0], ("", 0))
        weight = graph.constants[conv.input[1]][:, :, 0]
        taps = weight.shape[-1]
        few = ratio * len(weight) <= BLOCK
        if source and few and _last(conv, "strides", 1) == 1:
            terms = []
            for phase in range(ratio):
                for tap in range(taps):
                    shift, other = divmod(phase + tap - taps // 2, ratio)
                    terms.append((phase, tap, other, shift))
            _use_phases(graph, conv, source, weight, terms, ratio)


def _use_phases(
    graph: _Graph,
    conv: onnx.NodeProto,
    source: str,
    weight: np.ndarray,
    terms: list[tuple[int, int, int, int]],
    others: int,
) -> None:
    """
    Replaces a convolution, and a ReLU after it, by one that computes all phases.

    :param source: Tensor that the new one takes
    :param weight: Weights (channels, input channels, taps)
    :param terms: For phases of the output their taps, and which phase of the input, how
        many samples later, each of them meets
    :param others: Number of phases of the input
    """
    ratio = 1 + max(phase for phase, *_ in terms)
    shifts = [shift for *_, shift in terms]
    first, last = min(shifts), max(shifts)
    channels, inputs, _ = weight.shape
    shape = (channels, ratio, inputs, others, last - first + 1)
    phases = np.zeros(shape, weight.dtype)
    for phase, tap, other, shift in terms:
        phases[:, phase, :, other, shift - first] += weight[:, :, tap]
    name = conv.output[0]
    # In two dimensions.
    kernel = phases.reshape(channels * ratio, inputs * others, 1, -1)
    names = [source, graph.constant(f"{name}_phases", kernel)]
    if len(conv.input) > 2:
        bias = np.repeat(graph.constants[conv.input[2]], ratio)
        names.append(graph.constant(f"{name}_phases_bias", bias))
    by_phase = f"{name}_by_phase"
    options: dict[str, Any] = {
        "kernel_shape": [1, last - first + 1],
        "pads": [0, -first, 0, last],
    }
    old, new = [conv], [helper.make_node("Conv", names, [by_phase], **options)]
    users = graph.users(name)
    if [user.op_type for user in users] == ["Relu"] and name not in graph.outputs:
        old += users
        name = users[0].output[0]
        new.append(helper.make_node("Relu", [by_phase], [f"{name}_rectified"]))
        by_phase = f"{name}_rectified"
    graph.interleaved[name] = (by_phase, ratio)
    graph.replace(old, [*new, *_interleave(graph, by_phase, name, channels)])


def _interleave(
    graph: _Graph, source: str, target: str, channels: int
) -> list[onnx.NodeProto]:
    """From (B, channels * phases, 1, T) to (B, channels, 1, T * phases)."""
    apart = graph.constant(f"phases_of_{channels}", np.array([0, channels, -1, 0]))
    together = graph.constant(f"samples_of_{channels}", np.array([0, channels, 1, -1]))
    split, turned = f"{target}_split", f"{target}_turned"
    return [
        helper.make_node("Reshape", [source, apart], [split]),
        helper.make_node("Transpose", [split], [turned], perm=[0, 1, 3, 2]),
        helper.make_node("Reshape", [turned, together], [target]),
    ]


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
        sizes = graph.constant(f"{name}_sizes", np.array(widths))
        joined, outputs = f"{name}_joined", [conv.output[0] for conv in convs]
        conv = helper.make_node("Conv", inputs, [joined], kernel_shape=[1, 1])
        split = helper.make_node("Split", [joined, sizes], outputs, axis=1)
        graph.replace(convs, [conv, split])


def _written_out_softmax(graph: _Graph) -> None:
    for node in list(graph.nodes):
        if node.op_type != "Softmax" or _attribute(node, "axis", -1) != 1:
            continue
        axis = graph.constant("channel_axis", np.array([1]))
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
