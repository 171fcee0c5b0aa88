"""
Local magnitudes beside those of catalogues. No record here has both a response and a magnitude.

Ridgecrest: two events of the SCSN, at the broadband stations of CI, whose responses are taken to
be flat. The SCSN has a moment magnitude (3.98) for the first and probably a local one (2.49) for the
second. Station terms cancel in the difference of the two.

DiTing: records of unknown instruments against the network's magnitudes of the same stations.
They agree up to a constant, so only the scatter tells something.

    python -m benchmarks.magnitudes
"""

import tempfile
from pathlib import Path

import h5py
import numpy as np
import obspy
import pandas as pd

from benchmarks.common import print_header, print_heading, print_row, reference
from seisbench_diting.association import local_magnitudes, wood_anderson
from seisbench_diting.picking import pick_events

#: Counts in m/s, from the table of stations of YijianZhou/PAL (MIT).
SENSITIVITY = {
    "CCC": 627368000.0,
    "CLC": 629145000.0,
    "JRC2": 821244000.0,
    "LRL": 628306000.0,
    "MPM": 627368000.0,
    "SLA": 622338000.0,
    "SRT": 629145000.0,
    "TOW2": 626910000.0,
    "WBM": 314573000.0,
    "WMF": 625790000.0,
}


def spread(values: "np.ndarray | pd.Series") -> float:
    """:return: Standard deviation, robust"""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def ridgecrest(folder: Path) -> None:
    """Prints a row for each event, and one for their difference."""
    data, waves = reference() / "data", folder / "waves"
    given = data / "association" / "ridgecrest2019"
    events = pd.read_csv(given / "catalogue_scsn_20190704.csv").head(2)
    events.assign(event_id=["a", "b"]).to_csv(folder / "events.csv", index=False)
    waves.mkdir()
    for code, counts in SENSITIVITY.items():
        path = data / "unlabelled" / "ridgecrest_ci_pb" / f"CI.{code}..HH.mseed"
        stream = obspy.read(path)
        for trace in stream:
            trace.data = (trace.data - trace.data.mean()) / counts
            del trace.stats.mseed
        stream.write(waves / path.name, "MSEED")
    common = {"inputs": waves, "stations": given / "stations.csv", "progress": False}
    name = folder / "picks"
    pick_events(catalog=folder / "events.csv", output=name, model="RNN", **common)
    picks = {"events": folder / "events.csv", "picks": folder / "picks.csv"}
    found = local_magnitudes(unit="m/s", **picks, **common)
    kinds = "Mw 3.98", "ML 2.49"
    for new, kind in zip(found.events.itertuples(), kinds, strict=True):
        error = f"{new.magnitude_error:.2f}"
        print_row(f"SCSN {kind}", f"{new.magnitude:.2f}", error)
    rows = found.amplitudes.groupby(["station_id", "event_id"])["magnitude"].mean()
    difference = rows.unstack()["a"] - rows.unstack()["b"]
    shown = f"{difference.median():.2f}", f"{difference.std():.2f}"
    print_row("difference of the two", *shown)


def diting() -> None:
    """Prints a row."""
    folder, rows = reference() / "data" / "diting_sample", []
    tables = [pd.read_csv(path, dtype={"key": str}) for path in folder.glob("*.csv")]
    for row in pd.concat(tables).astype(str).itertuples():
        if not (row.s_pick.strip().isdigit() and row.st_mag.strip()):
            continue
        p, s, km = int(row.p_pick), int(row.s_pick), np.hypot(float(row.dis), 10)
        with h5py.File(folder / f"DiTing330km_part_{row.part}.hdf5") as file:
            group = file["earthquake"]
            key = next(x for x in group if float(x) == float(row.key))
            horizontal = np.asarray(group[key])[:, 1:].T.astype(float)
        values = []
        for data in horizontal:
            trace = obspy.Trace(data, {"sampling_rate": 50.0})
            paper = np.abs(wood_anderson(trace, "m/s", band=(0.5, 20.0)).data)
            signal = paper[p : min(len(paper) - 150, 2 * s - p + 500)].max()
            if signal > 3 * paper[max(150, p - 525) : p - 25].max():
                values.append(np.log10(signal))
        if values:
            base = 1.11 * np.log10(km / 100) + 0.00189 * (km - 100)
            rows.append(np.mean(values) + base - float(row.st_mag))
    print_row(
        f"DiTing, {len(rows)} records", "a constant", f"{spread(np.array(rows)):.2f}"
    )


def main() -> None:
    """Prints a table."""
    print_heading("Local magnitudes")
    print_header("events", "ML", "spread of stations")
    with tempfile.TemporaryDirectory() as folder:
        ridgecrest(Path(folder))
    diting()


if __name__ == "__main__":
    main()
