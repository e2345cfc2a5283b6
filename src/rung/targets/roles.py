"""What a file is to its repository, told by its path alone.

A folder says the same of everything below it, so its answer is kept; that of a file is, too, as each step of a scan asks for it.
Where folder and name both speak, the role that stands first in `_PRECEDENCE` wins.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rung.expressions import regex
from rung.records import Role

_PRECEDENCE = (
    Role.VENDORED, Role.TEMPLATE, Role.TEST_DATA, Role.ARCHIVE, Role.TEST, Role.PLAN, Role.DOCS, Role.EXAMPLE, Role.NOTEBOOK, Role.SOURCE,
)  # fmt: skip
_RANK = {role: rank for rank, role in enumerate(_PRECEDENCE)}

_ENVIRONMENT_PARENTS = (
    "accounts clusters conf config configs deploy deployment deployments env environment environments envs inventories inventory live"
    " overlays parameters params stage stages terraform tfvars values workspaces data dataset datasets"
)
"""Under these, `test` names an environment or a part of the data, and `sample` data."""
_NO_ENVIRONMENT = "".join(f"(?<!/{parent})" for parent in _ENVIRONMENT_PARENTS.split())
_KINDS_OF_TEST = "unit|local|integration|functional|acceptance|smoke|system|load|performance|regression|contract|end[-_]to[-_]end|e2e"

# Matched against `/parent/part/` in lower case, with `^` before a part at the root.
_FOLDERS = {
    Role.VENDORED: regex(
        r"/(?:_?vendor|vendored|third[-_]?party|3rd[-_]?party|node_modules|bower_components|jspm_packages|(?:site|dist)-packages|\.?venv|virtualenv"
        r"|dbt_packages|dbt_modules|\.yarn|carthage|godeps|packrat|renv/library|renv/staging|\.tox|\.nox|\.eggs|\.terraform)/"
        r"|(?:\^|/src)/externals?/"
    ),
    Role.TEMPLATE: regex(
        r"\{\{|\{%|\^/template/|/(?:_*cookiecutters?_*|cookiecutter[-_][^/]*|copier(?:[-_][^/]*)?|project[-_]templates?|scaffold(?:s|ing)?|skeletons?)/"
    ),
    Role.TEST_DATA: regex(
        r"/(?:tests?[-_]?(?:data|fixtures?|resources)|__snapshots__|__fixtures__|fixtures?|cassettes)/"
        r"|/(?:tests?|spec|testthat)/(?:data|resources|assets|samples?|golden|expected|snapshots)/"
    ),
    Role.TEST: regex(
        rf"/(?:tests|__tests__|__mocks__|spec|testthat|test[-_]?(?:utils|helpers|suites?|dir)|cypress"
        rf"|e2e|(?:{_KINDS_OF_TEST})[-_]?tests?|tests?[-_](?:{_KINDS_OF_TEST}))/"
        rf"|{_NO_ENVIRONMENT}/test/"
    ),
    Role.DOCS: regex(r"/(?:_?docs?|documentation|docs?[-_]?site|wiki|adrs?|vignettes|javadocs?|runbooks?)/"),
    Role.ARCHIVE: regex(
        # Deeper down a package called `archive` may be one that archives.
        r"\^/_?(?:archives?|archived|old)/|/_?(?:archived|deprecated|attic|obsolete)/|/_archive/"
        r"|/(?:notebooks?|scripts?|dags|workflows?|sql|experiments?|pipelines?|models|k8s|terraform)/archive/"
    ),
    Role.EXAMPLE: regex(
        # One tutorial deep among the sources is what a pipeline or a configuration is called.
        r"/(?:(?:[^/]*[-_])?(?:examples?|samples|tutorials)|demos?|quick[-_]?starts?|getting[-_]?started|cookbooks?"
        rf"|(?:examples?|samples?|demo|tutorials?)[-_](?:apps?|projects?|code|notebooks?|data|scripts?))/|{_NO_ENVIRONMENT}/sample/|(?:\^|/src|/notebooks?)/tutorial/|/[^/]+[-_]tutorial/"
    ),
}

_NUMBER = regex(r"^\d+[a-z]?[-_. ]+(?!test$)(?=\w)")
"""What puts folders in order (`01_`, `2-`), and says nothing of what they hold; a numbered `test` is as likely an environment."""

_SCRIPTS = tuple(f".{letter}{kind}" for kind in ("js", "ts", "jsx", "tsx") for letter in ("", "c", "m"))
_JVM_TESTS = tuple(
    f"{word}.{kind}" for word in ("Test", "Tests", "Spec", "Suite", "IT") for kind in ("java", "scala", "kt", "cs", "groovy")
)
_TEMPLATE_SUFFIXES = (".tmpl", ".jinja", ".j2", ".template", ".jinja2")
# Looked at in this order, in lower case.
_ENDINGS = {
    Role.VENDORED: (".min.js", ".min.mjs", ".min.css", ".pnp.cjs", ".pnp.js"),
    Role.TEST: (
        *("_test.py", "_tests.py", "_test.go", "_test.r", "_spec.rb", ".bats", ".tftest.hcl"),
        *(f".{word}{script}" for word in ("test", "spec", "e2e", "cy") for script in _SCRIPTS),
    ),
    Role.DOCS: (".md", ".mdx", ".markdown", ".rst", ".adoc", ".asciidoc", ".textile", ".rd", ".pdf", ".doc", ".docx", ".ppt", ".pptx"),
}
_NOTEBOOKS = (".ipynb", ".rmd", ".qmd")
_WHOLE_NAMES = regex(
    r"(?P<vendored>jquery[-.\d]*\.js|gradlew(?:\.bat)?|mvnw(?:\.cmd)?|versioneer\.py|activate\.r)"
    r"|(?P<archive>.*[-_. ]deprecated\.(?:py|ipynb|r|rmd|qmd|sql|sh))"
    r"|(?P<test>test_.*\.py|tests\.py|conftest\.py|test[-_].*\.r|runtests\.jl)"
    r"|(?P<example>examples?[-_][\w-]*\.py|(?:[\w.-]*[-_])?example\.ya?ml|values[-_.]defaults?\.ya?ml|defaults?[-_.]values\.ya?ml)"
    r"|(?P<docs>(?:readme|changelog|changes|news|history|license|licence|copying|notice|authors|contributors|contributing|maintainers|security"
    r"|code_of_conduct)(?:[-_][\w-]*)?(?:\.txt)?|citation\.cff|readme\.\w{1,10})",
    re.DOTALL,
)
_TEMPLATE_END = regex(
    r"(?:(?<=[^/])\.(?:tmpl|jinja|j2)"
    # `stack.template` alone is CloudFormation, `answer.jinja2` a prompt or a page of the program itself.
    r"|(?:(?<=\.\w)|(?<=\.\w\w)|(?<=\.\w\w\w)|(?<=\.\w\w\w\w)|(?<=\.\w\w\w\w\w)|(?<=\.service)|(?<=dockerfile)|(?<=makefile)|(?<=jenkinsfile)|(?<=procfile))"
    r"\.(?:template|jinja2))\Z",
    re.IGNORECASE,
)
_PART_OF_PIPELINE = regex(r"(?:\.github/actions/(?:.*/)?action|taskcluster/(?:kinds|ci)/[^/]+/kind)\.ya?ml")
"""Files that are called for what they do to the code: `test` is the name of a job there."""
_OF_TESTS = regex(r"(?:^|/)(?:tests?|spec)/data(?:/|$)")
"""A folder of what tests read, or of the tests of data; a test's name tells."""
_TEMPLATE_TAG = regex(r"\{%[^{}%]*%\}")


