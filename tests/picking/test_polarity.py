"""First motions of P: from records to tables, QuakeML and files for other programs."""

import h5py
import numpy as np
import obspy
import pandas as pd
import pytest

from seisbench_diting.picking import pick_stream
from seisbench_diting.picking.polarity import first_motion
from seisbench_diting.tables import read_association, read_picks, write_association


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("late", [-15, 0, 15])
def test_the_sign_of_the_onset(rng, sign, late):
    """The first half cycle is smaller than the next ones, and there are microseisms."""
    t = np.arange(-10, 10, 0.01)
    data = sign * np.where(t > 0, t * np.sin(10 * np.pi * t), 0)
    data += 0.1 * np.sin(0.4 * np.pi * t) + rng.normal(0, 1e-3, len(t))
    assert first_motion(data, 1000 + late, 100.0) == ("U" if sign > 0 else "D")
    assert first_motion(data, 500, 100.0) == ""
    assert first_motion(data[970:], 30 + late, 100.0) == ""


def test_first_motions_are_those_of_ditings_analysts(reference):
    folder = reference / "data" / "diting_sample"
    tables = [pd.read_csv(path, dtype={"key": str}) for path in folder.glob("*.csv")]
    right = []
    for row in pd.concat(tables).itertuples():
        with h5py.File(folder / f"DiTing330km_part_{row.part}.hdf5") as file:
            key = min(file["earthquake"], key=lambda x: abs(float(x) - float(row.key)))
            vertical = np.asarray(file["earthquake"][key])[:, 0]
        answer = first_motion(vertical, int(row.p_pick), 50.0)
        if row.p_motion.strip() and answer:
            right.append({"U": "U", "R": "D"}[row.p_motion] == answer)
    assert len(right) >= 8
    assert all(right)


def test_picks_have_polarities(example, tmp_path, run):
    picks = pick_stream(example, polarity=True)
    assert "polarity" not in pick_stream(example)
    assert (picks["polarity"] == "").tolist() == (picks["phase"] == "S").tolist()
    example.write(tmp_path / "record.mseed", "MSEED")
    out = tmp_path / "picks"
    run("pick", "-i", tmp_path / "record.mseed", "-o", out, "--polarity", "--quiet")
    assert read_picks(f"{out}.csv")["polarity"].tolist() == picks["polarity"].tolist()


def test_polarities_in_files(tmp_path):
    event = {"event_id": "1", "time": "2024-05-01T00", "latitude": 0, "longitude": 0}
    same = {"event_id": "1", "phase": "P", "time": "2024-05-01T00:00:05"}
    picks = [same | {"station_id": f"AA.{x}.", "polarity": x} for x in "DNU"]
    for ending in (".events.csv", ".xml", ".obs", ".arc", ".nordic"):
        write_association([event], picks, tmp_path / f"x{ending}")
    for name in ("x.events.csv", "x.xml"):
        table = read_association(tmp_path / name)[1]
        assert table["polarity"].tolist() == ["D", "", "U"]
    for name in ("x.xml", "x.nordic"):
        (event,) = obspy.read_events(tmp_path / name)
        found = [pick.polarity for pick in event.picks]
        assert found == ["negative", None, "positive"]
    assert "P      U 2024" in (tmp_path / "x.obs").read_text()
    assert "PD02024" in (tmp_path / "x.arc").read_text()
