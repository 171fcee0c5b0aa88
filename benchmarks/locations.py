"""
Locations from analysts' picks, beside a double-difference catalogue and NonLinLoc.

    python -m benchmarks.locations [--nonlinloc FOLDER]

308 earthquakes of the Calaveras fault (Waldhauser and Ellsworth, 2000, HypoDD's second
example), whose double-difference locations stand for the truth: in one layered model, with and
without station terms, and those of the network itself (NCSN). ``--nonlinloc`` names a folder
with NonLinLoc's programs ``Vel2Grid``, ``Grid2Time`` and ``NLLoc``; they get the same picks, as
``export-events`` writes them, and the same model. Needs the records whose folder is in
``SEISBENCH_DITING_REFERENCE``.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd

from benchmarks.common import print_header, print_heading, print_row, reference
from seisbench_diting.association import Association, associate, write_files

#: Tops of the layers, km, and their P velocities, km/s: the model of HypoDD's example.
LAYERS = {0: 3.77, 1: 4.64, 3: 5.34, 6: 5.75, 14: 6.22, 25: 7.98}
VP_VS = 1.73

KM_PER_DEGREE = 111.19

TERMS = "estimate_station_terms"

#: Half of the width of the area that NonLinLoc searches, and the length of its tables, km.
HALF_WIDTH_KM, LENGTH_KM = 30.0, 700.0

CONTROL = """\
CONTROL 0 54321
TRANS AZIMUTHAL_EQUIDIST WGS-84 {latitude} {longitude} 0
VGOUT layer
VGTYPE P
VGTYPE S
VGGRID 2 {length} 101 0 0 -1 0.5 0.5 0.5 SLOW_LEN
{layers}
GTFILES layer time {phase}
GTMODE GRID2D ANGLES_NO
GT_PLFD 1.0e-3 0
{stations}
LOCSIG benchmark
LOCFILES picks.obs NLLOC_OBS time loc
LOCHYPOUT SAVE_NLLOC_SUM
LOCSEARCH OCT 12 12 6 0.01 6000 2000 0 1
LOCGRID 121 121 61 -{half} -{half} 0 1 1 0.5 PROB_DENSITY SAVE
LOCMETH EDT_OT_WT 9999 4 -1 -1 -1 6 -1 0
LOCGAU 0.02 0
LOCGAU2 0.02 0.02 2
LOCQUAL2ERR 0.05 0.1 0.2 0.5 99999
LOCPHASEID P P
LOCPHASEID S S
LOCANGLES ANGLES_NO 5
"""


def read_calaveras() -> tuple[pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """:return: Picks with their events, stations, and catalogues by name"""
    folder = reference() / "data/association/calaveras"
    picks = pd.read_csv(folder / "picks.csv", dtype={"event_id": str})
    stations = pd.read_csv(folder / "stations.csv")
    for table in (picks, stations):
        table["station_id"] = table.pop("network") + "." + table.pop("station") + "."
    picks = picks[picks["station_id"].isin(stations["station_id"])].drop(
        columns="weight"
    )
    catalogues = {
        name: pd.read_csv(
            folder / f"catalogue_{name}.csv", dtype={"event_id": str}
        ).set_index("event_id")
        for name in ("hypodd", "ncsn")
    }
    return picks.assign(probability=1.0), stations, catalogues


def write_model(path: Path) -> None:
    """
    :param path: Table of depths and velocities to write
    """
    rows = [f"{depth},{vp},{vp / VP_VS:.4f}" for depth, vp in LAYERS.items()]
    path.write_text("\n".join(["depth_km,vp,vs", *rows, ""]))


def run_nonlinloc(
    programs: Path, stations: pd.DataFrame, ours: Association
) -> tuple[pd.DataFrame, float]:
    """
    :param programs: Folder of NonLinLoc's programs
    :param stations: Table of stations
    :param ours: Events with their picks
    :return: Its events, in the order of ours, and its seconds, without those for tables
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(ours, folder / "picks", stations, ["nlloc"], plot=False)
        layers = (
            f"LAYER {depth} {vp} 0 {vp / VP_VS:.4f} 0 2.7 0"
            for depth, vp in LAYERS.items()
        )
        codes = stations["station_id"].str.split(".").str[1]
        places = zip(codes, stations["latitude"], stations["longitude"], strict=True)
        filled = {
            "latitude": ours.events["latitude"].mean(),
            "longitude": ours.events["longitude"].mean(),
            "length": int(LENGTH_KM / 0.5) + 1,
            "half": HALF_WIDTH_KM,
            "layers": "\n".join(layers),
            "stations": "\n".join(
                f"GTSRCE {c} LATLON {y} {x} 0 0" for c, y, x in places
            ),
        }
        for program, phases in (("Vel2Grid", "P"), ("Grid2Time", "PS"), ("NLLoc", "P")):
            for phase in phases:
                (folder / "control").write_text(CONTROL.format(phase=phase, **filled))
                begin = time.perf_counter()
                subprocess.run(
                    [programs.resolve() / program, "control"],
                    cwd=folder,
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
                seconds = time.perf_counter() - begin
        found = obspy.read_events(str(next(folder.glob("loc.sum.grid0.loc.hyp"))))
    rows = []
    for event in found:
        origin = event.origins[0]
        ellipse = origin.origin_uncertainty
        rows.append(
            {
                "time": pd.Timestamp(origin.time.datetime, tz="UTC"),
                "latitude": origin.latitude,
                "longitude": origin.longitude,
                "depth_km": origin.depth / 1000,
                "depth_error_km": origin.depth_errors.uncertainty / 1000,
                "max_horizontal_error_km": ellipse.max_horizontal_uncertainty / 1000,
                "min_horizontal_error_km": ellipse.min_horizontal_uncertainty / 1000,
                "max_error_azimuth_deg": ellipse.azimuth_max_horizontal_uncertainty,
            }
        )
    # Its events have no names.
    table, times = pd.DataFrame(rows), ours.events["time"]
    place = [(times - time).abs().argmin() for time in table["time"]]
    names = ours.events["event_id"].to_numpy()[place]
    return table.set_index(names), seconds


def print_location(name: str, seconds: object, found: pd.DataFrame, truth: Any) -> None:
    """
    :param name: What located the events
    :param seconds: What it took
    :param found: Events
    :param truth: Events of the double-difference catalogue
    """
    events = found.join(truth.add_suffix("_true"), how="inner")
    north = KM_PER_DEGREE * (events["latitude"] - events["latitude_true"])
    east = KM_PER_DEGREE * (events["longitude"] - events["longitude_true"])
    east *= np.cos(np.radians(events["latitude"]))
    down = events["depth_km"] - events["depth_km_true"]
    shifts = [values.median() for values in (east, north, down)]
    apart = np.hypot(east - shifts[0], north - shifts[1])
    covered = ["-", "-", "-", "-"]
    if "depth_error_km" in events:
        azimuth = np.radians(events["max_error_azimuth_deg"])
        covered = []
        for moved, deep in ((shifts, down - shifts[2]), ((0, 0, 0), down)):
            x, y = east - moved[0], north - moved[1]
            along = x * np.sin(azimuth) + y * np.cos(azimuth)
            across = x * np.cos(azimuth) - y * np.sin(azimuth)
            size = np.hypot(
                along / events["max_horizontal_error_km"],
                across / events["min_horizontal_error_km"],
            )
            is_in = np.abs(deep) <= events["depth_error_km"]
            covered += [f"{(size <= 1).mean():.2f}", f"{is_in.mean():.2f}"]
    print_row(
        name,
        len(events),
        f"{np.hypot(east, north).median():.2f}",
        f"{down.abs().median():.2f}",
        f"{np.hypot(*shifts[:2]):.2f}",
        f"{shifts[2]:+.2f}",
        f"{apart.median():.2f}",
        f"{(down - shifts[2]).abs().median():.2f}",
        *covered,
        seconds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--nonlinloc", type=Path, help="folder of its programs")
    arguments = parser.parse_args()
    print_heading("Locations from analysts' picks")
    picks, stations, catalogues = read_calaveras()
    print_header(
        "locations",
        "events",
        "epicentre km",
        "depth km",
        "common shift km",
        "common shift of depth km",
        "epicentre without it km",
        "depth without it km",
        "in ellipse without it",
        "in depth interval without it",
        "in ellipse",
        "in depth interval",
        "s",
        title=f"{len(picks)} picks, differences from the double-difference catalogue",
    )
    truth = catalogues["hypodd"]
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.csv"
        write_model(model)
        for name, options in (
            ("ours, iasp91", {}),
            ("ours, layers", {"velocity": model}),
            ("ours, layers and station terms", {"velocity": model, TERMS: True}),
        ):
            begin = time.perf_counter()
            ours = associate(picks, stations, "known", **options)
            seconds = f"{time.perf_counter() - begin:.1f}"
            print_location(name, seconds, ours.events.set_index("event_id"), truth)
            if name == "ours, layers":
                layered = ours
    if arguments.nonlinloc:
        found, took = run_nonlinloc(arguments.nonlinloc, stations, layered)
        print_location("NonLinLoc, layers", f"{took:.1f}", found, truth)
    print_location("NCSN", "-", catalogues["ncsn"], truth)


if __name__ == "__main__":
    main()
