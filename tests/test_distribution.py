"""The wheel works on its own, and the conda recipe asks for what setup.cfg asks for."""

import configparser
import os
import re
import shutil
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


def test_recipe_requires_what_setup_cfg_requires():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text())
    expected = {"python " + setup["options"]["python_requires"]}
    for line in setup["options"]["install_requires"].split("\n"):
        requirement = line.partition(";")[0].strip()
        if requirement:
            name, version = re.fullmatch(r"([\w-]+)(.*)", requirement).groups()
            expected.add(f"{ON_CONDA.get(name, name)} {version}".strip())
    assert set(recipe["requirements"]["run"]) == expected
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    for version in (recipe["context"]["version"], citation["version"]):
        assert version == seisbench_diting.__version__


@pytest.mark.slow
def test_wheel_picks_the_demo_in_a_bare_environment(tmp_path):
    # Built from a copy, as setuptools leaves folders behind.
    source, bare = tmp_path / "source", tmp_path / "bare"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "tests"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "-w", tmp_path, source]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("*.whl")

    venv.create(bare)
    variables = {"base": str(bare), "platbase": str(bare)}
    packages = Path(sysconfig.get_path("purelib", vars=variables))
    install = [*pip, "install", *offline, "--prefix", bare, "--ignore-installed"]
    subprocess.run([*install, wheel], check=True)
    # The libraries of this environment, but not the package, which is editable here.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))

    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["SEISBENCH_CACHE_ROOT"] = str(tmp_path / "cache")
    # Whoever asks the network fails.
    environment["HTTPS_PROXY"] = "http://127.0.0.1:9"
    python = Path(sysconfig.get_path("scripts", vars=variables)) / "python"

    def printed(*words):
        command = [python, *words]
        return subprocess.check_output(
            command, cwd=tmp_path, env=environment, text=True
        )

    code = "import seisbench_diting; print(seisbench_diting.__file__)"
    assert Path(printed("-c", code).strip()).is_relative_to(bare)
    printed("-m", "seisbench_diting", "demo", "-o", "demo.png")
    assert (tmp_path / "demo.png").stat().st_size > 10_000
    assert (packages / "seisbench_diting" / "py.typed").is_file()
