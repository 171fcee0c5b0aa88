"""Datasets of a catalogue with picks and waveforms."""

import numpy as np
import obspy
import pytest
from obspy.core import event as quakeml

from seisbench_diting.data import make_dataset, open_dataset

ORIGIN = obspy.UTCDateTime(2020, 1, 1, 12)
RATE = 50.0


def _event(name: str, seconds: float, *picks: tuple[str, str, float]) -> quakeml.Event:
    return quakeml.Event(
        resource_id=quakeml.ResourceIdentifier(f"smi:local/{name}"),
        origins=[
            quakeml.Origin(time=ORIGIN + seconds, latitude=30, longitude=100, depth=5e3)
        ],
        picks=[
            quakeml.Pick(
                time=ORIGIN + seconds + after,
                phase_hint=phase,
                waveform_id=quakeml.WaveformStreamID("XX", station),
            )
            for station, phase, after in picks
        ],
    )


@pytest.fixture
def files(tmp_path):
    """Two events 40 s apart at station A, whose arrivals are spikes; none of station B."""
    a = [("A", "P", 4.0), ("A", "S", 7.5)]
    events = [_event("one", 0, *a, ("B", "P", 5.0)), _event("two", 40, *a)]
    quakeml.Catalog(events).write(tmp_path / "events.xml", "QUAKEML")
    data = np.zeros(15_000, dtype=np.float32)
    begin = ORIGIN - 60
    for event in events:
        for pick in event.picks:
            data[round((pick.time - begin) * RATE)] = 1000
    header = {"network": "XX", "station": "A", "location": "00"}
    header |= {"sampling_rate": RATE, "starttime": begin}
    (tmp_path / "archive").mkdir()
    for code in "12Z":
        trace = obspy.Trace(data, header | {"channel": f"HH{code}"})
        trace.write(str(tmp_path / "archive" / f"{code}.mseed"), "MSEED")
    return tmp_path


def test_arrivals_are_where_the_signal_is(files):
    report = make_dataset(
        *(files / "events.xml", files / "archive"), output=files / "set", before=20
    )
    assert report.splits.total() == 2
    assert any("XX.B." in line for line in report.problems)

    dataset = open_dataset(files / "set", component_order="ZNE")
    assert sorted(dataset.metadata["source_id"]) == ["one", "two"]
    for number, name in enumerate(dataset.metadata["source_id"]):
        waveform, metadata = dataset.get_sample(number)
        columns = [f"trace_{phase}_arrival_sample" for phase in ("P", "S", "P2", "S2")]
        samples = [metadata[column] for column in columns]
        # The other event begins before the record of the second one.
        expected = [1000, 1175, 3000, 3175] if name == "one" else [1000, 1175]
        assert samples[: len(expected)] == expected
        assert (waveform[:, expected] == 1000).all()


def test_what_is_wrong_is_named(files):
    catalog, archive, output = (files / x for x in ("events.xml", "archive", "set"))
    quakeml.Catalog([_event("one", 0)]).write(files / "no_picks.xml", "QUAKEML")
    with pytest.raises(ValueError, match="catalog"):
        make_dataset(files / "no_picks.xml", archive, output=output)
    make_dataset(catalog, archive, output=output)
    with pytest.raises(ValueError, match="output"):
        make_dataset(catalog, archive, output=output)
    for path in archive.iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="inputs"):
        make_dataset(catalog, archive, output=files / "none")
    assert not (files / "none" / "metadata.csv").exists()
