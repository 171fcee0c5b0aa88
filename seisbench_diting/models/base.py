"""What all pickers share: arguments, windows over a stream, picks, published weights."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import obspy
import seisbench.util as sbu
import torch

from ..weights import CITATION
from . import streams
from .arguments import ANNOTATE_ARGS, check_arguments, overlap_samples
from .backends import Output, choose_runner, default_batch_size
from .mode import evaluation_mode
from .picks import picks_from_annotations, sort_picks
from .pretrained import PretrainedModel
from .records import cut_records
from .warned import warned_here
from .windows import StackedRecord, cut_window, normalize, window_offsets

#: Channel label of LPPN's position of the arrival inside each cell.
OFFSET_LABEL = "offset"


class PhasePicker(PretrainedModel):
    """
    Base of the seven pickers.

    :param in_samples: Length of a window in samples
    :param phases: Classes in the order of the network's output; the first is noise
    :param sampling_rate: Sampling rate in Hz that the weights were trained for
    :param component_order: Order of the components that the weights were trained for
    :param kwargs: ``default_args``, ``filter_args``, ``filter_kwargs`` as in
                   :py:class:`seisbench.models.WaveformModel`
    """

    _annotate_args: ClassVar = ANNOTATE_ARGS

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
        "name",
        "citation",
        "device",
        "dtype",
        "weights_docstring",
        "weights_version",
        "component_order",
        "_warned",
    ]

    def __init__(
        self,
        in_samples: int = 6144,
        phases: str | Sequence[str] = "NPS",
        sampling_rate: float = 100,
        component_order: str = "ZNE",
        **kwargs: Any,
    ):
        if (
            not isinstance(in_samples, int)
            or in_samples <= 0
            or in_samples % self.length_multiple
        ):
            raise ValueError(
                f"in_samples={in_samples} is not possible for {type(self).__name__}; "
                f"it must be a multiple of {self.length_multiple}."
            )
        component_order = "".join(component_order)
        if sorted(component_order) != ["E", "N", "Z"]:
            raise ValueError(
                f"component_order={component_order!r} must hold Z, N and E, each once."
            )
        if len(phases) < 2 or phases[0] != "N" or len(set(phases)) < len(phases):
            raise ValueError(
                f"phases={phases!r} must begin with noise, 'N', and name at least one "
                f"phase, each once."
            )
        if not (isinstance(sampling_rate, Real) and sampling_rate > 0):
            raise ValueError(
                f"sampling_rate={sampling_rate!r} must be a positive number of Hz."
            )
        if kwargs.setdefault("grouping", "instrument") != "instrument":
            raise ValueError(
                f"grouping={kwargs['grouping']!r} is not possible: these models pick "
                f"one instrument at a time. Leave it out, or use 'instrument'."
            )
        super().__init__(
            citation=CITATION,
            in_samples=in_samples,
            output_type="array",
            pred_sample=(0, in_samples),
            labels=phases,
            sampling_rate=sampling_rate,
            component_order=component_order,
            **kwargs,
        )
        # So that nothing is warned about twice.
        self._warned_ever: set[str] = set()

    @property
    def _warned(self) -> set[str]:
        return warned_here(self._warned_ever)

    # Streams

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
        if not isinstance(stream, obspy.Stream):
            raise TypeError(
                f"stream must be an obspy.Stream, got {type(stream).__name__}. "
                f"Put single traces into obspy.Stream([trace])."
            )
        argdict = {**self.default_args, **kwargs}
        self._verify_argdict(argdict)  # Warns about unknown arguments.
        check_arguments(
            argdict,
            self._annotate_args,
            self.in_samples,
            self.stride,
            self.labels[1:],
        )
        stream = stream.copy() if copy else stream
        self.annotate_stream_pre(stream, argdict)
        stream = self.annotate_stream_validate(stream, argdict)

        output = obspy.Stream()
        with evaluation_mode(self), torch.no_grad():
            for annotated in self._predict(stream, argdict):
                output += self._curves_to_stream(annotated)
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
        Prepares the stream, in place. Traces that cannot be used, or that overlap and
        do not agree, are dropped with a warning; masked and non-finite samples become
        gaps. One instrument a station stays, and its components are named Z, N, E. The
        filter of the model, if it has one, and the sampling rate of the weights are
        applied, and stretches in which a component is dead become NaN.

        :param stream: Input stream
        :param argdict: Dictionary of arguments
        :return: Prepared stream
        """
        streams.drop_unusable(stream, self.sampling_rate, self._warned)
        streams.split_at_missing(stream)
        streams.for_each_rate(stream, self.sanitize_mismatching_overlapping_records)
        streams.drop_overlaps_of_rates(stream)
        streams.select_instruments(stream, self._warned)
        if self._get_argument(argdict, "flexible_horizontal_components"):
            streams.rename_components(stream, self._warned)

        # Found before and marked after filters, which smear them.
        dead = [streams.find_dead(trace) for trace in stream]
        rates = [trace.stats.sampling_rate for trace in stream]
        for trace, stretches in zip(stream, dead, strict=True):
            streams.bridge_dead(trace, stretches)
        self._filter_stream(stream)
        skipped = [0] * len(stream)
        if self._get_argument(argdict, "zerophase_resample"):
            skipped = [streams.resample_trace(t, self.sampling_rate) for t in stream]
        else:
            self.resample(stream, self.sampling_rate, zerophase=False)
        for trace, stretches, rate, skip in zip(
            stream, dead, rates, skipped, strict=True
        ):
            ratio = trace.stats.sampling_rate / rate
            streams.mark_dead(trace, stretches, ratio, skip)
        return stream

    def annotate_stream_validate(
        self, stream: obspy.Stream, argdict: dict[str, Any]
    ) -> obspy.Stream:
        """
        Says which stations lack components.

        :param stream: Prepared stream
        :param argdict: Dictionary of arguments
        :return: Stream to annotate
        """
        streams.warn_about_components(
            stream,
            self.component_order,
            self._get_argument(argdict, "strict"),
            self._warned,
        )
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
        return normalize(batch, self._get_argument(argdict, "norm_amp_per_comp"))

    def annotate_batch_post(
        self,
        batch: Output,
        piggyback: Any,
        argdict: dict[str, Any],
    ) -> torch.Tensor:
        """
        :param batch: Output of the network
        :param piggyback: Unused
        :param argdict: Dictionary of arguments
        :return: Predictions (batch, samples, channels): the classes and, for LPPN,
                 the offset; NaN in the blinded samples
        """
        if isinstance(batch, tuple):
            batch = torch.cat([batch[0], batch[1][:, None]], dim=1)
        batch = batch.transpose(1, 2)
        before, after = self._get_argument(argdict, "blinding")
        if before > 0:
            batch[:, :before] = torch.nan
        if after > 0:
            batch[:, -after:] = torch.nan
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
            picks += picks_from_annotations(
                annotations.select(channel=f"{name}_{phase}"),
                threshold=self._threshold(phase, argdict),
                phase=phase,
                min_separation=self._get_argument(argdict, "min_separation"),
                offsets=offsets if self.regression else None,
                stride=self.stride,
            )
        return sbu.ClassifyOutput(self.name, picks=sort_picks(picks))

    def _predict(
        self, stream: obspy.Stream, argdict: dict[str, Any]
    ) -> Iterator[StackedRecord]:
        """
        Runs the network over all records of a stream. Windows of several records may
        share a batch; no more records are held than the batches under way belong to.

        :return: Records, complete, in order
        """
        overlap = self._get_argument(argdict, "overlap")
        origin = self._get_argument(argdict, "window_origin")
        if origin == "auto":
            origin = "time" if overlap < 1 else "record"
        # Windows a multiple of the stride apart have their cells at the same places.
        step = self.in_samples - overlap_samples(overlap, self.in_samples)
        step = step // self.stride * self.stride
        strict = self._get_argument(argdict, "strict")
        stacking = self._get_argument(argdict, "stacking").lower()

        def windows() -> Iterator[tuple[StackedRecord, int]]:
            for record in cut_records(stream, self.component_order, strict):
                offsets = window_offsets(
                    record.data.shape[1],
                    record.first_sample if origin == "time" else 0,
                    self.in_samples,
                    step,
                    self.stride,
                )
                opened = StackedRecord(
                    record,
                    offsets,
                    len(self.labels),
                    self.regression,
                    stacking,
                    self.stride,
                )
                for offset in offsets:
                    yield opened, int(offset)

        batch_size = self._get_argument(argdict, "batch_size")
        if batch_size is None:
            batch_size = default_batch_size(self)
        under_way: deque[list[tuple[StackedRecord, int]]] = deque()

        def batches() -> Iterator[torch.Tensor]:
            # Both are looked for in all parameters at each call.
            device, dtype = self.device, self.dtype
            # One window stays in the caches of a processor, many do not.
            together = 1 if device.type == "cpu" else batch_size
            remaining = windows()
            while batch := list(islice(remaining, batch_size)):
                under_way.append(batch)
                data = [
                    cut_window(opened.record.data, offset, self.in_samples)
                    for opened, offset in batch
                ]
                yield torch.cat(
                    [
                        self.annotate_batch_pre(
                            torch.from_numpy(np.stack(data[i : i + together])).to(
                                device
                            ),
                            argdict=argdict,
                        ).to(dtype)
                        for i in range(0, len(data), together)
                    ]
                )

        run = choose_runner(self, self._get_argument(argdict, "backend"))
        for output in run(batches()):
            predictions = self.annotate_batch_post(
                output, piggyback=None, argdict=argdict
            )
            predictions = predictions.float().cpu().numpy()
            for (opened, offset), prediction in zip(
                under_way.popleft(), predictions, strict=True
            ):
                opened.add(offset, prediction)
                if opened.complete:
                    yield opened

    def _curves_to_stream(self, annotated: StackedRecord) -> obspy.Stream:
        curves = annotated.curves()
        record = annotated.record
        valid = np.flatnonzero(np.isfinite(curves[0]))
        if len(valid) == 0:
            return obspy.Stream()
        begin, end = valid[0], valid[-1] + 1
        labels = [*self.labels, OFFSET_LABEL] if self.regression else self.labels
        rate = record.sampling_rate / self.stride
        return obspy.Stream(
            obspy.Trace(
                np.ascontiguousarray(curve[begin:end]),
                {
                    "starttime": annotated.start_time + float(begin / rate),
                    "sampling_rate": rate,
                    "network": record.network,
                    "station": record.station,
                    "location": record.location,
                    "channel": f"{type(self).__name__}_{label}",
                },
            )
            for label, curve in zip(labels, curves, strict=True)
        )

    # Arguments

    def _get_argument(self, argdict: dict[str, Any], key: str) -> Any:
        return argdict.get(key, self._annotate_args[key][1])

    def _threshold(self, phase: str, argdict: dict[str, Any]) -> float:
        # P_threshold serves Pg and Pn as well, unless they have one of their own.
        for key in (f"{phase}_threshold", f"{phase[0]}_threshold"):
            if key in argdict:
                return argdict[key]
        return self._get_argument(argdict, "*_threshold")

    def get_model_args(self) -> dict[str, Any]:
        """All arguments that make this model again, for :py:meth:`save`."""
        return {
            "in_samples": self.in_samples,
            "phases": self.labels,
            "sampling_rate": self.sampling_rate,
            "component_order": self.component_order,
            "filter_args": self.filter_args,
            "filter_kwargs": self.filter_kwargs,
        }
