"""The wheel works on its own, and the conda recipe asks for what setup.cfg asks for."""

import configparser
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml

import seisbench_diting

ROOT = Path(__file__).parents[1]
#: Names on conda-forge that differ.
ON_CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


@pytest.fixture(scope="module")
def setup():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


@pytest.fixture(scope="module")
def recipe():
    return yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text())


def test_recipe_requires_what_setup_cfg_requires(setup, recipe):
    expected = {"python " + setup["options"]["python_requires"]}
    for line in setup["options"]["install_requires"].split("\n"):
        requirement = line.partition(";")[0].strip()
        if requirement:
            name, version = re.fullmatch(r"([\w-]+)(.*)", requirement).groups()
            expected.add(f"{ON_CONDA.get(name, name)} {version}".strip())
    assert set(recipe["requirements"]["run"]) == expected
    assert recipe["context"]["version"] == seisbench_diting.__version__


@pytest.mark.slow
def test_wheel_picks_the_demo_in_a_bare_environment(tmp_path):
    # Built from a copy, as setuptools leaves folders behind.
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*build, str(source)], check=True)
    (wheel,) = tmp_path.glob("*.whl")

    bare = tmp_path / "bare"
    venv.create(bare)
    variables = {"base": str(bare), "platbase": str(bare)}
    packages = sysconfig.get_path("purelib", vars=variables)
    install = [*pip, "install", *offline, "--prefix", str(bare), "--ignore-installed"]
    subprocess.run([*install, str(wheel)], check=True)
    # The libraries of this environment, but not the package, which is editable here.
    Path(packages, "libraries.pth").write_text(sysconfig.get_path("purelib"))

    scripts = Path(sysconfig.get_path("scripts", vars=variables))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {
        "SEISBENCH_CACHE_ROOT": str(tmp_path / "cache"),
        # Whoever asks the network fails.
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    code = "import seisbench_diting; print(seisbench_diting.__file__)"
    for command in (
        [str(scripts / "python"), "-c", code],
        [str(scripts / "python"), "-m", "seisbench_diting", "demo", "-o", "demo.png"],
    ):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        if "-c" in command:
            assert Path(done.stdout.strip()).is_relative_to(bare)
    assert (tmp_path / "demo.png").stat().st_size > 10_000
    assert Path(packages, "seisbench_diting", "py.typed").is_file()
