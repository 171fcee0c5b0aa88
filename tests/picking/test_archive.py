"""Archives of real records, picked as one user or another has them on disk."""

from unittest import mock

import numpy as np
import obspy
import pandas as pd
import pytest
from archives import (
    assert_same_picks,
    lines,
    renamed,
    row_tuples,
    run,
    with_code,
    write_all,
    write_pieces,
)

from seisbench_diting.tables import read_picks
from seisbench_diting.waveforms import reading

MIDNIGHT = obspy.UTCDateTime(2020, 2, 29)


def arrivals(table) -> list[tuple[str, str, int]]:
    """Picks without their probabilities, which vary with the length of a record."""
    return [row[:3] for row in row_tuples(table)]


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("x1_event", "LPPNM/csn"),
        ("x1_event", "RNN/diting"),
        ("x1_event", "LPPNL/diting"),
        ("SC.202305230113.0001.seed", "LPPNM/csn"),
        ("ci_2020", "LPPNM/csn"),
    ],
)
def test_picks_are_those_of_classify(name, weights, reference, published, tmp_path):
    model = published(*weights.split("/"))
    path = reference / "data" / name
    files = path.rglob("*.[sm]*[cd]") if path.is_dir() else [path]
    stream = obspy.Stream()
    for file in files:
        stream += obspy.read(str(file))

    result = run(path, tmp_path / "out", model)

    assert len(result.picks) > 0
    assert_same_picks(result.picks, model.classify(stream).picks)
    table, text = (read_picks(tmp_path / f"out.{x}") for x in ("csv", "txt"))
    assert row_tuples(table) == row_tuples(result.picks)
    assert set(text["record"]) == set(table["record"])
    assert all(str(path) in record for record in table["record"])


@pytest.mark.parametrize("after", [-0.05, 0.0, 0.001, 0.05])
def test_an_arrival_at_midnight_is_found_once_in_files_cut_at_random(
    published, event_record, tmp_path, rng, after
):
    model = published("RNN", "csn")
    first = event_record[0].stats.starttime
    surest = max(model.classify(event_record).picks, key=lambda pick: pick.peak_value)
    start = MIDNIGHT - (surest.peak_time - first) + after
    moved = renamed(event_record, "M", str(start))
    for trace in moved:
        # Files of the components end at other times.
        write_pieces(obspy.Stream([trace]), tmp_path / "in", rng.uniform(0, 260, 5))

    table = run(tmp_path / "in", tmp_path / "out", model).picks

    assert_same_picks(table, model.classify(moved).picks)
    near = (table["time"] - pd.Timestamp("2020-02-29", tz="UTC")).dt.total_seconds()
    assert (near.abs() < 0.2).sum() == 1


def test_a_run_grows_by_inputs_stations_and_times(fast, small, whole, tmp_path):
    def arrivals_of(code, start="2020-01-01", end="2020-02-01"):
        table = whole.picks[whole.picks["station_id"] == f"CX.{code}."]
        start, end = (pd.Timestamp(time, tz="UTC") for time in (start, end))
        return arrivals(table[(table["time"] >= start) & (table["time"] < end)])

    def more(inputs, **limits):
        return arrivals(run(inputs, tmp_path / "out", fast, **limits).picks)

    begin, end = "2020-01-02T00:00:30", "2020-01-02T00:00:40"
    assert more(small / "S1", end=end) == arrivals_of("S1", end=end)
    both = arrivals_of("S1") + arrivals_of("S2", begin)
    assert more(small, stations="CX.S[12]", start=begin) == both
    assert more([small]) == arrivals(whole.picks)


def test_one_file_may_hold_many_stations(fast, small, whole, tmp_path):
    one = tmp_path / "one.mseed"
    one.write_bytes(b"".join(path.read_bytes() for path in small.rglob("*.mseed")))

    assert row_tuples(run(one, tmp_path / "one", fast).picks) == row_tuples(whole.picks)


def test_the_output_may_lie_in_the_input(fast, event_record, tmp_path):
    write_all(event_record, tmp_path)
    for _ in range(2):
        result = run(tmp_path, tmp_path / "out", fast, plot=True, formats="csv,gamma")
        assert result.summary["files"] == 3
        assert lines(tmp_path / "out.err") == []
    assert list((tmp_path / "out.figures" / "X1.53085.01").glob("*.png"))
    run(tmp_path, tmp_path / "others", fast, plot=True, plot_stations="CX.*")
    assert not (tmp_path / "others.figures").exists()


# Records of two lengths do not lie on the grid of pieces.
@pytest.mark.parametrize(("reclen", "piece"), [(512, 1 << 16), (4096, 0)])
def test_large_files_are_read_in_pieces(
    fast, hour, tmp_path, monkeypatch, reclen, piece
):
    path, rest = tmp_path / "day.mseed", tmp_path / "rest.mseed"
    middle = hour[0].stats.starttime + 1600
    hour.slice(endtime=middle - 0.01).write(str(path), format="MSEED", reclen=512)
    hour.slice(middle).write(str(rest), format="MSEED", reclen=reclen)
    path.write_bytes(path.read_bytes() + rest.read_bytes())
    rest.unlink()
    expected = fast.classify(obspy.read(str(path))).picks
    read_part = mock.Mock(wraps=reading.read_part)
    monkeypatch.setattr(reading, "read_part", read_part)
    monkeypatch.setattr(reading, "PIECE_BYTES", 1 << 16)

    result = run(path, tmp_path / "out", fast)

    assert {call.args[0].length for call in read_part.call_args_list} == {piece}
    assert_same_picks(result.picks, expected)


