"""QuakeML files, written event by event and read element by element."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree
from obspy.core.event import Catalog, Event, ResourceIdentifier

from .._util import replacing

_ROOT = "http://quakeml.org/xmlns/quakeml/1.2"
_BODY = "http://quakeml.org/xmlns/bed/1.2"


class QuakeMLFile:
    """
    An open file; see :py:func:`quakeml_file`.

    :param file: lxml's, inside the element that holds events
    """

    def __init__(self, file: etree._IncrementalFileWriter) -> None:
        self._file = file

    def write(self, name: ResourceIdentifier, parts: Iterable[Event]) -> None:
        """
        :param name: Of the event
        :param parts: Events of ObsPy that together are this one; one is in memory
        """
        with self._file.element(f"{{{_BODY}}}event", publicID=name.id):
            for part in parts:
                for element in _elements(part):
                    self._file.write(element)


@contextmanager
def quakeml_file(path: str | Path, name: ResourceIdentifier) -> Iterator[QuakeMLFile]:
    """
    :param path: File to write; it is whole or not there
    :param name: Of the list of events
    :return: File that events are written to
    """
    with (
        replacing(Path(path)) as temporary,
        etree.xmlfile(str(temporary), encoding="utf-8") as file,
    ):
        file.write_declaration()
        with (
            file.element(f"{{{_ROOT}}}quakeml", nsmap={None: _BODY, "q": _ROOT}),
            file.element(f"{{{_BODY}}}eventParameters", publicID=name.id),
        ):
            yield QuakeMLFile(file)


def _elements(event: Event) -> etree._Element:
    """What is in the event, written by ObsPy."""
    buffer = io.BytesIO()
    Catalog([event], resource_id=event.resource_id).write(buffer, format="QUAKEML")
    parameters = etree.fromstring(buffer.getvalue())[0]
    element = parameters[0]
    # Its namespace is that of the file, and would be written again for each part.
    for part in element.iter():
        part.tag = etree.QName(part).localname
    parameters.remove(element)
    return element


def iterate(file: BinaryIO, **which: Any) -> etree.iterparse:
    """
    Files come from anywhere: nothing that they refer to is opened.

    :param file: Open file
    :param which: ``events`` and ``tag`` of lxml's ``iterparse``
    :return: Events and elements
    """
    return etree.iterparse(
        file, **which, resolve_entities=False, no_network=True, load_dtd=False
    )
