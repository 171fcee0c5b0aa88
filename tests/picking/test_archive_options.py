"""Options that picking archives refuses, and the argument that its errors name."""

import pytest
from archives import run

from seisbench_diting.tables import read_picks


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0}, "threshold=0"),
        ({"threshold": 30}, "threshold=30"),
        ({"min_separation": -1}, "min_separation=-1"),
        ({"overlap": -0.1}, "overlap=-0.1"),
        ({"snr_window": 100}, "snr_window=100"),
        ({"bandpass": (10, 1)}, r"bandpass=\(10, 1\)"),
        ({"bandpass": "1"}, "bandpass='1'"),
        ({"instruments": "HHZ"}, "instruments='HHZ'"),
        ({"start": "yesterday"}, "start='yesterday'"),
        ({"start": "2020-01-02", "end": "2020-01-01"}, "end='2020-01-01"),
        ({"name_pattern": "{sta}.sac"}, r"name_pattern='{sta}.sac'.*network"),
        ({"formats": ["xls"]}, "formats=.*'xls'.*csv"),
        ({"device": "tpu"}, "device='tpu'"),
        ({"stations": __file__}, "stations=.*is a file"),
        ({"stations": "XX.*"}, "stations=.*XX.*no waveforms"),
        ({"workers": 0}, "workers=0"),
        ({"workers": 2}, "model='LPPNT'"),
        ({"inventory": __file__}, "inventory=.*StationXML"),
        ({"inputs": "missing"}, "inputs='missing': does not exist"),
        ({"inputs": []}, "inputs="),
        ({"inputs": "/proc/self/fdinfo"}, "inputs=.*no waveforms"),
        ({"output": "/tmp"}, "output=.*a name that files begin with"),
        ({"output": "/no/folder"}, "output="),
        ({"output": "picks.csv"}, r"output=.*'picks' makes picks\.csv"),
    ],
)
def test_impossible_options(options, message, fast, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = {"inputs": small, "output": "out", "model": fast, **options}
    with pytest.raises(ValueError, match=message):
        run(**values)
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_other_options_in_the_same_name(fast, published, small, tmp_path):
    def again(model=fast, **options):
        return run(small / "S1", tmp_path / "out", model, **options).summary["picks"]

    picks = again()
    with pytest.raises(ValueError, match=r"threshold=0.5: .* 0.3"):
        again(threshold=0.5)
    with pytest.raises(ValueError, match="model="):
        again(published("LPPNM", "csn"))
    # Other tables do not change the picks, and earlier ones are written again.
    (tmp_path / "out.txt").write_text("old")
    assert again(formats=["csv"]) == picks
    assert len(read_picks(tmp_path / "out.txt")) == picks


@pytest.mark.parametrize("ending", [".txt", ".json", ".real"])
def test_files_of_others_are_not_overwritten(fast, small, tmp_path, ending):
    path = tmp_path / f"out{ending}"
    path.write_text("precious")
    with pytest.raises(ValueError, match=rf"out{ending} exists without the state"):
        run(small, tmp_path / "out", fast)
    assert path.read_text() == "precious"
