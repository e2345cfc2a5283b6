"""The modules that read one kind of file each: a new one is named here, and nowhere else."""

from __future__ import annotations

from types import ModuleType

from rung.readers import (  # noqa: F401 - used through what this module holds, so that there is one list of them
    ansible,
    azure_pipelines,
    bicep,
    circleci,
    cloud_builds,
    configmaps,
    containers,
    github_actions,
    gitlab_ci,
    jenkins,
    kubernetes,
    languages,
    manifests,
    notebooks,
    other_ci,
    pointers,
    python,
    sql,
    stacks,
    taskcluster,
    tasks,
    terraform,
    workspaces,
)
from rung.readers.reading import Reading

READINGS: tuple[Reading, ...] = tuple(
    reading for module in tuple(vars().values()) if isinstance(module, ModuleType) for reading in module.READINGS
)
"""All readings, but that of settings, which hangs on what signals ask for."""
