"""Records whose arrivals can be seen in the samples, and datasets of them."""

import numpy as np
import seisbench.data as sbd


def spike_record(p=(), s=(), npts=9000) -> tuple[np.ndarray, dict]:
    """
    Zeros but for the sample of each arrival, where all components are high; with
    metadata as a dataset gives them.
    """
    x = np.zeros((3, npts), dtype=np.float32)
    metadata = {
        "trace_sampling_rate_hz": 50.0,
        "trace_npts": npts,
        "trace_polarity": "U",
        "trace_p_arrival_sample": np.nan,
        "trace_s_arrival_sample": np.nan,
    }
    for name, samples in (("p", p), ("s", s)):
        for sample in np.atleast_1d(samples):
            metadata[f"trace_{name}_arrival_sample"] = float(sample)
            if 0 <= sample < npts:
                x[:, int(sample)] = 1000.0
    return x, metadata


def spikes(x: np.ndarray) -> list[int]:
    """Samples that stand out."""
    size = np.linalg.norm(x, axis=0)
    return np.flatnonzero(size > 0.2 * size.max(initial=1e-30)).tolist()


def run(steps, x, metadata, seed=0) -> dict:
    """State dict of a generator after these steps."""
    np.random.seed(seed)
    state = {"X": (x, metadata)}
    for step in steps if isinstance(steps, list) else [steps]:
        step(state)
    return state


class Records:
    """Some records in memory, as :py:class:`RecordSource` asks for."""

    component_order = "ZNE"

    def __init__(self, *records):
        self._records = records

    def __len__(self):
        return len(self._records)

    def get_sample(self, idx):
        x, metadata = self._records[idx]
        return x.copy(), dict(metadata)


def write_dataset(path, number=20, *, rate=50.0, npts=9000, chunk="", **options):
    """A dataset as SeisBench's writer makes it; options of its format or its writer."""
    rng = np.random.default_rng(0)
    path.mkdir(exist_ok=True, parents=True)
    files = path / f"metadata{chunk}.csv", path / f"waveforms{chunk}.hdf5"
    layout = {"dimension_order": "CW", "component_order": "ZNE"}
    layout |= {name: options.pop(name) for name in layout.keys() & options.keys()}
    with sbd.WaveformDataWriter(*files) as writer:
        writer.data_format = layout
        for name, value in options.items():
            setattr(writer, name, value)
        for i in range(number):
            p = int(rng.integers(1000, 3000))
            s = p + int(rng.integers(100, 2000))
            waveform = rng.normal(0, 10, (3, npts + int(rng.integers(0, 50))))
            waveform[:, p:] *= 5
            waveform[:, s:] *= 3
            waveform = waveform.round().astype(np.float32)
            metadata = {
                "trace_sampling_rate_hz": rate,
                "trace_snr_db": float(i),
                "split": ("train", "dev", "test")[i % 3],
                "trace_p_arrival_sample": p,
                "trace_s_arrival_sample": s,
            }
            is_turned = layout["dimension_order"] == "WC"
            writer.add_trace(metadata, waveform.T if is_turned else waveform)
    if chunk:
        with (path / "chunks").open("a") as file:
            file.write(f"{chunk}\n")
    return path
