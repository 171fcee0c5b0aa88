"""Published weights as SeisBench's pretrained models: fetched, converted, cached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from packaging import version
from seisbench.models import WaveformModel

from ..weights import WeightsError, WeightSet, find_set, install, weight_sets
from .backends import weights_checksum
from .checkpoints import PublishedLayout, read_state_dict

Model = TypeVar("Model", bound="PretrainedModel")


class PretrainedModel(WaveformModel):
    """
    A model whose pretrained weights come from the registry of this package instead of
    SeisBench's own repository. They lie in SeisBench's cache, in SeisBench's format.
    """

    #: How the published checkpoints of this network are written.
    published_layout: ClassVar[PublishedLayout]
    #: Checksum of the weights as they lie in a file, if they were loaded from one.
    stored_checksum: str | None = None

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
                            the cache
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
        if name is None:
            name = find_set(cls.__name__).name
        version_str = cls._choose_version(name, version_str, update)
        for entry in weight_sets(cls.__name__):
            if (entry.name, entry.version) == (name, version_str):
                cls.install_published(entry, force=force, wait_for_file=wait_for_file)
        try:
            return cls.load(cls._model_path() / name, version_str=version_str)
        except Exception as error:
            raise WeightsError(
                f"The weights {cls.__name__}/{name}, version {version_str}, in "
                f"{cls._model_path()} cannot be read, perhaps because the files are "
                f"damaged: {_summary(error)}. Two ways out: from_pretrained({name!r}, "
                f"force=True), or run `seisbench-diting weights fetch "
                f"{cls.__name__}/{name} --force`; for weights of your own, save them "
                f"again."
            ) from error

    @classmethod
    def _choose_version(cls, name: str, version_str: str, update: bool) -> str:
        every = cls.list_versions(name)
        if not every:
            names = ", ".join(map(repr, cls.list_pretrained()))
            raise ValueError(
                f"name={name!r} is no weight set of {cls.__name__}; available: {names}."
            )
        if version_str == "latest":
            cached = cls.list_versions(name, remote=False)
            return max(every if update or not cached else cached, key=version.parse)
        if version_str not in every:
            raise ValueError(
                f"version_str={version_str!r} is no version of "
                f"{cls.__name__}/{name}; available: {', '.join(map(repr, every))}."
            )
        return version_str

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
            metadata["source"] = {
                "url": entry.url,
                "sha256": entry.sha256,
                "git_blob": entry.git_blob,
                "licence": entry.licence,
                "citation": entry.citation,
            }
            metadata_path.write_text(json.dumps(metadata, indent=4), encoding="utf-8")

        install(entry, cls._model_path(), write, content=content, **kwargs)

    @classmethod
    def from_published(cls: type[Model], entry: WeightSet, content: bytes) -> Model:
        """
        A model with the weights of a published checkpoint.

        :param entry: What the registry says of the checkpoint
        :param content: The file, as published
        :return: Model with weights, in evaluation mode
        :raises ValueError: If the file is no state dict of this network
        """
        state = read_state_dict(content)
        if not entry.bundled:
            state = cls.published_layout.convert(state, entry.labels)
        model = cls(
            phases=list(entry.labels),
            sampling_rate=entry.sampling_rate,
            component_order=entry.component_order,
            default_args=dict(entry.default_args),
        )
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f"The file of {entry.title} holds another network than "
                f"{cls.__name__}: {error}"
            ) from error
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
        names = set()
        if cls._model_path().is_dir():
            for path in cls._model_path().iterdir():
                name, kind, _ = cls._parse_weight_filename(path)
                if kind == "json" and cls.list_versions(name, remote=False):
                    names.add(name)
        published = {entry.name: entry for entry in weight_sets(cls.__name__)}
        if remote:
            names |= set(published)
        if not details:
            return sorted(names)
        return {
            name: published[name].docstring
            if name in published
            else cls._get_latest_docstring(name, remote=False)
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
        try:
            stored = super().list_versions(name, remote=False)
        except FileExistsError:
            # SeisBench makes the folder of its cache, and so did another process.
            stored = super().list_versions(name, remote=False)
        versions = {found for found in stored if _is_version(found)}
        if remote:
            versions |= {
                entry.version
                for entry in weight_sets(cls.__name__)
                if entry.name == name
            }
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
        if not kwargs.pop("weights_only", True):
            raise ValueError(
                "weights_only=False is not possible: it would run whatever code the "
                "file holds."
            )
        kwargs.setdefault("map_location", "cpu")
        model = super().load(path, version_str=version_str, weights_only=True, **kwargs)
        model.stored_checksum = weights_checksum(model)
        return model.eval()


def _is_version(text: str) -> bool:
    try:
        version.parse(text)
    except version.InvalidVersion:
        return False
    return True


def _summary(error: Exception) -> str:
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"