def test_the_preferred_instrument(fast, event_record, tmp_path):
    strong = with_code(event_record, "HN")
    for trace in strong:
        trace.data = np.roll(trace.data, 1000)
    folder = write_all(event_record + strong, tmp_path / "in")
    broad_picks, strong_picks = (fast.classify(s).picks for s in (event_record, strong))

    default = run(folder, tmp_path / "default", fast)
    other = run(folder, tmp_path / "other", fast, instruments="HN,BH")
    every = run(folder, tmp_path / "all", fast, instruments="all")

    assert_same_picks(default.picks, broad_picks)
    assert_same_picks(other.picks, strong_picks)
    assert_same_picks(every.picks, [*broad_picks, *strong_picks])


def test_another_instrument_fills_in(published, hour, tmp_path):
    model = published("LPPNM", "csn")
    start = hour[0].stats.starttime
    broadband, strong = with_code(hour, "HH"), with_code(hour, "HN")
    broadband = broadband.slice(start + 600, start + 1500)
    write_all(broadband + strong, tmp_path / "in", "MSEED")

    result = run(tmp_path / "in", tmp_path / "out", model)

    before, after = strong.slice(endtime=start + 599.99), strong.slice(start + 1500.01)
    found = sum(len(model.classify(s).picks) for s in (before, broadband, after))
    assert found > 20
    assert len(result.picks) == pytest.approx(found, abs=4)
    assert result.summary["station_days"] == pytest.approx(3600 / 86400, abs=1e-4)
    (line,) = lines(tmp_path / "out.err")
    assert line.startswith("CX.A.\t")
    assert " HN " in line


def test_codes_from_names_where_headers_have_none(fast, event_record, tmp_path):
    (tmp_path / "in").mkdir()
    for trace in event_record.copy():
        path = tmp_path / "in" / f"X1_53085.{trace.stats.channel[-1]}.sac"
        for name in ("network", "station", "location", "channel"):
            trace.stats[name] = ""
        del trace.stats.sac
        trace.write(str(path), format="SAC")

    with pytest.raises(ValueError, match="inputs="):
        run(tmp_path / "in", tmp_path / "out", fast)
    pattern = "{network}_{station}.{channel}.sac"
    result = run(tmp_path / "in", tmp_path / "out", fast, name_pattern=pattern)

    assert set(result.picks["station_id"]) == {"X1.53085."}
    assert len(result.picks) == len(fast.classify(event_record).picks)


def test_gaps_overlaps_and_what_is_missing(published, hour, tmp_path):
    model = published("LPPNM", "csn")
    start = hour[0].stats.starttime
    z, n, e = (hour.select(channel=f"HH{c}")[0] for c in "ZNE")
    # The same again, something else for 20 s, a clock that jumps by 0.4 samples, a
    # component that begins later, and another one that is missing for a while.
    other = z.slice(start + 1780).copy()
    other.data[:2000] += 1000
    late = n.slice(start + 300).copy()
    late.stats.starttime += 0.004
    pieces = [z.slice(start, start + 1000), z.slice(start + 990, start + 1800), other]
    pieces += [late, e.slice(start, start + 1200), e.slice(start + 2400)]
    for number, piece in enumerate(pieces):
        write_all(obspy.Stream([piece]), tmp_path / "in" / str(number), "MSEED")

    table = run(tmp_path / "in", tmp_path / "out", model).picks

    times = {x: table[table["phase"] == x]["time"].astype("int64") / 1e6 for x in "PS"}
    sure = [pick for pick in model.classify(hour).picks if pick.peak_value > 0.6]
    found = [np.abs(times[p.phase] - p.peak_time.timestamp).min() < 0.05 for p in sure]
    assert np.mean(found) >= 0.8
    (line,) = lines(tmp_path / "out.err")
    assert line.startswith("CX.A..HHZ\t")
    assert "20.0" in line


def test_channels_that_no_model_takes(fast, event_record, tmp_path):
    slow, pressure = event_record[0].copy(), event_record[0].copy()
    slow.data = np.arange(200.0)
    slow.stats.update({"sampling_rate": 1.0, "channel": "LHZ"})
    pressure.stats.channel = "BDF"
    write_all([*event_record, slow, pressure], tmp_path, "MSEED")

    result = run(tmp_path, tmp_path / "out", fast)

    assert_same_picks(result.picks, fast.classify(event_record).picks)
    left_out = {line.split("\t")[0][-3:] for line in lines(tmp_path / "out.err")}
    assert left_out == {"BDF", "LHZ"}


def test_amplitudes_in_metres_a_second(fast, example, tmp_path):
    folder, place = write_all(example, tmp_path / "in", "MSEED"), tmp_path / "rjob.xml"
    inventory = obspy.read_inventory()
    inventory.write(str(place), "STATIONXML")

    counts = run(folder, tmp_path / "counts", fast).picks
    metres = run(folder, tmp_path / "metres", fast, inventory=place).picks

    assert row_tuples(metres) == row_tuples(counts)
    np.testing.assert_allclose(metres["snr"], counts["snr"], rtol=1e-6)
    response = inventory.get_response(example[0].id, example[0].stats.starttime)
    expected = counts["amplitude"] / response.instrument_sensitivity.value
    np.testing.assert_allclose(metres["amplitude"], expected, rtol=0.1)
