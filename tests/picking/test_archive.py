"""Archives of real records, picked as one user or another has them on disk."""

import json
import os
import shutil

import numpy as np
import obspy
import pandas as pd
import pytest
from archives import (
    assert_same_picks,
    renamed,
    row_tuples,
    write_inventory,
    write_pieces,
)

from seisbench_diting.picking import pick_archive
from seisbench_diting.tables import read_picks


def run(inputs, output, model, **options):
    return pick_archive(inputs, output, model, **{"progress": False, **options})


def lines(path):
    return path.read_text().splitlines()


def read_all(folder) -> obspy.Stream:
    stream = obspy.Stream()
    for root, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".csv"):
                stream += obspy.read(os.path.join(root, name))
    return stream


@pytest.mark.parametrize(
    "name",
    ["x1_event", "SC.202305230113.0001.seed", "ci_2020", "ridgecrest", "cx_pb01"],
)
def test_picks_are_those_of_classify(name, reference, published, tmp_path):
    model = published("LPPNM", "csn")
    path = reference / "data" / name
    stream = read_all(path) if path.is_dir() else obspy.read(str(path))

    result = run(path, tmp_path / "out", model)

    assert len(result.picks) > 0
    assert_same_picks(result.picks, model.classify(stream).picks)
    table = read_picks(tmp_path / "out.csv")
    assert row_tuples(table) == row_tuples(result.picks)
    text = read_picks(tmp_path / "out.txt")
    assert len(text) == len(table)
    assert set(text["record"]) == set(table["record"])
    assert all(os.path.isfile(record) for record in table["record"])


def test_the_event_record(reference, published, tmp_path):
    run(reference / "data" / "x1_event", tmp_path / "out", published("RNN", "csn"))

    picks = read_picks(tmp_path / "out.txt")
    assert set(picks["station_id"]) == {"X1.53085.01"}
    assert picks["record"].str.endswith("BHZ.D.20122080726235953.sac").all()
    p = picks[(picks["phase"] == "P") & (picks["relative_time_s"].between(96, 96.4))]
    s = picks[(picks["phase"] == "S") & (picks["relative_time_s"].between(122, 123))]
    assert len(p) == len(s) == 1
    assert 3 < p["snr"].item() < 10
    assert 3000 < p["amplitude"].item() < 10000 < s["amplitude"].item()
    summary = json.loads((tmp_path / "out.json").read_text())
    assert summary["status"] == "complete"
    assert summary["picks"] == len(picks)
    assert summary["files"] == 3
    assert summary["station_days"] == pytest.approx(260.01 / 86400, abs=1e-6)
    assert len(lines(tmp_path / "out.log")) == 2  # It lies around midnight.
    assert lines(tmp_path / "out.err") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LPPNM", "RNN"])
def test_midnight_and_random_hours(name, published, cx_pb01, tmp_path, rng):
    model = published(name, "csn")
    # Midnight lies in the middle of the record.
    record = renamed(cx_pb01, "PB01", "2014-05-01T16:46:54.632")
    length = record[0].stats.npts / 100
    cuts = np.arange(1, 12) * 3600 + rng.uniform(-600, 600, 11)
    for channel in ("HHZ", "HHN", "HHE"):
        places = cuts + rng.uniform(-300, 300, 11)
        write_pieces(
            record.select(channel=channel),
            tmp_path / "archive",
            places[places < length],
        )
    assert len(list((tmp_path / "archive").iterdir())) == 36

    table = run(tmp_path / "archive", tmp_path / "out", model).picks
    whole = model.classify(record).picks

    shared = 0
    for phase in "PS":
        ours = table[table["phase"] == phase]["time"].astype("int64").to_numpy() / 1e6
        theirs = np.array(
            [pick.peak_time.timestamp for pick in whole if pick.phase == phase]
        )
        assert np.diff(ours).min() >= 1.0
        shared += sum(np.abs(ours - time).min() <= 0.02 for time in theirs)
        assert len(ours) <= 1.01 * len(theirs)
    assert shared >= 0.99 * len(whole)
    assert len(table) == pytest.approx(len(whole), rel=0.01)


