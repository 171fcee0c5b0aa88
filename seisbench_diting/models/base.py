"""The base class of all pickers: arguments, windows over a stream, picks."""

import asyncio
import copy
import importlib
import inspect
import os
import textwrap
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import obspy
import seisbench
import seisbench.util as sbu
import torch
from pydantic import NonNegativeInt
from seisbench.models import WaveformModel

from .._util import (
    ArgumentError,
    Settings,
    check_type,
    for_each_rate,
    make,
    option,
    seed_channel,
)
from ..weights import CITATION, weight_sets
from . import streams, windows
from .pretrained import PretrainedModel

#: Output of a network: classes, or for LPPN classes and positions.
Output: TypeAlias = torch.Tensor | tuple[torch.Tensor, torch.Tensor]

#: Takes normalized windows, batch by batch, and gives the outputs in their order.
Runner: TypeAlias = Callable[[Iterator[torch.Tensor]], Iterator[Output]]

#: Channel label of the arrival's position in each cell of LPPN. MiniSEED takes channel
#: codes of up to eleven letters.
OFFSET_LABEL = "off"

#: Windows in a batch; on a CPU, as many as fit into its caches.
BATCH_ON_CPU = 8
BATCH_ELSEWHERE = 64

if hasattr(os, "register_at_fork"):
    # OpenMP's threads don't survive a fork: a child that computes a layer on several
    # threads would wait for them forever.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


class BackendUnavailableError(RuntimeError):
    """A backend can't run a model here; PyTorch can."""


class HookedError(BackendUnavailableError):
    """ONNX Runtime would not call the hooks of a model, or its own ``forward``."""


class AnnotateArguments(Settings):
    """Arguments of ``annotate`` and ``classify``."""

    overlap: float = option(
        0.25, "Overlap of windows: a share of the window, or a number of samples", ge=0
    )
    stacking: Literal["avg", "max", "taper"] = option(
        "taper",
        "How overlapping windows are combined: 'taper', the average weighted by the "
        "distance from the window's edges, 'avg' or 'max'",
    )
    batch_size: int | None = option(
        None,
        "Number of windows that are evaluated together; None for "
        f"{BATCH_ON_CPU} on a CPU and {BATCH_ELSEWHERE} on other devices",
        ge=1,
    )
    min_separation: float = option(
        1.0, "Smallest time in s between two picks of one phase at one station", ge=0
    )
    blinding: tuple[NonNegativeInt, NonNegativeInt] = option(
        (0, 0), "Number of output samples to discard at each side of each window"
    )
    window_origin: Literal["auto", "time", "record"] = option(
        "auto",
        "Where windows begin: 'time', at fixed times, so that picks do not depend on "
        "how data are cut into files; 'record', from the record's first sample, as in "
        "SeisBench; 'auto', 'time' for an overlap given as a share, otherwise 'record'",
    )
    backend: Literal["auto", "torch", "onnx"] = option(
        "auto",
        "'torch'; 'onnx', ONNX Runtime, with the number of threads of "
        "torch.get_num_threads(); 'auto', 'onnx' on a CPU in float32, else 'torch'",
    )
    norm_amp_per_comp: bool = option(
        False, "If true, divide each component by its own peak, not by the joint one"
    )
    strict: bool = option(
        False, "If true, annotate only where all components are available"
    )
    flexible_horizontal_components: bool = option(
        True, "If true, take components Z12, Z23 and 123 as ZNE"
    )
    calibrated: bool = option(
        False,
        "If true, the probabilities of picks (not the curves, to which the thresholds "
        "apply) are calibrated: the share of such picks that is right on labelled records",
    )
    zerophase_resample: bool = option(
        True, "If true, resample with a filter of zero phase, otherwise a causal one"
    )


_THRESHOLD = "Smallest probability of a pick; P_threshold serves Pg and Pn, too"


