"""The validation text file."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seisbench_diting.evaluation import Window, read_validation, write_validation

samples = st.floats(0, 1e6, allow_subnormal=False)
absent = st.just(math.nan)
picks = st.tuples(st.sampled_from("PS"), samples, st.floats(0, 1))
windows = st.builds(
    Window, samples | absent, samples | absent, samples | absent, st.lists(picks)
)


@given(st.lists(windows, min_size=1, max_size=5))
def test_what_is_written_is_read(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("validation") / "out.txt"
    write_validation(path, written)

    assert repr(read_validation(path)) == repr(written)


def test_the_published_file_is_written_as_it_is(reference, tmp_path):
    path = reference / "data" / "diting_rnn_validation.txt"
    read = read_validation(path)
    write_validation(tmp_path / "copy.txt", read)

    assert len(read) == 9600
    ours = (tmp_path / "copy.txt").read_text().splitlines()
    theirs = path.read_text().splitlines()
    # The published file's signal-to-noise ratio is always 1.0.
    assert [line.removesuffix(".0") for line in theirs] == ours


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no window"),
        ("1,20,0.5\n", "line 1"),
        ("#phase,1,2,1.0\n3,20,0.5\n", "line 2"),
        ("#phase,1,2,1.0\n1,20\n", "line 2"),
        ("#phase,1\n", "line 1"),
        ("#path/to/file\nPg,96.3,0.4,2012-07-27 00:00:29\n", "line 1"),
        ("\x00\x01", "line 1"),
    ],
)
def test_what_is_no_such_file(tmp_path, text, word):
    path = tmp_path / "picks.txt"
    path.write_text(text)

    with pytest.raises(ValueError, match=word):
        read_validation(path)


def test_an_interruption_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def interrupted():
        yield Window(1, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_validation(path, interrupted())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
