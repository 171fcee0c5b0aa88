"""Sphinx settings of the documentation; ``make docs`` builds it."""

import os
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("SEISBENCH_CACHE_ROOT", str(ROOT / "build" / "docs-cache"))

import seisbench_diting  # noqa: E402
from seisbench_diting.cli.app import COMMANDS, app  # noqa: E402

# Sphinx reads only what lies in its own folder.
shutil.rmtree(HERE / "notebooks", ignore_errors=True)
(HERE / "notebooks").mkdir()
for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
    shutil.copy(notebook, HERE / "notebooks")

for command in (name for names in COMMANDS.values() for name in names):
    if app[command].default_command:
        # The help of its function, which is longer than the line of the list.
        app[command].help = None
commands = app.generate_docs().replace("# seisbench-diting\n", "# Commands\n", 1)
# The list of commands follows, with a line on each.
before, _, rest = commands.partition("## Table of Contents\n")
_, _, after = rest.partition("**Commands**:\n")
# Cyclopts takes the module that runs for the program.
after = after.replace(" -m sphinx", "")
# Examples are code.
after = re.sub(r"(?<=\n\n)(?=seisbench-diting )", "    ", after)
(HERE / "commands.md").write_text(before + after, encoding="utf-8")

project = "seisbench-diting"
author = "the developers of seisbench-diting"
release = version = seisbench_diting.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "seisbench-diting"
html_show_copyright = False
# Quotes and ellipses, but no dashes, as options begin with two hyphens.
smartquotes_action = "qe"

# The notebooks are saved with their outputs.
nb_execution_mode = "off"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"imported-members": True}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autoclass_content = "both"
