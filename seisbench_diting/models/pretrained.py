"""Published weights as SeisBench's pretrained models: fetched, converted, cached."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from packaging import version
from seisbench.models import WaveformModel
from torch import nn

from .._util import ArgumentError, read_toml, suggestion
from ..weights import (
    Reliability,
    WeightsError,
    WeightSet,
    find_set,
    install,
    weight_sets,
)

Model = TypeVar("Model", bound="PretrainedModel")

#: How the parameters of the published checkpoints are called, for each family.
LAYOUTS = read_toml(
    Path(__file__).with_name("published_names.toml").read_text(encoding="utf-8")
)


def convert_published(
    published: Mapping[str, torch.Tensor],
    labels: Sequence[str],
    layout: Mapping[str, Any],
) -> dict[str, torch.Tensor]:
    """
    :param published: State dict of a published network
    :param labels: Classes to keep
    :param layout: How its parameters are called, one of :py:data:`LAYOUTS`
    :return: State dict for the network of this package
    """
    axis = layout.get("squeeze_axis")
    state = {}
    for name, value in published.items():
        if any(re.search(pattern, name) for pattern in layout.get("unused", ())):
            continue
        for pattern, replacement in layout["renames"]:
            name = re.sub(pattern, replacement, name)
        if axis is not None and value.ndim == 4:
            value = value.squeeze(axis)
        if name.startswith(layout["class_head"] + "."):
            value = value[: len(labels)]
        state[name] = value.clone()
    return state


def read_state_dict(content: bytes) -> dict[str, torch.Tensor]:
    """
    Reads a state dict without running any code that may be hidden in it.

    :param content: A file written by ``torch.save``
    :return: The state dict, on the CPU
    :raises ValueError: If the file contains anything except named tensors
    """
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        reason = "The file is not a plain state dict of PyTorch and was not loaded"
        raise ValueError(f"{reason}: {_summary(error)}") from error
    values = state.values() if isinstance(state, dict) else [None]
    if not all(isinstance(value, torch.Tensor) for value in values):
        raise ValueError("The file is not a state dict of tensors.")
    return state


def weights_checksum(model: nn.Module) -> str:
    """SHA-256 of the names, types, shapes and values of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        # As bytes: NumPy does not have all types.
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(memoryview(flat.view(torch.uint8).numpy()))
    return digest.hexdigest()