_PLANS = regex(
    r"(?:^|/)(?:(?:implementation|project|feature)[-_])?(?:plans|proposals|roadmaps?)/"
    r"|(?:^|/)superpowers/specs/|(?:^|/)(?:roadmap|todo|(?:implementation|project|development|migration)[-_]plan)\.\w{2,8}$"
)
"""Where documents of what is only intended lie, and what they are called; plans for an emergency are no such."""


@lru_cache(maxsize=1 << 14)
def role_of(path: str) -> Role:
    """The role of a file; `path` is relative to the repository's root, `/` between parts."""
    if _PART_OF_PIPELINE.fullmatch(path):
        return Role.SOURCE
    folder, _, name = path.rpartition("/")
    by_folder = _folder_role(folder)
    by_name = _name_role(name)
    if by_name is Role.DOCS and _PLANS.search(f"{folder}/{name}".lower()):
        by_name = Role.PLAN
    if by_name is Role.TEST and by_folder is Role.TEST_DATA and _OF_TESTS.search(folder.lower()):
        return Role.TEST
    return by_name if _RANK[by_name] < _RANK[by_folder] else by_folder


def template_path(path: str) -> str:
    """The path that a project generator makes of a template: without `.jinja` and the like, and without `{% … %}` tags."""
    if "{%" in path:
        path = _TEMPLATE_TAG.sub("", path)
    return _TEMPLATE_END.sub("", path) if path.lower().endswith(_TEMPLATE_SUFFIXES) else path


@lru_cache(maxsize=1 << 14)
def _folder_role(folder: str) -> Role:
    # As deep as the path; a target bounds that.
    role = Role.SOURCE
    parent = "^"
    for part in map(_unnumbered, folder.lower().split("/")):
        own = _part_role(f"{parent}/{part}/")
        if _RANK[own] < _RANK[role]:
            role = own
        parent = f"/{part}"
    return role


def _unnumbered(part: str) -> str:
    """A folder's name without the number that puts it in order."""
    return part if part[:1].isalpha() else _NUMBER.sub("", part)


@lru_cache(maxsize=1 << 14)
def _part_role(parts: str) -> Role:
    return next((role for role, pattern in _FOLDERS.items() if pattern.search(parts)), Role.SOURCE)


def _name_role(name: str) -> Role:
    lower = name.lower()
    if (lower.endswith(_TEMPLATE_SUFFIXES) and _TEMPLATE_END.search(lower)) or "{{" in name or "{%" in name:
        return Role.TEMPLATE
    for role, endings in _ENDINGS.items():
        if lower.endswith(endings):
            return role
    if name.endswith(_JVM_TESTS):
        return Role.TEST
    found = _WHOLE_NAMES.fullmatch(lower)
    if found and found.lastgroup:
        return Role(found.lastgroup)
    return Role.NOTEBOOK if lower.endswith(_NOTEBOOKS) else Role.SOURCE