class PhasePicker(PretrainedModel):
    """
    Base class of the pickers. A network defines ``_make_layers`` and ``forward``. The rest
    of this text is also part of each network's documentation.

    :param in_samples: Length of a window in samples
    :param phases: Classes in the order of the network's output; the first is noise
    :param sampling_rate: Sampling rate in Hz that the weights were trained for
    :param component_order: Order of the components that the weights were trained for
    :param default_args: Arguments of ``annotate`` and ``classify`` in place of the
        defaults
    :param filter_args: Filter before resampling, see :py:meth:`obspy.Stream.filter`
    :param filter_kwargs: Its keywords

    Arguments of ``annotate`` and ``classify``, with their defaults:
    """

    _annotate_args: ClassVar[dict[str, tuple[str, Any]]] = {
        "*_threshold": (_THRESHOLD, 0.3),
        **{
            name: (field.description or "", field.default)
            for name, field in AnnotateArguments.model_fields.items()
        },
    }

    #: Input samples per output sample.
    stride: ClassVar[int] = 1
    #: If the network gives the position of the arrival inside each output sample.
    regression: ClassVar[bool] = False
    #: Window lengths are multiples of this.
    length_multiple: ClassVar[int]
    # Constants for TorchScript.
    __constants__: ClassVar = ["stride", "length_multiple"]
    # Properties of SeisBench that TorchScript cannot compile and need not.
    __jit_unused_properties__: ClassVar = [
        name
        for name, _ in inspect.getmembers(PretrainedModel, inspect.isdatadescriptor)
    ]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own, shared = (inspect.cleandoc(c.__doc__ or "") for c in (cls, PhasePicker))
        lines = [own, "", shared[shared.index(":param") :], ""]
        for name, (text, default) in cls._annotate_args.items():
            line = f"- ``{name}`` ({default!r}): {text}"
            lines += textwrap.wrap(line, 88, subsequent_indent="  ")
        cls.__doc__ = "\n".join(lines)

    def __init__(
        self,
        in_samples: int = 6144,
        phases: str | Sequence[str] | None = "NPS",
        sampling_rate: float = 100,
        component_order: str | Sequence[str] | None = "ZNE",
        default_args: dict[str, Any] | None = None,
        filter_args: Sequence[Any] | dict[str, Any] | None = None,
        filter_kwargs: dict[str, Any] | None = None,
    ):
        phases, order = phases or "NPS", component_order or "ZNE"
        check_type("in_samples", in_samples, Integral)
        check_type("phases", phases, Sequence)
        check_type("component_order", order, Sequence)
        component_order = "".join(order)
        if in_samples <= 0 or in_samples % self.length_multiple:
            reason = f"it must be a multiple of {self.length_multiple}"
            raise ArgumentError("in_samples", in_samples, reason)
        if len(phases) < 2 or phases[0] != "N" or len(set(phases)) < len(phases):
            reason = "it must begin with noise, 'N', and name phases, each once"
            raise ArgumentError("phases", phases, reason)
        if not (isinstance(sampling_rate, Real) and sampling_rate > 0):
            reason = "it must be a positive number of Hz"
            raise ArgumentError("sampling_rate", sampling_rate, reason)
        if sorted(component_order) != ["E", "N", "Z"]:
            reason = "it must consist of Z, N and E, each once"
            raise ArgumentError("component_order", component_order, reason)
        super().__init__(
            citation=CITATION,
            in_samples=int(in_samples),
            output_type="array",
            pred_sample=(0, int(in_samples)),
            labels=phases,
            sampling_rate=sampling_rate,
            component_order=component_order,
            default_args=default_args,
            filter_args=filter_args,
            filter_kwargs=filter_kwargs,
        )
        self._make_layers()

    def _make_layers(self) -> None:
        """Makes the layers of the network."""

    def get_model_args(self) -> dict[str, Any]:
        """All arguments that make this model again, for :py:meth:`save`."""
        names = ["in_samples", "sampling_rate", "component_order"]
        names += ["filter_args", "filter_kwargs"]
        return {"phases": self.labels, **{name: getattr(self, name) for name in names}}

    def annotate(
        self, stream: obspy.Stream, copy: bool = True, **kwargs: Any
    ) -> obspy.Stream:
        """
        Probability curves for a stream, one trace for each class and stretch of data;
        for LPPN also the position of the arrival inside each cell, in samples of the
        sampling rate of the weights.

        The components and the sampling rate of the stream are brought to those of the
        weights. Records shorter than a window are padded, and the annotation covers
        just the record.

        :param stream: Stream of any number of stations
        :param copy: If true, copies the input stream. Otherwise, the input stream may
                     be modified.
        :param kwargs: Arguments of the class documentation
        :return: Curves with channel names such as ``LPPNM_P``
        :raises TypeError: If the stream is not an ObsPy stream
        :raises ValueError: If an argument has an impossible value
        """
        check_type("stream", stream, obspy.Stream)
        argdict = {**self.default_args, **kwargs}
        self._verify_argdict(argdict)  # Warns about unknown arguments.
        argdict.update(self._check_arguments(argdict))
        stream = stream.copy() if copy else stream
        stream = self.annotate_stream_pre(stream, argdict)
        labels = [*self.labels, OFFSET_LABEL] if self.regression else self.labels
        channels = [f"{type(self).__name__}_{label}" for label in labels]
        output = obspy.Stream()
        with torch.no_grad():
            for record in self._predict(stream, argdict):
                output.extend(record.traces(channels))
        return output

    async def annotate_async(
        self, stream: obspy.Stream, copy: bool = True, **kwargs: Any
    ) -> obspy.Stream:
        """:py:meth:`annotate`, in a thread, for use with asyncio."""
        return await asyncio.to_thread(self.annotate, stream, copy=copy, **kwargs)

    def classify(
        self, stream: obspy.Stream, parallelism: int | None = None, **kwargs: Any
    ) -> sbu.ClassifyOutput:
        """
        Picks for a stream.

        :param stream: Stream of any number of stations
        :param parallelism: Without effect, as in SeisBench
        :param kwargs: Arguments of the class documentation
        :return: Output with the picks, sorted by time, in ``picks``
        :raises TypeError: If the stream is not an ObsPy stream
        :raises ValueError: If an argument has an impossible value
        """
        argdict = {**self.default_args, **kwargs}
        stream = self.classify_stream_pre(stream, argdict)
        return self.classify_aggregate(self.annotate(stream, **argdict), argdict)

    async def classify_async(
        self, stream: obspy.Stream, **kwargs: Any
    ) -> sbu.ClassifyOutput:
        """:py:meth:`classify`, in a thread, for use with asyncio."""
        return await asyncio.to_thread(self.classify, stream, **kwargs)

    def annotate_stream_pre(
        self, stream: obspy.Stream, argdict: dict[str, Any]
    ) -> obspy.Stream:
        """
        Prepares the stream, in place. Traces that cannot be used, or that overlap with
        different samples, are dropped with a warning. Masked and non-finite samples
        become gaps. One instrument per station is kept, and its components are named Z,
        N, E. The traces are filtered, if the model has a filter, and resampled to the
        rate of the weights. Where a component is dead, its samples become NaN. A warning
        names the stations without all components.

        :param stream: Input stream
        :param argdict: Dictionary of arguments
        :return: Prepared stream
        """
        streams.drop_unusable(stream, self.sampling_rate)
        if self._argument(argdict, "flexible_horizontal_components"):
            for trace in stream:
                trace.stats.channel = seed_channel(trace.stats.channel)
        streams.split_at_missing(stream)
        for_each_rate(stream, self.sanitize_mismatching_overlapping_records)
        streams.drop_overlaps_of_rates(stream)
        streams.select_instruments(stream)
        if self._argument(argdict, "flexible_horizontal_components"):
            streams.rename_components(stream)

        # Dead stretches are found before filtering, which smears them, and marked after.
        found = [(t, t.stats.sampling_rate, streams.find_dead(t)) for t in stream]
        for trace, _, dead in found:
            streams.bridge_dead(trace, dead)
        self._filter_stream(stream)
        zerophase = self._argument(argdict, "zerophase_resample")
        for trace, rate, dead in found:
            skipped = 0
            if zerophase:
                skipped = streams.resample_trace(trace, self.sampling_rate)
            else:
                self.resample([trace], self.sampling_rate, zerophase=False)
            streams.mark_dead(trace, dead, trace.stats.sampling_rate / rate, skipped)
        strict = self._argument(argdict, "strict")
        streams.warn_about_components(stream, self.component_order, strict)
        return stream

    def annotate_batch_pre(
        self, batch: torch.Tensor, argdict: dict[str, Any]
    ) -> torch.Tensor:
        """
        Removes the mean of each component and divides all by their joint peak, or
        each by its own with ``norm_amp_per_comp``.

        :param batch: Windows (batch, 3, samples) in any unit; NaN where there is no
                      data
        :param argdict: Dictionary of arguments
        :return: Normalized windows; zero where there is no data
        """
        return windows.normalize(batch, self._argument(argdict, "norm_amp_per_comp"))

    def annotate_batch_post(
        self, batch: Output, piggyback: Any, argdict: dict[str, Any]
    ) -> torch.Tensor:
        """
        :param batch: Output of the network
        :param piggyback: ``"cells"`` from :py:meth:`annotate`; otherwise LPPN's curves
                          are brought to the sampling rate of the input, as SeisBench's
                          wrapper for DAS needs them
        :param argdict: Dictionary of arguments
        :return: Predictions (batch, samples, channels): the classes and, for LPPN in
                 cells, the offset; NaN in the blinded samples
        """
        if isinstance(batch, tuple):
            if piggyback == "cells":
                batch = torch.cat([batch[0], batch[1][:, None]], dim=1)
            else:
                batch = _spread(*batch, self.stride)
        batch = batch.transpose(1, 2)
        before, after = self._argument(argdict, "blinding")
        batch[:, :before] = torch.nan
        batch[:, batch.shape[1] - after :] = torch.nan
        return batch

    def classify_aggregate(
        self, annotations: obspy.Stream, argdict: dict[str, Any]
    ) -> sbu.ClassifyOutput:
        """
        Picks from the curves of :py:meth:`annotate`.

        :param annotations: Curves
        :param argdict: Dictionary of arguments
        :return: Output with the picks, sorted by time, in ``picks``
        """
        name = type(self).__name__
        offsets = annotations.select(channel=f"{name}_{OFFSET_LABEL}")
        picks: list[sbu.Pick] = []
        for phase in self.labels[1:]:
            # P_threshold serves Pg and Pn as well, unless they have one of their own.
            keys = (f"{phase}_threshold", f"{phase[0]}_threshold", "*_threshold")
            given = [argdict[key] for key in keys if key in argdict]
            picks += windows.picks_from_annotations(
                annotations.select(channel=f"{name}_{phase}"),
                given[0] if given else self._argument({}, "*_threshold"),
                phase,
                self._argument(argdict, "min_separation"),
                offsets if self.regression else None,
                self.stride,
                self.reliability.get(phase[0]),
                self._argument(argdict, "calibrated"),
            )
        return sbu.ClassifyOutput(self.name, picks=windows.sort_picks(picks))

    def _predict(
        self, stream: obspy.Stream, argdict: dict[str, Any]
    ) -> Iterator[windows.StackedRecord]:
        """
        Runs the network over all records of a stream. Windows of several records may
        share a batch. Only the records of the current batches are in memory.

        :return: Records, complete, in order
        """
        # Each access to these searches all parameters.
        device, dtype = self.device, self.dtype
        batch_size = argdict["batch_size"] or default_batch_size(self)
        # A single window fits into the caches of a CPU.
        together = 1 if device.type == "cpu" else batch_size
        remaining = self._windows(stream, argdict)
        under_way: deque[list[tuple[windows.StackedRecord, int]]] = deque()

        def prepared(data: list[np.ndarray]) -> torch.Tensor:
            part = torch.from_numpy(np.stack(data)).to(device)
            return self.annotate_batch_pre(part, argdict=argdict).to(dtype)

        def batches() -> Iterator[torch.Tensor]:
            while batch := list(islice(remaining, batch_size)):
                under_way.append(batch)
                data = [
                    windows.cut_window(stacked.record.data, offset, self.in_samples)
                    for stacked, offset in batch
                ]
                places = range(0, len(data), together)
                yield torch.cat([prepared(data[i : i + together]) for i in places])

        run = choose_runner(self, argdict["backend"])
        for output in run(batches()):
            curves = self.annotate_batch_post(output, "cells", argdict).float().cpu()
            batch = under_way.popleft()
            for (stacked, offset), curve in zip(batch, curves.numpy(), strict=True):
                if stacked.add(offset, curve):
                    yield stacked

    def _windows(
        self, stream: obspy.Stream, argdict: dict[str, Any]
    ) -> Iterator[tuple[windows.StackedRecord, int]]:
        """Records of a stream, with the offset of each of their windows."""
        overlap, origin = argdict["overlap"], argdict["window_origin"]
        if origin == "auto":
            origin = "time" if overlap < 1 else "record"
        # So that the cells of all windows coincide.
        step = self.in_samples - self._overlap_samples(overlap)
        step = step // self.stride * self.stride
        kind = (len(self.labels), self.regression, argdict["stacking"], self.stride)
        for record in streams.cut_records(
            stream, self.component_order, argdict["strict"]
        ):
            first = record.first_sample if origin == "time" else 0
            offsets = windows.window_offsets(
                record.data.shape[1], first, self.in_samples, step, self.stride
            )
            stacked = windows.StackedRecord(record, offsets, *kind)
            for offset in offsets:
                yield stacked, int(offset)

    def _argument(self, argdict: dict[str, Any], key: str) -> Any:
        return argdict.get(key, self._annotate_args[key][1])

    def _overlap_samples(self, overlap: float) -> int:
        return int(overlap * self.in_samples if overlap < 1 else overlap)

    def _check_arguments(self, argdict: dict[str, Any]) -> dict[str, Any]:
        """:return: All arguments but thresholds, checked, with their defaults"""
        given = {name: self._argument(argdict, name) for name in self._annotate_args}
        del given["*_threshold"]
        arguments = make(AnnotateArguments, given).model_dump()
        longest = self.in_samples - self.stride
        if self._overlap_samples(arguments["overlap"]) > longest:
            reason = f"a share of the window below 1, or at most {longest} samples"
            raise ArgumentError("overlap", given["overlap"], reason)
        if sum(arguments["blinding"]) >= self.in_samples // self.stride:
            reason = f"the sum must be below {self.in_samples // self.stride}"
            raise ArgumentError("blinding", given["blinding"], reason)
        check_calibrated(self, arguments["calibrated"])
        for key, value in argdict.items():
            phase, is_threshold, _ = key.rpartition("_threshold")
            if not is_threshold:
                continue
            if not (isinstance(value, Real) and 0 <= float(value) <= 1):
                raise ArgumentError(key, value, "a number from 0 to 1")
            if not any(phase in ("*", label, label[0]) for label in self.labels[1:]):
                phases = ", ".join(self.labels[1:])
                reason = f"the phases of this model are {phases}"
                seisbench.logger.warning(f"{key} has no effect: {reason}.")
        return arguments


