"""Datasets of a catalogue with picks and waveforms."""

import numpy as np
import obspy
import pytest
from obspy.core import event as quakeml

from seisbench_diting.data import make_dataset, open_dataset
from seisbench_diting.evaluation import WindowPicker, evaluate
from seisbench_diting.generate import find_arrivals

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
    """Two events 25 s apart at station A, whose arrivals are spikes; none of station B."""
    a = [("A", "P", 4.0), ("A", "S", 7.5)]
    events = [_event("one", 0, *a, ("B", "P", 5.0)), _event("two", 25, *a)]
    quakeml.Catalog(events).write(tmp_path / "events.xml", "QUAKEML")
    data = np.zeros(15_000, dtype=np.float32)
    begin = ORIGIN - 60
    for event in events:
        for pick in event.picks[:2]:
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
        expected = [1000, 1175, 2250, 2425] if name == "one" else [1000, 1175]
        assert samples[: len(expected)] == expected
        assert (waveform[:, expected] == 1000).all()


def test_all_events_of_a_record_are_labelled(files):
    swarm = [_event(name, 12 * n, ("A", "P", 4.0)) for n, name in enumerate("abcd")]
    quakeml.Catalog(swarm).write(files / "swarm.xml", "QUAKEML")
    make_dataset(files / "swarm.xml", files / "archive", output=files / "set")
    truth = open_dataset(files / "set").metadata.set_index("source_id").loc["a"]
    names = [f"trace_P{n}_arrival_sample" for n in ("", 2, 3, 4)]
    assert truth[names].tolist() == [1500, 2100, 2700, 3300]
    assert set(find_arrivals(names).values()) == {"P"}


def test_picks_of_another_labelled_event_are_not_false(files):
    def pick(waves, threshold):
        spikes = [np.flatnonzero(wave[0] > 0.5) for wave in waves]
        return [[("PS"[k % 2], s, 0.9) for k, s in enumerate(each)] for each in spikes]

    make_dataset(files / "events.xml", files / "archive", output=files / "set")
    picker = WindowPicker("spikes", RATE, "ZNE", pick)
    found = evaluate(picker, files / "set", split="all", progress=False)
    for phase in "PS":
        measured = found.measure(phase, bootstraps=0)
        assert (measured.arrivals, measured.picks, measured.right) == (2, 2, 2)


def test_picks_without_data_are_no_labels(files):
    archive, end = files / "archive", ORIGIN + 28
    for path in archive.iterdir():
        stream = obspy.read(path)
        stream.cutout(ORIGIN + 7, ORIGIN + 8)
        stream.trim(endtime=end).write(str(path), "MSEED")
    report = make_dataset(files / "events.xml", archive, output=files / "set")
    (row,) = open_dataset(files / "set").metadata.to_dict("records")
    assert row["source_id"] == "one"
    assert row["trace_P_arrival_sample"] == 1500
    assert np.isnan(row.get("trace_S_arrival_sample", np.nan))
    for name, phase in (("one", "S"), ("two", "P"), ("two", "S")):
        assert any(name in x and phase in x for x in report.problems)


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


def test_the_command_tells_picks_that_are_left_out(files, run):
    options = ("-c", files / "events.xml", "-i", files / "archive", "-o", files / "set")
    status, _, told = run("dataset", *options)
    assert status == 3
    assert "XX.B." in told
