"""The published training recipe, and what can be put on top of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from seisbench.generate import NullAugmentation, OneOf
from seisbench.models import EQTransformer, WaveformModel

from .. import models
from .._util import ArgumentError, errors_of, suggestion
from . import augmentations as aug
from .arrival_windows import (
    N_SAMPLES,
    PADLEN,
    ArrivalWindow,
    NoiseWindow,
    PeakScale,
    check_number,
)
from .arrivals import Phases
from .labellers import STRIDE, EQTLabeller, LPPNLabeller, PointLabeller

#: Labels by name.
LABELS = ("lppn", "point", "eqt")

Step = Callable[[dict[str, tuple[Any, Any]]], None]

#: Model or label: class, instance or name.
Learner: TypeAlias = str | WaveformModel | type[WaveformModel]


def label_of(model_or_label: Learner) -> str:
    """
    :param model_or_label: One of this package's pickers or SeisBench's EQTransformer
        (class, instance or name in any case), or a label's name
    :raises ArgumentError: if it is not one of these
    :return: ``lppn``, ``point`` or ``eqt``
    """
    name = model_or_label
    if not isinstance(name, str):
        name = (name if isinstance(name, type) else type(name)).__name__
    plain = name.lower().replace("++", "pp")
    known = {cls.lower(): getattr(models, cls) for cls in models.PICKERS}
    if name == "eqt" or plain == EQTransformer.__name__.lower():
        return "eqt"
    if plain in known:
        return "lppn" if known[plain].regression else "point"
    if plain in LABELS:
        return plain
    reason = "neither a model nor a label"
    names = [*models.PICKERS, EQTransformer.__name__, *LABELS]
    raise ArgumentError(
        "model_or_label", model_or_label, reason + suggestion(name, names)
    )


def make_labeller(
    label: str, key: tuple[str, str], stride: int, phases: Phases
) -> LPPNLabeller | PointLabeller | EQTLabeller:
    """The labeller of a label by name."""
    if label == "lppn":
        return LPPNLabeller(stride, phases, key)
    return {"point": PointLabeller, "eqt": EQTLabeller}[label](phases, key)


def training_augmentations(
    model_or_label: Learner | Sequence[Learner],
    *,
    stride: int = STRIDE,
    phases: Phases = None,
    **options: Any,
) -> list[Step]:
    """
    The published recipe for SeisBench's ``GenericGenerator``: a window around an arrival
    chosen at random, means removed, divided by the joint peak, scaled by a factor drawn
    from 0.5 to 2, and its label. The other augmentations are off by default.

        generator = GenericGenerator(dataset)
        generator.add_augmentations(training_augmentations("LPPNM", gap=0.2))

    The dataset gives the waveforms in its own ``component_order``, so set that to the
    model's. Its ``dimension_order`` must be ``NCW``. The name ``EQT`` is this package's
    picker, which learns ``point``; the label of the original EQTransformer is ``eqt`` in
    small letters, or ``EQTransformer``.

    :param model_or_label: Model or label, see :py:func:`label_of`, or several of them
    :param stride: Samples for one cell of LPPN's label
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param options: See :py:func:`window_augmentations`
    :raises ValueError: if an option has an impossible value
    :return: Steps of the generator. Output: ``X`` (components, samples) float32, and
        ``y`` for one label or a key of the label's name for each of several
    """
    if isinstance(model_or_label, Sequence) and not isinstance(model_or_label, str):
        labels = [label_of(one) for one in model_or_label]
        keys = {label: label for label in labels}
    else:
        keys = {label_of(model_or_label): "y"}
    return [
        *window_augmentations(phases=phases, **options),
        *(make_labeller(k, ("X", v), stride, phases) for k, v in keys.items()),
    ]


def check_options(options: Mapping[str, Any], told: Sequence[str] = ()) -> None:
    """
    :param options: Options of :py:func:`window_augmentations` by name
    :param told: Options that are given in another way
    :raises ArgumentError: if an option is unknown
    """
    known = {*inspect.signature(window_augmentations).parameters} - {*told}
    for name in options:
        if name not in known:
            reason = "there is no such option here" + suggestion(name, sorted(known))
            raise ArgumentError("augmentations", {name: options[name]}, reason)


def window_augmentations(
    *,
    n_samples: int = N_SAMPLES,
    padlen: int = PADLEN,
    within: bool = False,
    factor: tuple[float, float] = (0.5, 2.0),
    phases: Phases = None,
    component_order: str = "ZNE",
    noise_window: float = 0.0,
    time_stretch: float = 0.0,
    time_stretch_factor: tuple[float, float] = (0.5, 2.0),
    second_event: float = 0.0,
    second_event_records: Any = None,
    second_event_ratio: tuple[float, float] = (0.3, 1.0),
    component_gain: float = 0.0,
    component_gain_ratio: tuple[float, float] = (0.5, 2.0),
    differentiation: float = 0.0,
    integration: float = 0.0,
    band_limit: float = 0.0,
    gaussian_noise: float = 0.0,
    real_noise: float = 0.0,
    noise_records: Any = None,
    snr_db: tuple[float, float] = (0.0, 20.0),
    clipping: float = 0.0,
    glitch: float = 0.0,
    rotation: float = 0.0,
    polarity_flip: float = 0.0,
    record_edge: float = 0.0,
    component_dropout: float = 0.0,
    gap: float = 0.0,
    gap_length: tuple[int, int] = (50, 1000),
) -> list[Step]:
    """
    The published recipe without label. The options that are 0 by default are
    probabilities.

    :param n_samples: Length of the window in samples
    :param padlen: Least distance of the chosen arrival from the edges in samples
    :param within: If true, windows lie in the record where that is possible; zeros
        beside it are a step that some pickers fire at
    :param factor: Smallest and largest factor of the amplitude
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param component_order: Order of the components that the dataset gives; for rotation
    :param noise_window: A window before the first arrival, without label
    :param time_stretch: The record as if everything had happened slower or faster
    :param time_stretch_factor: Smallest and largest quotient of new and old length
    :param second_event: A second event on top, with its own labels
    :param second_event_records: Dataset it is drawn from
    :param second_event_ratio: Smallest and largest quotient of its peak and the first's
    :param component_gain: Each component multiplied by a factor of its own
    :param component_gain_ratio: Smallest and largest of these factors
    :param differentiation: All components differentiated
    :param integration: All components integrated
    :param band_limit: A high-pass, a low-pass or both, of drawn corners and order
    :param gaussian_noise: Added white noise
    :param real_noise: Added noise of a record
    :param noise_records: Dataset it is drawn from
    :param snr_db: Smallest and largest signal-to-noise ratio of added noise
    :param clipping: Samples above a share of the peak cut off
    :param glitch: A step or a spike in one component, which has no label
    :param rotation: Horizontals rotated by a random angle
    :param polarity_flip: All components upside down
    :param record_edge: The record begins or ends in the window
    :param component_dropout: One or two components dead
    :param gap: A gap in all components; an arrival in it loses its label
    :param gap_length: Smallest and largest length of the gap in samples
    :raises ValueError: if an option has an impossible value
    :return: Steps of a generator
    """
    given = locals()
    sources = {"second_event": "second_event_records", "real_noise": "noise_records"}
    for option, name in sources.items():
        records = given[name]
        if given[option] and (
            not records or list(records.component_order) != list(component_order)
        ):
            reason = f"use a dataset with records and {component_order=}"
            raise ArgumentError(name, records, reason)
    window = ArrivalWindow(n_samples, padlen, within, phases=phases)
    quiet = NoiseWindow(n_samples, padlen, phases=phases)
    with errors_of("second_event_ratio", second_event_ratio):
        second = aug.SecondEvent(
            second_event_records, second_event_ratio, padlen, phases=phases
        )
    with errors_of("time_stretch_factor", time_stretch_factor):
        stretch = aug.TimeStretch(time_stretch_factor)
    with errors_of("component_gain_ratio", component_gain_ratio):
        gain = aug.ComponentGain(component_gain_ratio)
    with errors_of("gap_length", gap_length):
        cut = aug.Gap(gap_length, phases=phases)
    possible: dict[str, Any] = {
        "time_stretch": stretch,
        "noise_window": quiet,
        "second_event": second,
        "component_gain": gain,
        "differentiation": aug.Differentiation(),
        "integration": aug.Integration(),
        "band_limit": aug.BandLimit(),
        "gaussian_noise": aug.GaussianNoiseAtSNR(snr_db, phases=phases),
        "real_noise": aug.RealNoiseAtSNR(noise_records, snr_db=snr_db, phases=phases),
        "clipping": aug.Clipping(),
        "glitch": aug.Glitch(phases=phases),
        "rotation": aug.HorizontalRotation(component_order) if rotation else None,
        "polarity_flip": aug.PolarityFlip(),
        "record_edge": aug.RecordEdge(phases=phases),
        "component_dropout": aug.ComponentDropout(phases=phases),
        "gap": cut,
    }
    steps: list[Step] = []
    for name, step in possible.items():
        probability = given[name]
        check_number(name, probability, 0, 1)
        other = window if step is quiet else NullAugmentation()
        if probability == 1:
            steps.append(step)
        elif probability:
            steps.append(OneOf([step, other], [probability, 1 - probability]))
        elif other is window:
            steps.append(window)
    return [*steps, PeakScale(factor)]