def check_calibrated(model: WaveformModel, calibrated: bool) -> None:
    """
    :param model: Model of this package or of SeisBench
    :param calibrated: If calibrated probabilities are asked for
    :raises ArgumentError: if they are, and its weights have no calibration
    """
    if calibrated and not getattr(model, "reliability", None):
        known = [e.title for e in weight_sets() if e.reliability and e.bundled]
        reason = (
            "these weights have no calibration; leave it out, or take a set that has "
            f"one, such as {', '.join(known)}"
        )
        raise ArgumentError("calibrated", calibrated, reason)


def default_batch_size(model: PhasePicker) -> int:
    """Windows in a batch, on the device of the model."""
    return BATCH_ON_CPU if model.device.type == "cpu" else BATCH_ELSEWHERE


def choose_runner(model: PhasePicker, backend: str) -> Runner:
    """
    :param model: Picker
    :param backend: "torch"; "onnx", which is faster on CPUs; or "auto"
    :raises ValueError: if ONNX Runtime is asked for, but the model is not on the CPU in
        single precision, or has hooks
    :return: What runs its network: PyTorch if ONNX Runtime can't
    """
    suitable = model.device.type == "cpu" and model.dtype == torch.float32
    if backend == "onnx" and not suitable:
        reason = f"the model is on {model.device} in {model.dtype}; use 'auto'"
        raise ArgumentError("backend", backend, reason)
    if backend != "torch" and suitable:
        try:
            # Not at the top, because runtime imports the models.
            runtime = importlib.import_module("seisbench_diting.runtime")
            return runtime.make_runner(model)
        except HookedError as error:
            if backend == "onnx":
                raise ArgumentError("backend", backend, str(error)) from error
        except BackendUnavailableError:
            # A warning gave the reason when the runner was made.
            pass
    # A copy, because another thread may be training the model.
    evaluated = copy.deepcopy(model).eval() if model.training else model
    return lambda waves: map(evaluated, waves)


def _spread(classes: torch.Tensor, offset: torch.Tensor, stride: int) -> torch.Tensor:
    """
    LPPN's probabilities at the rate of its input: a triangle in each cell, with its peak at
    the position of the arrival.

    :param classes: Probabilities (batch, classes, cells)
    :param offset: Positions in samples (batch, cells)
    :param stride: Samples in a cell
    :return: (batch, classes, samples)
    """
    place = torch.arange(stride, device=offset.device)
    top = offset.round().clamp(max=stride - 1)[..., None]
    weight = 1 - (place - top).abs() / stride
    arrivals = (classes[:, 1:, :, None] * weight[:, None]).flatten(2)
    noise = (1 - arrivals.sum(dim=1, keepdim=True)).clamp(min=0)
    return torch.cat([noise, arrivals], dim=1)