def test_an_arrival_at_midnight_is_found_once(published, event_record, tmp_path):
    model = published("RNN", "csn")
    midnight = obspy.UTCDateTime(2020, 2, 29)
    first = event_record[0].stats.starttime
    surest = max(model.classify(event_record).picks, key=lambda pick: pick.peak_value)
    for after in (-0.05, -0.001, 0.0, 0.001, 0.05):
        # This pick lies so long after midnight.
        start = midnight - (surest.peak_time - first) + after
        moved = renamed(event_record, "M", str(start))
        folder = tmp_path / f"archive{after}"
        folder.mkdir()
        for trace in moved:
            for number, piece in enumerate(
                (trace.slice(endtime=midnight - 0.005), trace.slice(midnight - 0.005))
            ):
                piece.write(str(folder / f"{trace.id}.{number}.mseed"), format="MSEED")

        table = run(folder, tmp_path / f"out{after}", model).picks

        assert_same_picks(table, model.classify(moved).picks)
        near = (table["time"] - pd.Timestamp("2020-02-29", tz="UTC")).dt.total_seconds()
        assert (near.abs() < 0.2).sum() == 1


def test_a_station_day_whose_files_changed_is_picked_again(fast, small, tmp_path):
    folder = tmp_path / "archive"
    shutil.copytree(small, folder)
    taken = sorted(folder.glob("S3/*.2.[0-2].mseed"))
    assert len(taken) == 9
    for path in taken:
        path.rename(tmp_path / path.name)
    run(folder, tmp_path / "out", fast)
    before = len(read_picks(tmp_path / "out.csv"))

    same = run(folder, tmp_path / "out", fast)
    assert same.summary["this_run"]["station_days"] == 0
    assert len(read_picks(tmp_path / "out.csv")) == before
    for path in taken:
        (tmp_path / path.name).rename(path)
    more = run(folder, tmp_path / "out", fast)

    assert 0 < more.summary["this_run"]["station_days"] < 0.01
    whole = run(folder, tmp_path / "whole", fast)
    assert row_tuples(more.picks) == row_tuples(whole.picks)
    assert len(whole.picks) > before


def test_one_file_with_many_stations_and_files_in_a_list(
    fast, small, tmp_path, monkeypatch
):
    expected = row_tuples(run(small, tmp_path / "out", fast).picks)
    paths = sorted(small.rglob("*.mseed"))
    one = tmp_path / "one.mseed"
    with one.open("wb") as file:
        for path in paths:
            file.write(path.read_bytes())
    assert row_tuples(run(one, tmp_path / "one", fast).picks) == expected

    listed = tmp_path / "files.txt"
    names = [path.relative_to(small.parent) for path in paths]
    listed.write_text(
        "# three components a line\n"
        + "".join(
            f"archive,{a},{b},{c}\n".replace("archive/", "")
            for a, b, c in zip(*[iter(names)] * 3, strict=True)
        )
    )
    (tmp_path / "archive").symlink_to(small)
    assert row_tuples(run(listed, tmp_path / "listed", fast).picks) == expected

    monkeypatch.setattr("sys.stdin", [f"{path}\n" for path in paths])
    assert row_tuples(run("-", tmp_path / "stdin", fast).picks) == expected


def test_the_folder_of_the_output_is_picked(fast, event_record, tmp_path):
    for trace in event_record:
        trace.write(str(tmp_path / f"{trace.id}.sac"), format="SAC")

    for _ in range(2):
        result = run(
            tmp_path,
            tmp_path / "out",
            fast,
            plot=True,
            formats=["csv", "txt", "gamma"],
        )
        assert result.summary["files"] == 3
        assert lines(tmp_path / "out.err") == []


def test_large_files_are_read_in_pieces(fast, cx_pb01, tmp_path, monkeypatch):
    from seisbench_diting.waveforms import reading as index

    path = tmp_path / "day.mseed"
    start = cx_pb01[0].stats.starttime
    part = cx_pb01.slice(start, start + 3600)
    part.write(str(path), format="MSEED")
    expected = row_tuples(run(path, tmp_path / "whole", fast).picks)
    sizes = []
    read = index.read_part

    def read_part(part, **options):
        sizes.append(part.length)
        return read(part, **options)

    monkeypatch.setattr(index, "read_part", read_part)
    monkeypatch.setattr(index, "PIECE_BYTES", 1 << 16)

    result = run(path, tmp_path / "pieces", fast)

    assert len(sizes) > 5
    assert set(sizes) == {1 << 16}
    assert row_tuples(result.picks) == expected
    whole, pieces = (read_picks(tmp_path / f"{n}.csv") for n in ("whole", "pieces"))
    pd.testing.assert_series_equal(whole["relative_time_s"], pieces["relative_time_s"])


