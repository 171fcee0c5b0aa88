"""Networks in files that people have: published ones of all kinds, and our exports."""

import hashlib
import shutil

import numpy as np
import obspy
import pytest
import torch
from test_export import SETS, made

from seisbench_diting.evaluation import load_picker, measure_latency
from seisbench_diting.models import load_model, read_state_dict, weights_checksum
from seisbench_diting.runtime import export, export_model
from seisbench_diting.weights import Reliability

TOLD = {"sampling_rate": 50, "component_order": "ZNE", "labels": ["NPS"]}


@pytest.fixture(scope="module")
def event(cx_pb01):
    """Twenty minutes with aftershocks."""
    start = obspy.UTCDateTime("2014-05-01T03:00:07")
    return cx_pb01.slice(start, start + (20 * 5888 + 255) / 100)


def assert_same_picks(model, other, stream, **arguments):
    """
    Within a sample; picks may be missing that are near the threshold or the end, where
    pickers of any length have one more window.
    """
    end = max(trace.stats.endtime for trace in stream) - 4
    ours, theirs = (
        [p for p in m.classify(stream, **arguments).picks if p.peak_time < end]
        for m in (model, other)
    )
    assert any(p.peak_value > 0.5 for p in theirs)
    for picks, others in ((ours, theirs), (theirs, ours)):
        for pick in picks:
            same = [o.peak_time for o in others if o.phase == pick.phase]
            nearest = min((abs(pick.peak_time - time) for time in same), default=9)
            assert nearest <= 1.01 / other.sampling_rate or pick.peak_value < 0.35


def write_bare(model, path):
    """A network as others write it: without properties."""
    folded = export.fold_batch_norms(model)
    if path.suffix == ".jit":
        torch.jit.save(torch.jit.script(folded), path)
    else:
        path.write_bytes(export.trace_onnx(folded))
    return path


@pytest.mark.parametrize("entry", SETS, ids=lambda entry: entry.title)
def test_a_published_file_of_any_name(entry, reference, published, tmp_path):
    path = shutil.copy(reference / "weights" / entry.file, tmp_path / "mine.bin")
    model = load_model(path)

    expected = published(entry.model, entry.name)
    assert weights_checksum(model) == weights_checksum(expected)
    assert model.sampling_rate == entry.sampling_rate
    assert "".join(model.component_order) == entry.component_order
    state = read_state_dict(path.read_bytes()).values()
    digests = {hashlib.sha256(value.numpy().tobytes()).hexdigest() for value in state}
    assert entry.head in digests


@pytest.mark.parametrize("suffix", ["onnx", "jit"])
@pytest.mark.parametrize("name", ["LPPNT", "UNet"])
def test_an_export_is_the_model(name, suffix, example, tmp_path):
    model = made(name, component_order="ENZ", default_args={"overlap": 0.5})
    model.reliability = {"P": Reliability(1.0, 2.0, 0.1, 1.0, 0.0)}
    loaded = load_model(export_model(model, tmp_path / f"x.{suffix}"))
    again = load_model(export_model(loaded, tmp_path / f"again.{suffix}"))

    for one in (loaded, again):
        assert (one.sampling_rate, one.in_samples) == (model.sampling_rate, 1024)
        assert (one.component_order, one.default_args) == ("ENZ", {"overlap": 0.5})
        assert one.reliability == model.reliability
    curves = zip(again.annotate(example), model.annotate(example), strict=True)
    for ours, theirs in curves:
        assert ours.stats.starttime == theirs.stats.starttime
        np.testing.assert_allclose(ours.data, theirs.data, atol=1e-3)
    with pytest.raises(ValueError):
        export_model(loaded, tmp_path / f"y.{'jit' if suffix == 'onnx' else 'onnx'}")


@pytest.mark.parametrize("suffix", ["onnx", "jit"])
@pytest.mark.parametrize("title", ["UNet/csn", "EQT/diting"])
def test_published_networks_are_known_by_their_classes(
    title, suffix, published, event, tmp_path
):
    model = published(*title.split("/"))
    loaded = load_model(write_bare(model, tmp_path / f"x.{suffix}"))

    assert loaded.component_order == "".join(model.component_order)
    assert loaded.default_args == model.default_args
    assert loaded.reliability == model.reliability != {}
    assert_same_picks(loaded, model, event)


@pytest.mark.parametrize("suffix", ["onnx", "jit"])
def test_unknown_networks_need_to_be_told(suffix, example, tmp_path, run):
    path = write_bare(made("LPPNT", in_samples=6144), tmp_path / f"x.{suffix}")
    with pytest.raises(ValueError, match="labels"):
        load_model(path)
    status, _, errors = run("pick", "-i", tmp_path, "-o", tmp_path / "p", "-m", path)
    assert status == 2
    assert "--labels" in errors
    with pytest.raises(ValueError, match="N,P,S,X"):
        load_model(path, **{**TOLD, "labels": ["NPSX"]})

    model = load_model(path, **TOLD)
    assert model.annotate(example)[0].stats.sampling_rate == 50 / 8
    assert load_picker(path, **TOLD).component_order == "ZNE"
    export_model(model, path)
    assert load_model(path).sampling_rate == 50


