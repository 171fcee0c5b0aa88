"""What the picker of archives refuses, and what it says then."""

import pytest
from seisbench.models import PhaseNet

from seisbench_diting.picking import pick_archive


@pytest.fixture
def refused(fast, small, tmp_path):
    def refused(message, inputs=None, output=None, error=ValueError, **options):
        with pytest.raises(error, match=message):
            pick_archive(
                small if inputs is None else inputs,
                tmp_path / "out" if output is None else output,
                options.pop("model", fast),
                progress=False,
                **options,
            )
        assert [
            path.name for path in tmp_path.iterdir() if path.suffix != ".lock"
        ] == []

    return refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prob": 0}, "prob=0 is not possible; use a number above 0"),
        ({"prob": 30}, "prob=30 is not possible"),
        ({"min_separation": -1}, "min_separation=-1 is not possible"),
        (
            {"overlap": 1},
            "overlap=1 is not possible; use a share of the window below 1",
        ),
        ({"overlap": -0.1}, "overlap=-0.1 is not possible"),
        ({"snritv": 100}, r"snritv=100 .* 100 samples at 100 Hz are 1.0"),
        ({"bandpass": (10, 1)}, r"bandpass=\(10, 1\) .* lower one first"),
        ({"bandpass": "1"}, "bandpass='1' is not possible"),
        ({"instruments": "HHZ"}, "instruments='HHZ' is not possible"),
        ({"start": "yesterday"}, "start='yesterday' is no time"),
        ({"start": "2020-01-02", "end": "2020-01-01"}, "must be before end="),
        ({"name_pattern": "{sta}.sac"}, r"holds \{sta\}; possible are network"),
        ({"name_pattern": "*.sac"}, "must hold {station} or {channel}"),
        ({"formats": ["xls"]}, "formats='xls' is not possible; use csv"),
        ({"device": "tpu"}, "device='tpu' is not possible here"),
        ({"stations": __file__}, "is a file; give patterns of NET.STA"),
        ({"workers": 0}, "workers=0 must be a whole number"),
        ({"workers": 2}, "model must be a name where other processes pick"),
        ({"inventory": __file__}, "is no StationXML file"),
    ],
)
def test_impossible_options(options, message, refused):
    refused(message, **options)


def test_inputs_that_are_not_there(refused, tmp_path):
    refused("inputs='missing' does not exist", inputs="missing", error=OSError)
    refused("inputs names nothing", inputs=[])
    refused("must be a name that files begin with", output=tmp_path)
    refused(
        "there is no folder", output=tmp_path / "no" / "folder", error=FileNotFoundError
    )


def test_an_input_that_would_be_overwritten(fast, tmp_path):
    (tmp_path / "files.txt").write_text("a.mseed\n")

    with pytest.raises(ValueError, match=r"would write over the input .*files.txt"):
        pick_archive(tmp_path / "files.txt", tmp_path / "files", fast, progress=False)
    assert (tmp_path / "files.txt").read_text() == "a.mseed\n"


def test_a_file_that_is_a_folder(refused, tmp_path_factory):
    folder = tmp_path_factory.mktemp("taken")
    (folder / "out.txt").mkdir()
    refused(r"would write out\.txt, which is a folder", output=folder / "out")
    assert [path.name for path in folder.iterdir()] == ["out.txt"]


def test_inputs_without_waveforms(refused, tmp_path_factory):
    folder = tmp_path_factory.mktemp("none")
    (folder / "readme.md").write_text("Nothing here.")

    with pytest.raises(ValueError, match=r"1 file; such as .*readme.md: it is in none"):
        pick_archive(folder, folder / "out", PhaseNet(), progress=False)
    # The name is free for the right folder.
    assert not list(folder.glob("out*"))


def test_other_options_in_the_same_name(fast, small, tmp_path):
    def run(**options):
        return pick_archive(
            small, tmp_path / "out", fast, progress=False, **options
        ).summary["picks"]

    picks = run()
    with pytest.raises(ValueError, match=r"prob=0.5 differs from 0.3, with which"):
        run(prob=0.5)
    with pytest.raises(ValueError, match=r"stations=\[\"CX.S1\"\] differs from \[\]"):
        run(stations="CX.S1")
    assert run() == picks
    # Other tables of the same picks are none.
    run(formats=["csv"])

    (tmp_path / "out.state").unlink()
    with pytest.raises(ValueError, match=r"out.csv exists, but not the state"):
        run()


def test_other_weights_in_the_same_name(fast, published, small, tmp_path):
    pick_archive(small, tmp_path / "out", fast, progress=False)

    with pytest.raises(ValueError, match=r"model=.*differs from"):
        pick_archive(small, tmp_path / "out", published("LPPNM", "csn"), progress=False)


def test_a_damaged_state(fast, small, tmp_path):
    (tmp_path / "out.state").write_bytes(b"no database" * 1000)

    with pytest.raises(ValueError, match=r"out.state is damaged, or no file of a run"):
        pick_archive(small, tmp_path / "out", fast, progress=False)