def test_stations_and_times(fast, small, tmp_path):
    everything = run(small, tmp_path / "all", fast).picks
    start, end = "2020-01-02", "2020-01-03T00:00:30"

    some = run(
        small, tmp_path / "some", fast, stations="CX.S[12],CX.S5.", start=start, end=end
    )
    table = some.picks
    assert some.summary["stations"] == 3

    expected = everything[
        everything["station_id"].isin(["CX.S1.", "CX.S2.", "CX.S5."])
        & (everything["time"] >= pd.Timestamp(start, tz="UTC"))
        & (everything["time"] < pd.Timestamp(end, tz="UTC"))
    ]
    assert len(expected) > 0
    assert row_tuples(table) == row_tuples(expected)
    with pytest.raises(ValueError, match=r"^stations=.*XX.*nothing"):
        run(small, tmp_path / "none", fast, stations="XX.*")
    # A wrong word is no run: the name is free for the right one.
    assert not list(tmp_path.glob("none*"))
    again = run(small, tmp_path / "none", fast, stations="CX.S[12]")
    assert len(again.picks)


@pytest.mark.parametrize("name", ["picks.csv", "picks.txt", "picks.xml"])
def test_a_name_is_no_file(small, tmp_path, fast, name):
    with pytest.raises(ValueError, match=r"output=.*'picks' makes picks\.csv"):
        run(small, tmp_path / name, fast)


def with_instruments(record, codes):
    stream = obspy.Stream()
    for number, code in enumerate(codes):
        more = record.copy()
        for trace in more:
            trace.data = np.roll(trace.data, 1000 * number)
            trace.stats.channel = code + trace.stats.channel[-1]
        stream += more
    return stream


def test_the_preferred_instrument(fast, event_record, tmp_path):
    both = with_instruments(event_record, ["HN", "BH"])
    (tmp_path / "in").mkdir()
    for trace in both:
        trace.write(str(tmp_path / "in" / f"{trace.id}.sac"), format="SAC")
    broadband = fast.classify(both.select(channel="BH?")).picks
    strong = fast.classify(both.select(channel="HN?")).picks

    default = run(tmp_path / "in", tmp_path / "default", fast)
    other = run(tmp_path / "in", tmp_path / "other", fast, instruments="HN,BH")
    every = run(tmp_path / "in", tmp_path / "all", fast, instruments="all")

    assert_same_picks(default.picks, broadband)
    assert_same_picks(other.picks, strong)
    assert_same_picks(every.picks, [*broadband, *strong])
    (line,) = lines(tmp_path / "default.err")
    assert line.startswith("X1.53085.01\tHN is not used where BH records as well")
    assert lines(tmp_path / "all.err") == []


def test_names_where_headers_say_nothing(fast, event_record, tmp_path):
    for trace in event_record.copy():
        path = tmp_path / "in" / f"X1_53085.{trace.stats.channel[-1]}.sac"
        path.parent.mkdir(exist_ok=True)
        for name in ("network", "station", "location", "channel"):
            trace.stats[name] = ""
        del trace.stats.sac
        trace.write(str(path), format="SAC")

    with pytest.raises(ValueError, match=r"hold no waveforms .* no station code"):
        run(tmp_path / "in", tmp_path / "without", fast)
    result = run(
        tmp_path / "in",
        tmp_path / "out",
        fast,
        name_pattern="{network}_{station}.{channel}.sac",
    )

    assert set(result.picks["station_id"]) == {"X1.53085."}
    expected = fast.classify(event_record).picks
    assert len(result.picks) == len(expected)
    times = [row[2] for row in row_tuples(result.picks)]
    assert times == [
        round(p.peak_time.ns / 1000)
        for p in sorted(expected, key=lambda p: (p.phase, p.peak_time))
    ]