def test_networks_of_other_kinds(tmp_path):
    torch.jit.script(torch.nn.Linear(3, 2)).save(str(tmp_path / "other.jit"))
    # Parameters without their network.
    torch.save({"state_dict": {"a": torch.zeros(3)}}, tmp_path / "link32.ckpt")
    (tmp_path / "text.jit").write_bytes(b"no network")
    for name in ("other.jit", "link32.ckpt", "text.jit"):
        with pytest.raises(ValueError, match=f"model=.*{name}"):
            load_model(tmp_path / name, **TOLD)


class Fixed(torch.nn.Module):
    """A picker of any length that gives one pick inside, and a row like it."""

    def __init__(self, row: list[float]):
        super().__init__()
        self.rows = torch.nn.Parameter(torch.tensor([[0.0, 900.5, 0.9], row]))

    def forward(self, x: torch.Tensor):
        assert x.dim() == 2
        return self.rows


@pytest.mark.parametrize(
    "row", [[0, -3, 0.95], [0, np.nan, 0.95], [0, 99, np.nan], [1, 99, 1.3]]
)
def test_places_and_probabilities_that_can_not_be(example, tmp_path, row):
    path = tmp_path / "x.jit"
    torch.jit.script(Fixed(row)).save(str(path))
    if row[2] == 0.95:
        assert len(load_model(path, **TOLD).classify(example).picks) == 1
    else:
        with pytest.raises(ValueError, match=f"model=.*{path.name}"):
            load_model(path, **TOLD)


def test_a_file_that_was_cut_short(tmp_path):
    (tmp_path / "link.pt").write_bytes(b"PK\3\4" + bytes(999))
    with pytest.raises(ValueError, match=r"model=.*link\.pt"):
        load_model(tmp_path / "link.pt")


class WithTime(torch.nn.Sequential):
    """A network of probabilities that gives positions, too, as LPPN does."""

    def forward(self, x):
        return self[0](x), torch.zeros(1)


class Rows(torch.nn.Module):
    """Probabilities and samples of all windows of a record (samples, 3)."""

    def __init__(self, network, stride: int):
        super().__init__()
        self.network = network
        self.stride = stride

    def forward(self, x):
        n, _ = x.shape
        starts = torch.arange(0, n, 5888)
        waves = x[(starts[:, None] + torch.arange(6144)).clamp(max=n - 1)]
        waves = waves.transpose(1, 2) - waves.mean(1)[:, :, None]
        waves = waves / (waves.abs().amax(2, keepdim=True) + 1e-6)
        prob, time = self.network(waves)
        time = time + starts[:, None] + self.stride * torch.arange(prob.shape[2])
        return prob.transpose(1, 2).flatten(0, 1), time.flatten()


class Picks(torch.nn.Module):
    """Type, sample and probability of picks, 1000 samples apart."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def forward(self, x):
        prob, time = self.rows(x)
        found = torch.zeros(0, 3)
        for phase in range(prob.shape[1] - 1):
            p, t = prob[:, phase + 1], time
            while (p > 0.3).any():
                best = p.argmax()
                row = [torch.tensor(phase).float(), t[best].float(), p[best]]
                found = torch.cat([found, torch.stack(row)[None]])
                is_far = (t - t[best]).abs() > 1000
                p, t = p[is_far], t[is_far]
        return found


def write_any_length(model, path):
    """A picker of any length, as published with weights of the China Seismic Network."""
    network = export.fold_batch_norms(model)
    if not model.regression:
        network = WithTime(network)
    rows = Rows(network, model.stride)
    if path.suffix == ".jit":
        torch.jit.save(torch.jit.script(Picks(rows)), path)
        return path
    options = {"input_names": ["wave"], "output_names": ["prob", "time"]}
    options["dynamic_axes"] = {name: {0: "batch"} for name in ("wave", "prob", "time")}
    wave = torch.randn(20000, 3)
    torch.onnx.export(rows, (wave,), path, **options, opset_version=17, dynamo=False)
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["onnx", "jit"])
@pytest.mark.parametrize("title", ["RNN/csn", "RNN/csn_pnsn", "LPPNT/csn"])
def test_pickers_of_any_length(title, suffix, published, event, tmp_path):
    model = published(*title.split("/"))
    path = write_any_length(model, tmp_path / f"x.{suffix}")
    loaded = load_model(path)

    assert list(loaded.labels) == list(model.labels)
    as_published = {"overlap": 256, "window_origin": "record", "stacking": "max"}
    model.default_args = as_published | model.default_args
    # In any unit.
    small = event.copy()
    for trace in small:
        trace.data = trace.data * 1e-12
    for stream in (event, small):
        assert_same_picks(loaded, model, stream, min_separation=10)
    assert (measure_latency(path, batch=2, cycles=1)["ms"] > 0).all()