class PretrainedModel(WaveformModel):
    """
    A model whose pretrained weights come from the registry of this package instead of
    SeisBench's own repository. They lie in SeisBench's cache, in SeisBench's format.
    """

    #: Entry of :py:data:`LAYOUTS` for this network.
    published_layout: ClassVar[Mapping[str, Any]]
    #: Checksum of the weights as they lie in a file, if they were loaded from one.
    stored_checksum: str | None = None
    #: Reliability of picks of P and S; empty if it was not measured for these weights.
    reliability: Mapping[str, Reliability] = {}

    @classmethod
    def from_pretrained(
        cls: type[Model],
        name: str | None = None,
        version_str: str = "latest",
        update: bool = False,
        force: bool = False,
        wait_for_file: bool = False,
    ) -> Model:
        """
        Load a model with published weights, or with any others in SeisBench's cache.

        The published file is fetched once, verified against its checksum, converted
        and stored in the cache. Later calls touch no network.

        :param name: Name of the weights, see :py:meth:`list_pretrained`. By default
                     the set that the registry declares for this model.
        :param version_str: Version of the weights, or "latest" for the latest one in
                            the cache or in the package
        :param update: If true, "latest" includes versions that are not yet in the cache
        :param force: If true, fetch published weights again
        :param wait_for_file: If true, wait for another process that is fetching the
                              same weights with this option instead of fetching them,
                              too
        :return: Model with weights, in evaluation mode
        :raises ValueError: If there are no weights of this name and version
        :raises seisbench_diting.weights.WeightsError: If the weights cannot be fetched,
                stored or read
        """
        name = name or find_set(cls.__name__).name
        versions = cls.list_versions(name)
        if not versions:
            known = suggestion(name, cls.list_pretrained())
            raise ArgumentError(
                "name", name, f"{cls.__name__} has no such weights{known}"
            )
        if version_str == "latest":
            cached = cls.list_versions(name, remote=False)
            # The newest that needs no network: a set in the package beats an older one
            # in the cache.
            sets = weight_sets(cls.__name__)
            update = update or any(x.bundled for x in sets if x.name == name)
            version_str = (versions if update or not cached else cached)[-1]
        elif version_str not in versions:
            reason = f"{cls.__name__}/{name} has {', '.join(map(repr, versions))}"
            raise ArgumentError("version_str", version_str, reason)
        for entry in weight_sets(cls.__name__):
            if (entry.name, entry.version) == (name, version_str):
                cls.install_published(entry, force=force, wait_for_file=wait_for_file)
        try:
            return cls.load(cls._model_path() / name, version_str=version_str)
        except Exception as error:
            raise WeightsError(
                f"The weights {cls.__name__}/{name}, version {version_str}, in "
                f"{cls._model_path()} cannot be read: {_summary(error)}. If the files "
                f"are damaged, fetch them again: from_pretrained({name!r}, force=True) "
                f"or `seisbench-diting weights fetch {cls.__name__}/{name} --force`."
            ) from error

    @classmethod
    def install_published(
        cls, entry: WeightSet, content: bytes | None = None, **kwargs: Any
    ) -> None:
        """
        Put a published weight set into SeisBench's cache.

        :param entry: The weight set
        :param content: The published file, where it is at hand; by default it is
                        fetched
        :param kwargs: Passed on to :py:func:`seisbench_diting.weights.install`
        """

        def write(path: Path, content: bytes) -> None:
            cls.from_published(entry, content).save(
                path, weights_docstring=entry.docstring, version_str=entry.version
            )
            metadata_path = path.with_name(f"{path.name}.json.v{entry.version}")
            metadata = json.loads(metadata_path.read_text(encoding="utf-8"))
            metadata["version"] = entry.version
            source = ("url", "sha256", "git_blob", "licence", "citation")
            metadata["source"] = {key: getattr(entry, key) for key in source}
            metadata_path.write_text(json.dumps(metadata, indent=4), encoding="utf-8")

        install(entry, cls._model_path(), write, content=content, **kwargs)

    @classmethod
    def from_published(cls: type[Model], entry: WeightSet, content: bytes) -> Model:
        """
        A model with the weights of a published checkpoint.

        :param entry: What the registry says of the checkpoint
        :param content: The file, as published
        :return: Model with weights, in evaluation mode
        :raises ValueError: If the file is not a state dict
        """
        state = read_state_dict(content)
        if not entry.bundled:
            state = convert_published(state, entry.labels, cls.published_layout)
        model = cls(
            phases=list(entry.labels),
            sampling_rate=entry.sampling_rate,
            component_order=entry.component_order,
            default_args=dict(entry.default_args),
        )
        model.load_state_dict(state)
        model.reliability = entry.reliability
        return model.eval()

    @classmethod
    def list_pretrained(
        cls, details: bool = False, remote: bool = True
    ) -> list[str] | dict[str, str | None]:
        """
        Names of the weights of this model. Needs no network.

        :param details: If true, also return their docstrings
        :param remote: If true, those that are published and those in SeisBench's cache;
                       otherwise only the latter
        :return: List of names, or names and docstrings
        """
        folder = cls._model_path()
        files = folder.iterdir() if folder.is_dir() else ()
        found = {cls._parse_weight_filename(path)[0] for path in files}
        names = {name for name in found if name and cls.list_versions(name, False)}
        published = {entry.name: entry.docstring for entry in weight_sets(cls.__name__)}
        names |= set(published) if remote else set()
        if not details:
            return sorted(names)
        return {
            name: published.get(name) or cls._get_latest_docstring(name, remote=False)
            for name in sorted(names)
        }

    @classmethod
    def list_versions(cls, name: str, remote: bool = True) -> list[str]:
        """
        Versions of weights. Needs no network.

        :param name: Name of the weights
        :param remote: If true, those that are published and those in SeisBench's cache;
                       otherwise only the latter
        :return: Versions, sorted
        """
        folder = cls._model_path()
        files = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        found = cls._get_versions_from_files(name, files)
        if remote:
            sets = weight_sets(cls.__name__)
            found += [entry.version for entry in sets if entry.name == name]
        # Ignores files such as NAME.json.v1.bak.
        versions = {one for one in found if re.fullmatch(r"\d+(\.\d+)*", one)}
        return sorted(versions, key=version.parse)

    @classmethod
    def load(
        cls: type[Model],
        path: str | Path,
        version_str: str | None = None,
        **kwargs: Any,
    ) -> Model:
        """
        Load a model that was written by :py:meth:`save`. In contrast to SeisBench it is
        in evaluation mode, so that calling it gives what it was trained to give.

        :param path: Path without the suffixes ``.pt`` and ``.json``
        :param version_str: Version suffix of the files. If None, none is appended.
        :param kwargs: Passed on to ``torch.load``; ``weights_only`` is always true
        :return: Model with weights, in evaluation mode
        """
        kwargs = {"map_location": "cpu", **kwargs, "weights_only": True}
        model = super().load(path, version_str=version_str, **kwargs)
        model.stored_checksum = weights_checksum(model)
        source = model._weights_metadata.get("source", {}).get("git_blob")
        for entry in weight_sets(cls.__name__):
            if entry.git_blob == source:
                model.reliability = entry.reliability
        return model.eval()

    def train(self: Model, mode: bool = True) -> Model:
        """
        As in PyTorch. In training mode the model forgets the reliability of its picks, as
        its weights will be others.

        :param mode: If true, training mode, otherwise evaluation mode
        :return: The model
        """
        if mode:
            self.reliability = {}
        return super().train(mode)


def _summary(error: Exception) -> str:
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"