def test_gaps_overlaps_and_what_is_missing(published, cx_pb01, tmp_path):
    model = published("LPPNM", "csn")
    start = cx_pb01[0].stats.starttime
    stream = cx_pb01.slice(start, start + 3600).copy()
    z, n, e = (stream.select(channel=f"HH{c}")[0] for c in "ZNE")
    folder = tmp_path / "in"
    folder.mkdir()
    # The same again, something else for 20 s, a clock that jumps by 0.4 samples, a
    # component that begins later, and another one that is missing for a while.
    z.slice(start, start + 1000).write(str(folder / "z0.mseed"), format="MSEED")
    z.slice(start + 990, start + 1800).write(str(folder / "z1.mseed"), format="MSEED")
    other = z.slice(start + 1780, start + 3600).copy()
    other.data[:2000] += 1000
    other.write(str(folder / "z2.mseed"), format="MSEED")
    late = n.slice(start + 300).copy()
    late.stats.starttime += 0.004
    late.write(str(folder / "n.mseed"), format="MSEED")
    e.slice(start, start + 1200).write(str(folder / "e0.mseed"), format="MSEED")
    e.slice(start + 2400).write(str(folder / "e1.mseed"), format="MSEED")

    table = run(folder, tmp_path / "out", model).picks

    whole = model.classify(stream).picks
    near = [
        pick
        for pick in whole
        if (
            np.abs(
                table[table["phase"] == pick.phase]["time"].astype("int64") / 1e6
                - pick.peak_time.timestamp
            ).min()
            < 0.05
        )
    ]
    sure = [pick for pick in whole if pick.peak_value > 0.6]
    assert len([pick for pick in sure if pick in near]) >= 0.8 * len(sure)
    (line,) = lines(tmp_path / "out.err")
    assert line.startswith("CX.PB01..HHZ\t20.0")
    assert "overlap with other samples" in line


def test_channels_that_no_model_takes(fast, event_record, tmp_path):
    stream = event_record.copy()
    slow = obspy.Trace(np.arange(200.0), stream[0].stats.copy())
    slow.stats.update({"sampling_rate": 1.0, "channel": "LHZ"})
    pressure = stream[0].copy()
    pressure.stats.channel = "BDF"
    for number, trace in enumerate([*stream, slow, pressure]):
        trace.stats.pop("sac", None)
        trace.write(str(tmp_path / f"{number}.mseed"), format="MSEED")

    result = run(tmp_path, tmp_path / "out", fast)

    assert_same_picks(result.picks, fast.classify(event_record).picks)
    errors = lines(tmp_path / "out.err")
    assert "X1.53085.01.BDF\tit is not a component Z, N, E, 1, 2 or 3" in errors
    assert any("LHZ\tits 1 Hz are too few" in line for line in errors)


def test_other_rates_and_other_models(published, reference, tmp_path):
    path = reference / "data" / "x1_event"
    stream = read_all(path)
    for name in ("RNN/diting", "LPPNL/diting"):
        model = published(*name.split("/"))
        result = run(path, tmp_path / name.replace("/", "-"), model)

        assert_same_picks(result.picks, model.classify(stream).picks)


def test_amplitudes_with_an_inventory(fast, reference, tmp_path):
    path = reference / "data" / "x1_event"
    gain = 1e9
    write_inventory(tmp_path / "stations.xml", "X1", "53085", "01", "BHZ", gain)

    counts = run(path, tmp_path / "counts", fast).picks
    metres = run(
        path, tmp_path / "metres", fast, inventory=tmp_path / "stations.xml"
    ).picks

    assert row_tuples(metres) == row_tuples(counts)
    np.testing.assert_allclose(metres["snr"], counts["snr"], rtol=1e-6)
    np.testing.assert_allclose(
        metres["amplitude"], counts["amplitude"] / gain, rtol=0.1
    )


def test_pictures_of_what_was_picked(fast, event_record, cx_pb01, tmp_path):
    for trace in event_record:
        trace.write(str(tmp_path / f"{trace.id}.sac"), format="SAC")
    start = cx_pb01[0].stats.starttime
    cx_pb01.slice(start, start + 1500).write(str(tmp_path / "cx.mseed"), format="MSEED")

    run(tmp_path, tmp_path / "out", fast, plot=True)

    pictures = sorted((tmp_path / "out.figures").rglob("*.png"))
    assert {path.parent.name for path in pictures} == {"CX.PB01.", "X1.53085.01"}
    names = [path.stem for path in pictures if path.parent.name == "CX.PB01."]
    assert "2014-05-01T00-10-00" in names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert not list((tmp_path / "out.figures").rglob("*.partial"))
