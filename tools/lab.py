"""JupyterLab on the labs, as a student sees it: ``python -m tools.lab [JUPYTER OPTIONS]``.

A student works on copies in ``work/``, so that what is saved there disturbs neither the tests nor ``git pull``.
Nothing is fetched from the network: no news, no update check, no extension catalogue.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tools import notebooks
from tools.environment import ROOT

LABS = ROOT / "labs"
WORK = ROOT / notebooks.WORK
LAB_SETTINGS = ROOT / "tools" / "lab_settings"
FIRST_LAB = "00-welcome.ipynb"


def copy_new_labs(labs: Path, work: Path) -> list[str]:
    """Copy the notebooks that ``work`` does not have yet; a student's own copy is never touched.

    Returns:
        The names of those copied.
    """
    work.mkdir(exist_ok=True)
    new = [path for path in sorted(labs.glob("*.ipynb")) if not (work / path.name).exists()]
    for path in new:
        shutil.copyfile(path, work / path.name)
    return [path.name for path in new]


def jupyter_options() -> list[str]:
    """The options that every lab session starts with; what the user adds comes after them."""
    options = [
        f"--ServerApp.root_dir={WORK}",
        f"--LabApp.default_url=/lab/tree/{FIRST_LAB}",
        "--LabApp.news_url=None",
        # JupyterLab asks every newcomer about news whatever news_url says: only a setting keeps it quiet.
        f"--LabApp.app_settings_dir={LAB_SETTINGS}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    # Jupyter refuses to run as root unless told; in a container root is often the only user.
    return [*options, "--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else options


def main(options: list[str]) -> None:
    """Serve the labs until the user stops JupyterLab."""
    from jupyterlab.labapp import main as serve

    # A kernel that the user installed for another project must not stand in for ours.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    for name in copy_new_labs(LABS, WORK):
        print(f"Your copy of {name} is in {WORK}; delete it to begin that lab anew.")
    serve([*jupyter_options(), *options])


if __name__ == "__main__":
    main(sys.argv[1:])
