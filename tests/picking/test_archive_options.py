"""Options that picking archives refuses, and the argument that its errors name."""

import pytest
from archives import run

from seisbench_diting.tables import read_picks


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"start": "2020-01-02", "end": "2020-01-01"}, "end='2020-01-01"),
        ({"stations": "XX.*"}, "stations="),
        ({"workers": 2}, "model="),
        ({"inventory": __file__}, "inventory="),
        ({"output": "picks.csv"}, "output="),
    ],
)
def test_impossible_options(options, argument, fast, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = {"inputs": small, "output": "out", "model": fast, **options}
    with pytest.raises(ValueError, match=argument):
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


def test_files_of_others_are_not_overwritten(fast, small, tmp_path):
    path = tmp_path / "out.real"
    path.write_text("precious")
    with pytest.raises(ValueError, match=r"out\.real"):
        run(small, tmp_path / "out", fast)
    assert path.read_text() == "precious"
