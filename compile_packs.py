"""The step of the build that puts the packs' compiled form into a wheel, so that no installation has to parse them."""

from __future__ import annotations

import os
import subprocess
import sys

from setuptools.command.build_py import build_py

COMPILE = """
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.prefilter import Prefilter
Prefilter(Matchers(load_packs())).worth_reading(("",), "a.py", b"")
"""


class BuildPy(build_py):
    """Builds the package, and lets it compile its packs as it does when it first runs."""

    def run(self) -> None:
        """Does both; an editable installation compiles when it runs."""
        super().run()
        if not self.editable_mode:
            # What the build requires is on this process's path only: installers keep it apart from the environment they install to.
            path = os.pathsep.join((os.path.abspath(self.build_lib), *filter(None, sys.path)))
            environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
            subprocess.run([sys.executable, "-c", COMPILE], env=environment, check=True, cwd=self.build_lib)
