"""Writes files in the format of DiTing's original parts, with made records.

No DiTing record may be passed on: the waveforms here are noise with two wave trains in
it, as whole numbers like counts, and the CSV cells have the quirks that are seen in the
original files.
"""

import csv
from pathlib import Path

import h5py
import numpy as np

HEADER = [
    *("", "part", "key", "ev_id", "evmag", "mag_type", "p_pick", "p_clarity"),
    *("p_motion", "s_pick", "net", "sta_id", "dis", "st_mag", "baz"),
    *(
        f"{component}_{phase}_{kind}_snr"
        for component in "ZNE"
        for phase in "PS"
        for kind in ("amplitude", "power")
    ),
    *("P_residual", "S_residual"),
]


def as_key(name: str) -> str:
    """``000014.0100`` as it stands in the CSV file: written as a number."""
    event, station = name.split(".")
    return f"{int(event)}.{station.rstrip('0') or '0'}"


def make_waveform(
    rng: np.random.Generator, samples: int, p_sample: int, s_sample: int
) -> np.ndarray:
    """Noise of some counts and two decaying wave trains, (samples, 3) float32."""
    waveform = rng.normal(0, 20, (samples, 3))
    for onset, amplitude in ((p_sample, 500), (s_sample, 1500)):
        length = max(0, samples - onset)
        envelope = amplitude * np.exp(-np.arange(length) / 300)
        waveform[onset:] += envelope[:, None] * rng.normal(0, 1, (length, 3))
    return np.round(waveform).astype(np.float32)


def make_row(
    rng: np.random.Generator, index: int, part: int, name: str, p: float, s: float
) -> dict[str, str]:
    """An ordinary row, its cells text with blanks."""
    event, station = name.split(".")
    cells = {
        "": index,
        "part": part,
        "key": as_key(name),
        "ev_id": int(event),
        "evmag": f" {rng.uniform(0, 6):.1f}",
        "mag_type": rng.choice(["ML", "Ml ", "ml", "Ms", " mb"]),
        "p_pick": p,
        "p_clarity": rng.choice(["I", "E", " "]),
        "p_motion": rng.choice(["U", "C", "D", "R", "N", ""]),
        "s_pick": s,
        "net": " " + rng.choice(["YN", "SC", "GD"]),
        "sta_id": station,
        "dis": f"{rng.uniform(1, 330):.2f}",
        "st_mag": rng.choice(["2.1", "8.4", "", "nan", " 3.0 "]),
        "baz": f"{rng.uniform(-30, 400):.2f}",
        "P_residual": rng.choice(["0.12", "-0.4", "", "--"]),
        "S_residual": rng.choice(["0.32", "-1.4", "", "None"]),
    }
    snr = {
        name: f"{rng.uniform(0, 30):.3f}" for name in HEADER if name.endswith("_snr")
    }
    return {key: str(value) for key, value in {**cells, **snr}.items()}


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)


def write_part(
    folder: Path,
    number: int,
    records: int,
    *,
    samples: int = 9000,
    spread: int = 0,
    seed: int = 0,
    templates: int = 64,
) -> list[str]:
    """
    Writes one part. Its waveforms are some templates, each shifted differently, so that
    gigabytes are made in seconds and no record equals another one.

    :param folder: Folder to write to
    :param number: Number of the part
    :param records: Number of records
    :param samples: Samples a record
    :param spread: Lengths differ by up to this many samples
    :param seed: Seed
    :param templates: Number of different waveforms
    :return: Names of the records
    """
    rng = np.random.default_rng([seed, number])
    onsets = rng.integers(samples // 5, samples // 2, templates)
    delays = rng.integers(samples // 50, samples // 5, templates)
    made = [
        make_waveform(rng, samples + spread, p, p + d)
        for p, d in zip(onsets, delays, strict=True)
    ]
    rows, names = [], []
    with h5py.File(folder / f"DiTing330km_part_{number}.hdf5", "w") as file:
        group = file.create_group("earthquake")
        for i in range(records):
            event, station = divmod(i, 4)
            name = f"{number * 30_000 + event + 1:06d}.{station * 100 + 100:04d}"
            k, shift = i % templates, i // templates % (samples // 10)
            length = samples + int(rng.integers(0, spread + 1))
            waveform = np.roll(made[k], -shift, axis=0)[:length]
            group.create_dataset(name, data=waveform)
            p = int(onsets[k]) - shift
            rows.append(make_row(rng, i, number, name, p, p + int(delays[k])))
            names.append(name)
    write_csv(folder / f"DiTing330km_part_{number}.csv", rows)
    return names
