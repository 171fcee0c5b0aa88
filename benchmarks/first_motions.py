"""
How often are first motions told, and how often are they right?

220 records of analysts' P picks with the best signals were read by eye, turned at random; 146
were sure. Their first motions are compared with the reading, at the analysts' picks and at
those of a picker; and with the labels of the DiTing sample.

    python -m benchmarks.first_motions [MODEL ...]
"""

import sys
from collections import Counter

import h5py
import numpy as np
import obspy
import pandas as pd
import seisbench.models as sbm

import seisbench_diting  # noqa: F401
from benchmarks.common import print_header, print_heading, print_row, reference
from seisbench_diting.picking.polarity import first_motion

#: A pick of a picker is that of the analyst within this time.
NEAR_S = 0.5

#: Labels of DiTing.
LABELS = {"U": "U", "C": "U", "D": "D", "R": "D"}

#: File: number of the record, and U or D.
READINGS = {
    "ncedc_labelled": """
        0U 1U 2D 4U 5D 6U 12D 13U 14U 15D 16U 18D 19D 20U 22D 24U 28D 29D 30U 33U 34U
        35D 37D 41D 42U 43U 44D 45D 46U 47D 48D 50D 54D 55U 58U 61D 64U 67U 68U 73U 78U
        79U 80U 82D 83U 84U 88U 90U 91D 93U 94D 95U 97U 98U 99U 100D 101U 103D 106U 107D
        109D 110D 114D
    """,
    "labelled/china_diting_demo": """
        1D 8U 9D 11D 15D 28D 31U 32U 33U 34U 37U 40D 48D
    """,
    "labelled/turkey_afad": """
        0D 3U 7D 9U 10U 11U 13U 15U 17U 18D
    """,
    "labelled/obs_obstransformer": """
        1U 3D 4U 5U 6D 8U 9U 10U 11D 14D 16D 20U 25U 27D 28D 36U
    """,
    "labelled/nz_alpine_fault": """
        10D 17U 19U 21D 23U 28D 32D 38U 40U 41U 50U 60U 64U 68U
    """,
    "labelled/china_tlpn": """
        3D 8U 10U 15U 16U 18U 19U 20D 21D 24D 35D 39U 45U 46D 58D 59D 61D 63D 65U 71D
        73D 75U 79U 80D 86D 88U 89D 90D 94U 96U
    """,
}


def pick_near(
    model: sbm.WaveformModel, data: np.ndarray, rate: float, p: float
) -> float:
    """:return: Sample of the P pick that is closest, or NaN if none is near"""
    start, stream = obspy.UTCDateTime(0), obspy.Stream()
    for component, values in zip("ENZ", data, strict=True):
        about = {"station": "A", "channel": f"HH{component}", "sampling_rate": rate}
        stream.append(obspy.Trace(values.astype(float), about))
    found = [x for x in model.classify(stream).picks if x.phase == "P"]
    places = [(x.peak_time - start) * rate for x in found]
    near = [x for x in places if abs(x - p) < NEAR_S * rate]
    return min(near, key=lambda x: abs(x - p), default=np.nan)


def main() -> None:
    """Prints a table."""
    print_heading("First motions")
    models = {name: getattr(sbm, name).from_pretrained() for name in sys.argv[1:]}
    counts: dict[str, Counter[str]] = {x: Counter() for x in ("analysts", *models)}
    for name, text in READINGS.items():
        file = np.load(reference() / "data" / f"{name}.npz")
        waveforms = file["waveforms"]
        for number, read in ((int(word[:-1]), word[-1]) for word in text.split()):
            data, p = waveforms[number], float(file["p_sample"][number])
            rate = 100.0
            if "length" in file:
                data = data[:, : int(file["length"][number])]
                rate = float(file["sampling_rate"][number])
            at = {"analysts": p}
            at |= {x: pick_near(model, data, rate, p) for x, model in models.items()}
            for picker, place in at.items():
                if place == place:
                    answer = first_motion(data[2], round(place), rate)
                    counts[picker][str(answer and answer == read)] += 1
    counts["DiTing's labels"] = of_diting()
    print_header("picks", "onsets", "answered", "right")
    for picker, count in counts.items():
        answered = count["True"] + count["False"]
        share = count["True"] / answered
        print_row(picker, count.total(), answered, f"{share:.3f}")


def of_diting() -> "Counter[str]":
    """:return: As for the readings, of the labels of the DiTing sample"""
    folder, count = reference() / "data" / "diting_sample", Counter[str]()
    tables = [pd.read_csv(path, dtype={"key": str}) for path in folder.glob("*.csv")]
    for row in pd.concat(tables).itertuples():
        if label := LABELS.get(str(row.p_motion).strip()):
            with h5py.File(folder / f"DiTing330km_part_{row.part}.hdf5") as file:
                group = file["earthquake"]
                key = next(x for x in group if float(x) == float(str(row.key)))
                vertical = np.asarray(group[key])[:, 0]
            answer = first_motion(vertical, int(str(row.p_pick)), 50.0)
            count[str(answer and answer == label)] += 1
    return count


if __name__ == "__main__":
    main()
