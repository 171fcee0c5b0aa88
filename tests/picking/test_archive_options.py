"""What picking archives refuses, and what it says then."""

import pytest
from seisbench.models import PhaseNet

from seisbench_diting.picking import pick_archive


@pytest.fixture
def refused(fast, small, tmp_path):
    def refused(message, inputs=None, output=None, model=fast, **options):
        with pytest.raises(ValueError, match=message):
            pick_archive(
                small if inputs is None else inputs,
                tmp_path / "out" if output is None else output,
                model,
                progress=False,
                **options,
            )
        assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]

    return refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0}, "threshold=0"),
        ({"threshold": 30}, "threshold=30"),
        ({"min_separation": -1}, "min_separation=-1"),
        ({"overlap": 1}, "overlap=1"),
        ({"overlap": -0.1}, "overlap=-0.1"),
        ({"snr_window": 100}, "snr_window=100"),
        ({"bandpass": (10, 1)}, r"bandpass=\(10, 1\)"),
        ({"bandpass": "1"}, "bandpass='1'"),
        ({"instruments": "HHZ"}, "instruments='HHZ'"),
        ({"start": "yesterday"}, "start='yesterday'"),
        ({"start": "2020-01-02", "end": "2020-01-01"}, "end='2020-01-01"),
        ({"name_pattern": "{sta}.sac"}, r"name_pattern='{sta}.sac'.*network"),
        ({"name_pattern": "*.sac"}, r"name_pattern='\*.sac'"),
        ({"formats": ["xls"]}, "formats=.*'xls'.*csv"),
        ({"device": "tpu"}, "device='tpu'"),
        ({"stations": __file__}, "stations=.*is a file"),
        ({"workers": 0}, "workers=0"),
        ({"workers": 2}, "model='LPPNT'"),
        ({"inventory": __file__}, "inventory=.*StationXML"),
    ],
)
def test_impossible_options(options, message, refused):
    refused(message, **options)


def test_a_misspelt_option_is_suggested(small, tmp_path):
    with pytest.raises(ValueError, match="did you mean 'threshold'"):
        pick_archive(small, tmp_path / "out", treshold=0.5)


def test_inputs_that_are_not_there(refused, tmp_path):
    refused("inputs='missing': does not exist", inputs="missing")
    refused("inputs=", inputs=[])
    refused("output=.*a name that files begin with", output=tmp_path)
    refused("output=", output=tmp_path / "no" / "folder")


def test_an_input_that_would_be_overwritten(fast, tmp_path):
    (tmp_path / "files.txt").write_text("a.mseed\n")

    with pytest.raises(ValueError, match=r"would overwrite the input .*files.txt"):
        pick_archive(tmp_path / "files.txt", tmp_path / "files", fast, progress=False)
    assert (tmp_path / "files.txt").read_text() == "a.mseed\n"


def test_a_file_that_is_a_folder(refused, tmp_path_factory):
    folder = tmp_path_factory.mktemp("taken")
    (folder / "out.txt").mkdir()
    refused(r"out\.txt is a folder", output=folder / "out")
    assert [path.name for path in folder.iterdir()] == ["out.txt"]


def test_inputs_without_waveforms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("none")
    for name in ("readme.md", "notes.md"):
        (folder / name).write_text("Nothing here.")

    with pytest.raises(ValueError, match=r"2 files \(.*readme.md\): it is in none"):
        pick_archive(folder, folder / "out", PhaseNet(), progress=False)
    # The name is free for the right folder.
    assert not list(folder.glob("out*"))


def test_other_options_in_the_same_name(fast, published, small, tmp_path):
    def run(model=fast, **options):
        return pick_archive(
            small, tmp_path / "out", model, progress=False, **options
        ).summary["picks"]

    picks = run()
    with pytest.raises(ValueError, match=r"threshold=0.5: .* 0.3"):
        run(threshold=0.5)
    with pytest.raises(ValueError, match=r"stations=\['CX.S1'\]: .* \[\]"):
        run(stations="CX.S1")
    with pytest.raises(ValueError, match="model="):
        run(published("LPPNM", "csn"))
    assert run() == picks
    # Other tables do not change the picks.
    run(formats=["csv"])

    (tmp_path / "out.state").unlink()
    with pytest.raises(ValueError, match=r"out.csv exists without the state"):
        run()


def test_a_damaged_state(fast, small, tmp_path):
    (tmp_path / "out.state").write_bytes(b"no database" * 1000)

    with pytest.raises(ValueError, match=r"out.state is damaged"):
        pick_archive(small, tmp_path / "out", fast, progress=False)
