"""Dependencies of manifests: their names, versions, groups and lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.readers.manifests import READINGS
from rung.readers.requirements import MAX_DEPENDENCIES
from rung.records import Dependency, Distribution, Fact, Include, Problem


def read(path: str, text: str | bytes) -> list[Fact]:
    data = text if isinstance(text, bytes) else text.encode()
    return [fact for reading in READINGS if reading.claims(path) for fact in reading.read(path, data)]


def dependencies(path: str, text: str | bytes) -> list[Dependency]:
    return [fact for fact in read(path, text) if isinstance(fact, Dependency)]


def rows(path: str, text: str) -> list[tuple[int, str, str, str, bool]]:
    """Line, name, version, group, pinned."""
    return [(d.line, d.name, d.version, d.group, d.pinned) for d in dependencies(path, text)]


@pytest.mark.parametrize(
    ("line", "name", "version", "pinned"),
    [
        ("Scikit_Learn", "scikit-learn", "", False),
        ("a==1.2", "a", "==1.2", True),
        ("a == 1.2  # why", "a", "== 1.2", True),
        ("a===1.2", "a", "===1.2", True),
        ("a==1.*", "a", "==1.*", False),
        ("a>=2,<3", "a", ">=2,<3", False),
        ("a[x,y]~=1.0; python_version < '3.9'", "a", "~=1.0", False),
        ("a!=1.0", "a", "!=1.0", False),
        ("a (>=1)", "a", ">=1", False),
        ("a>=1 --hash=sha256:abc", "a", ">=1", True),
        ("a @ https://x.org/a-1.0-py3-none-any.whl", "a", "@ https://x.org/a-1.0-py3-none-any.whl", True),
        ("a @ git+https://x.org/o/r@main ; python_version > '3'", "a", "@ git+https://x.org/o/r@main", False),
        ("git+https://x.org/o/some_tool.git@main", "some-tool", "@ git+https://x.org/o/some_tool.git@main", False),
        ("-e git+https://x.org/o/r.git@" + "a" * 40 + "#egg=tool", "tool", "@ git+https://x.org/o/r.git@" + "a" * 40 + "#egg=tool", True),
        ("https://x.org/w/tool-1.0-py3-none-any.whl", "tool", "@ https://x.org/w/tool-1.0-py3-none-any.whl", True),
        ("a==2.{{ cookiecutter.minor }}", "a", "==2.${cookiecutter.minor}", True),
        ("a==1.0.dev-x", "a", "==1.0.dev-x", True),
    ],
)
def test_a_requirement_line_gives_its_name_version_and_whether_it_is_pinned(line: str, name: str, version: str, pinned: bool) -> None:
    assert rows("requirements.txt", f"\n{line}\n") == [(2, name, version, "main", pinned)]


@pytest.mark.parametrize(
    "line",
    [
        "# mlflow",
        "",
        "--index-url https://x.org/simple",
        "-i https://x.org",
        "-e .",
        "./local",
        "../other[extra]",
        "file:///x",
        "C:\\x",
        "dist/a.whl",
        "${x}",
    ],
)
def test_a_line_that_names_no_package_gives_nothing(line: str) -> None:
    assert read("requirements.txt", line) == []


def test_a_continued_requirement_stands_on_its_first_line() -> None:
    text = "a==1 \\\n    --hash=sha256:x \\\n    --hash=sha256:y\nb>=2\n"

    assert rows("requirements.txt", text) == [(1, "a", "==1", "main", True), (4, "b", ">=2", "main", False)]


def test_included_files_are_named_from_the_root_and_never_outside_it() -> None:
    text = "-r base.txt\n-c ../constraints.txt\n--requirement=x/y.txt\n-r ../../../etc/passwd\n-r /etc/passwd\n-r https://x.org/r.txt\n"
    included = [(fact.line, fact.path, fact.reader) for fact in read("a/requirements/dev.txt", text) if isinstance(fact, Include)]

    assert included == [
        (1, "a/requirements/base.txt", "requirements"),
        (2, "a/constraints.txt", "requirements"),
        (3, "a/requirements/x/y.txt", "requirements"),
    ]


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("requirements.txt", "main"),
        ("requirements-dev.txt", "dev"),
        ("dev_requirements.txt", "dev"),
        ("requirements/tests.txt", "test"),
        ("requirements/base.txt", "main"),
        ("docs/requirements-documentation.in", "docs"),
        ("requirements-gpu.txt", "gpu"),
        ("constraints.txt", "main"),
    ],
)
def test_the_file_name_tells_the_group(path: str, group: str) -> None:
    assert [d.group for d in dependencies(path, "a")] == [group]


def test_prose_in_a_file_named_requirements_is_one_problem_and_odd_lines_are_problems_each() -> None:
    assert [type(fact) for fact in read("requirements.txt", "The system shall\nbe fast and\nreliable at all times")] == [Problem]
    assert [fact.line for fact in read("requirements.txt", "a\nb\nwhat is this\n") if isinstance(fact, Problem)] == [3]


def test_requirements_in_utf_16_are_read() -> None:
    assert [d.name for d in dependencies("requirements.txt", "mlflow==1.0\n".encode("utf-16"))] == ["mlflow"]


PYPROJECT = """
[build-system]
requires = ["setuptools>=61", "wheel"]
[project]
name = "My_Project"
dependencies = [
    "numpy>=1 ; python_version < \\"3.12\\"",
    "pandas-stubs",
    "pandas==2.0",
    "my-project[x]",
]
[project.optional-dependencies]
tests = ["pytest"]
gpu = ["torch", "my-project[tests]"]
[dependency-groups]
dev = ["ruff", {include-group = "lint"}]
lint = ["mypy"]
[tool.poetry.dependencies]
python = "^3.11"
a = "^1.0"
b = {version = "2.0", optional = true}
c = {git = "https://x.org/c", rev = "abc"}
d = {path = "../d"}
e = [{version = "1.0", python = "<3"}, {version = "2.0"}]
[tool.poetry.extras]
speed = ["b"]
[tool.poetry.dev-dependencies]
f = "*"
[tool.poetry.group.docs.dependencies]
sphinx = "7.0"
[tool.pdm.dev-dependencies]
testing = ["coverage"]
[tool.uv]
dev-dependencies = ["ipython"]
[tool.uv.sources]
ipython = {git = "https://x.org/i", tag = "v1"}
[tool.hatch.envs.default]
dependencies = ["black"]
[tool.pixi.dependencies]
cuda = "12.*"
[tool.setuptools.dynamic]
dependencies = {file = ["deps.txt"]}
optional-dependencies.dev = {file = ["more.txt"]}
"""


def test_every_table_of_a_pyproject_gives_dependencies_on_their_own_lines() -> None:
    assert sorted(rows("x/pyproject.toml", PYPROJECT)) == [
        (3, "setuptools", ">=61", "build", False),
        (3, "wheel", "", "build", False),
        (7, "numpy", ">=1", "main", False),
        (8, "pandas-stubs", "", "main", False),
        (9, "pandas", "==2.0", "main", True),
        (13, "pytest", "", "test", False),
        (14, "torch", "", "gpu", False),
        (16, "ruff", "", "dev", False),
        (17, "mypy", "", "lint", False),
        (20, "a", "^1.0", "main", False),
        (21, "b", "2.0", "speed", True),
        (22, "c", "@ https://x.org/c@abc", "main", True),
        (24, "e", "1.0", "main", True),
        (28, "f", "", "dev", False),
        (30, "sphinx", "7.0", "docs", True),
        (32, "coverage", "", "test", False),
        (34, "ipython", "@ git+https://x.org/i@v1", "dev", True),
        (38, "black", "", "dev", False),
        (40, "cuda", "12.*", "main", False),
    ]
    assert [d.ecosystem for d in dependencies("pyproject.toml", PYPROJECT) if d.name == "cuda"] == ["conda"]
    assert [fact.path for fact in read("x/pyproject.toml", PYPROJECT) if isinstance(fact, Include)] == ["x/deps.txt", "x/more.txt"]


def test_a_templated_pyproject_is_read_once_its_placeholders_are_words() -> None:
    text = "{% if x %}\n[project]\n{% endif %}\ndependencies = [\n  'mlflow=={{ v }}',\n]\n"

    assert rows("pyproject.toml", text) == [(5, "mlflow", "==${v}", "main", True)]


def test_setup_cfg_gives_requirements_and_the_files_that_hold_them() -> None:
    text = "[options]\ninstall_requires =\n    a>=1\n    # b\n    c==2\nsetup_requires = file: build.txt, more.txt\n[options.extras_require]\ntests =\n    pytest\n"

    assert rows("setup.cfg", text) == [(3, "a", ">=1", "main", False), (5, "c", "==2", "main", True), (9, "pytest", "", "test", False)]
    assert [fact.path for fact in read("p/setup.cfg", text) if isinstance(fact, Include)] == ["p/build.txt", "p/more.txt"]


SETUP = """
from setuptools import setup
BASE = ["a==1", "b"]
BASE += ["c"]
EXTRAS = {"dev": ["d"]}
EXTRAS["docs"] = ["e"]
unused = ["nobody"]
setup(name="x", install_requires=BASE + ["f"], extras_require=EXTRAS, setup_requires=open("requirements.txt").read().splitlines(),
      tests_require=EXTRAS["dev"], classifiers=["Topic :: Nothing"])
"""


def test_setup_py_is_parsed_and_its_literals_followed_through_names() -> None:
    assert sorted(rows("setup.py", SETUP)) == [
        (3, "a", "==1", "main", True),
        (3, "b", "", "main", False),
        (4, "c", "", "main", False),
        (5, "d", "", "dev", False),
        (5, "d", "", "test", False),
        (6, "e", "", "docs", False),
        (8, "f", "", "main", False),
    ]


def test_setup_py_whose_names_refer_to_themselves_ends() -> None:
    assert [d.name for d in dependencies("setup.py", "x = ['a']\nx = x + x + ['b']\nsetup(install_requires=x)")].count("b") >= 1


def test_pipfile_sections_are_groups() -> None:
    text = '[[source]]\nname = "pypi"\n[packages]\na = "*"\nb = {version = "==1.0", extras = ["x"]}\n[dev-packages]\nc = "~=2"\n[requires]\npython_version = "3"\n'

    assert rows("Pipfile", text) == [(4, "a", "", "main", False), (5, "b", "==1.0", "main", True), (7, "c", "~=2", "dev", False)]


CONDA = """
channels: [conda-forge]
dependencies:
  - python=3.10
  - conda-forge::NumPy=1.26.4
  - pytorch::pytorch >=2
  - scipy==1.9
  - x=1.0=py310_0
  - pip
  - pip:
    - mlflow==2.0
    - -r requirements.txt
"""


def test_a_conda_environment_gives_conda_packages_and_its_nested_pip_list() -> None:
    assert [(d.line, d.ecosystem, d.name, d.version, d.pinned) for d in dependencies("env/environment-dev.yml", CONDA)] == [
        (4, "conda", "python", "=3.10", False),
        (5, "conda", "numpy", "=1.26.4", True),
        (6, "conda", "pytorch", ">=2", False),
        (7, "conda", "scipy", "==1.9", True),
        (8, "conda", "x", "=1.0=py310_0", True),
        (9, "conda", "pip", "", False),
        (11, "pypi", "mlflow", "==2.0", True),
    ]
    assert {d.group for d in dependencies("env/environment-dev.yml", CONDA)} == {"dev"}
    assert [fact.path for fact in read("env/environment.yml", CONDA) if isinstance(fact, Include)] == ["env/requirements.txt"]


def test_an_environment_around_a_conda_file_leads_to_it_and_other_environments_give_nothing() -> None:
    assert [fact.path for fact in read("a/train-env.yml", "name: x\nconda_file: ../b/conda.yml\n") if isinstance(fact, Include)] == [
        "b/conda.yml"
    ]
    assert [d.name for d in dependencies("env.yml", "conda_file:\n  dependencies:\n  - a\n")] == ["a"]
    assert read("environment.yml", "dependencies:\n  name: no list\n") == []
    assert [d.ecosystem for d in dependencies("python_env.yaml", "python: 3.10\ndependencies:\n- mlflow\n")] == ["pypi"]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "package.json",
            '{\n"name": "x",\n"dependencies": {\n"@scope/a": "1.2.3",\n"b": "^1"},\n"devDependencies": {"c": "*", "d": "file:../d"},\n"peerDependencies": {"e": ">=1"}}',
            [
                ("npm", 4, "@scope/a", "1.2.3", "main", True),
                ("npm", 5, "b", "^1", "main", False),
                ("npm", 6, "c", "", "dev", False),
                ("npm", 7, "e", ">=1", "peer", False),
            ],
        ),
        (
            "DESCRIPTION",
            "Package: x\nDepends: R (>= 4.0),\n    dplyr\nImports:\n    xgboost (>= 1.0),\n    data.table (== 1.14)\nSuggests: testthat\nTitle: a, b\n",
            [
                ("cran", 3, "dplyr", "", "main", False),
                ("cran", 5, "xgboost", ">=1.0", "main", False),
                ("cran", 6, "data.table", "==1.14", "main", True),
                ("cran", 7, "testthat", "", "dev", False),
            ],
        ),
        (
            "Project.toml",
            '[deps]\nFlux = "587475ba"\nCUDA = "052768ef"\n[compat]\nFlux = "0.13"\nCUDA = "=5.1.0"\n[extras]\nTest = "8dfed614"\n',
            [
                ("julia", 2, "Flux", "0.13", "main", False),
                ("julia", 3, "CUDA", "=5.1.0", "main", True),
                ("julia", 8, "Test", "", "test", False),
            ],
        ),
        (
            "a/pom.xml",
            (
                "<project><!-- <dependency><artifactId>no</artifactId></dependency> -->\n<properties><v>1.0</v></properties>\n<dependency>\n<groupId>g</groupId>"
                "<artifactId>a</artifactId><version>${v}</version><exclusions><exclusion><groupId>z</groupId></exclusion></exclusions></dependency>\n"
                "<dependency><groupId>g</groupId><artifactId>b</artifactId><scope>test</scope></dependency>\n<plugin><artifactId>p</artifactId></plugin>\n<dependency>"
            ),
            [
                ("maven", 3, "g:a", "1.0", "main", True),
                ("maven", 5, "g:b", "", "test", False),
                ("maven", 6, "org.apache.maven.plugins:p", "", "build", False),
            ],
        ),
        (
            "app/build.gradle.kts",
            (
                "// implementation(\"no:no:1\")\nimplementation(\"g:a:1.0\")\ntestImplementation platform(\"g:b:1.+\")\nclasspath group: 'g', name: 'c', version: '2.0'\n"
                'implementation(project(":core"))\napi "g:d"\n/* api "no:no:1" */\n'
            ),
            [
                ("maven", 2, "g:a", "1.0", "main", True),
                ("maven", 3, "g:b", "1.+", "test", False),
                ("maven", 4, "g:c", "2.0", "build", True),
                ("maven", 6, "g:d", "", "main", False),
            ],
        ),
        (
            "gradle/libs.versions.toml",
            '[versions]\nk = "1.9"\n[libraries]\na = {module = "g:a", version.ref = "k"}\nb = "g:b:2.0"\nc = {group = "g", name = "c"}\n',
            [("maven", 4, "g:a", "1.9", "main", True), ("maven", 5, "g:b", "2.0", "main", True), ("maven", 6, "g:c", "", "main", False)],
        ),
        (
            "build.sbt",
            'libraryDependencies += "org.apache.spark" %% "spark-mllib" % "3.5.0"\n// "no" % "no" % "1"\n"g" % "t" % version % Test\n',
            [("maven", 1, "org.apache.spark:spark-mllib", "3.5.0", "main", True), ("maven", 3, "g:t", "", "test", False)],
        ),
        (
            "Cargo.toml",
            '[dependencies]\nserde = "1.0"\nown = {path = "../own"}\ntch = {version = "=0.13.0"}\n[dev-dependencies]\nx = "1"\n[target.\'cfg(unix)\'.dependencies]\ny = "2"\n',
            [
                ("cargo", 2, "serde", "1.0", "main", False),
                ("cargo", 4, "tch", "=0.13.0", "main", True),
                ("cargo", 6, "x", "1", "dev", False),
                ("cargo", 8, "y", "2", "main", False),
            ],
        ),
        (
            "Gemfile",
            "source 'https://rubygems.org'\ngem 'rails', '~> 7.0'\ngroup :development, :test do\n  gem \"rspec\"\nend\ngem 'a', '1.0', group: :test\n# gem 'no'\n",
            [("gem", 2, "rails", "~> 7.0", "main", False), ("gem", 4, "rspec", "", "dev", False), ("gem", 6, "a", "1.0", "test", True)],
        ),
    ],
)
def test_manifests_of_other_languages(path: str, text: str, expected: list[tuple[str, int, str, str, str, bool]]) -> None:
    assert [(d.ecosystem, d.line, d.name, d.version, d.group, d.pinned) for d in dependencies(path, text)] == expected


def test_indirect_go_modules_are_not_asked_for() -> None:
    text = "module x\n\nrequire example.org/one v1.0.0\nrequire (\n\texample.org/two/v2 v2.1.0\n\texample.org/three v0.1.0 // indirect\n)\nreplace (\n\texample.org/no v1.0.0 => ../no\n)\n"

    assert [(d.line, d.name, d.version) for d in dependencies("go.mod", text)] == [
        (3, "example.org/one", "v1.0.0"),
        (5, "example.org/two/v2", "v2.1.0"),
    ]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("flask==3.0\n    # via -r requirements.in\nclick==8.1\n    # via flask\n", ["flask"]),
        ("flask==3.0\n    # via\n    #   -r requirements.in\n    #   rest\nclick==8.1\n    # via\n    #   Flask\n    #   rest\nrest==1.0\n", ["flask", "rest"]),
        ("click==8.1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n    # via flask\nflask==3.0  # the site\n    # via shop (pyproject.toml)\n", ["flask"]),
        ("click==8.1  # via flask, rest\nflask==3.0  # via -r requirements.in, rest\nrest==1.0\n", ["flask", "rest"]),
        ("-e .\nflask==3.0\n    # via shop\nclick==8.1\n    # via flask\n", ["flask"]),
        ("flask==3.0  # goes in via the proxy\nclick==8.1  # flask\n", ["flask", "click"]),
    ],
    ids=["a line", "a list", "hashes", "behind", "exported", "other words"],
)  # fmt: skip
def test_compiled_requirements_that_only_other_packages_ask_for_are_left_out(text: str, asked: list[str]) -> None:
    assert [d.name for d in dependencies("requirements.txt", text)] == asked


PNPM = "packages:\n\n  /a@1.0.0(react@18.0.0):\n    dev: true\n  /@s/b/2.0.0:\n    dev: false\n  '@s/c@3.0.0':\n    resolution: {}\n\nsnapshots:\n\n  d@4.0.0: {}\n"
NPM_3 = (
    '{"lockfileVersion": 3, "packages": {\n"": {"name": "x", "version": "1.0.0"},\n"node_modules/a": {\n"version": "1.0.0"},\n'
    '"node_modules/a/node_modules/@s/b": {\n"version": "2.0.0",\n"dev": true}},\n"dependencies": {"a": {\n"version": "1.0.0"}}}'
)
CONDA_LOCK = (
    "package:\n- name: numpy\n  version: 1.26\n  manager: conda\n  platform: linux-64\n  category: main\n"
    "- name: numpy\n  version: 1.26\n  manager: conda\n  platform: osx-64\n- name: mlflow\n  version: 2.0\n  manager: pip\n  category: dev\n"
)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "poetry.lock",
            '[[package]]\nname = "A_b"\nversion = "1.0"\ngroups = ["dev"]\n\n[package.dependencies]\nname = "no"\n\n[[package]]\nname = "c"\nversion = "2.0"\ncategory = "main"\n\n[metadata]\n',
            [("pypi", 2, "a-b", "1.0", "dev"), ("pypi", 10, "c", "2.0", "main")],
        ),
        (
            "uv.lock",
            'version = 1\n[[package]]\nname = "own"\nversion = "0.1"\nsource = { editable = "." }\n[[package]]\nname = "torch"\nversion = "2.0"\nsource = { registry = "x" }\n',
            [("pypi", 7, "torch", "2.0", "main")],
        ),
        ("pylock.dev.toml", "[[packages]]\nname = 'a'\nversion = '1.0'\n", [("pypi", 2, "a", "1.0", "main")]),
        (
            "Pipfile.lock",
            (
                '{\n    "_meta": {\n        "sources": {\n        }\n    },\n    "default": {\n        "a": {\n            "version": "==1.0"\n        },\n        "b": {\n            "git": "x"\n        }\n    },\n'
                '    "develop": {\n        "c": {\n            "version": "==2.0"\n        }\n    }\n}\n'
            ),
            [("pypi", 7, "a", "1.0", "main"), ("pypi", 10, "b", "", "main"), ("pypi", 15, "c", "2.0", "dev")],
        ),
        ("package-lock.json", NPM_3, [("npm", 3, "a", "1.0.0", "main"), ("npm", 5, "@s/b", "2.0.0", "dev")]),
        (
            "package-lock.json",
            '{"version": "9", "lockfileVersion": 1, "dependencies": {\n"a": {\n"version": "1.0.0",\n"dev": true,\n"requires": {"x": "^1"}},\n"@s/b": {\n"version": "2.0.0"}}}',
            [("npm", 2, "a", "1.0.0", "dev"), ("npm", 6, "@s/b", "2.0.0", "main")],
        ),
        (
            "yarn.lock",
            '# yarn lockfile v1\n\n"@s/a@^1.0.0", "@s/a@^1.1.0":\n  version "1.2.0"\n\nb@^2:\n  version "2.0.0"\n  dependencies:\n    c "^1"\n',
            [("npm", 3, "@s/a", "1.2.0", "main"), ("npm", 6, "b", "2.0.0", "main")],
        ),
        (
            "yarn.lock",
            '__metadata:\n  version: 6\n\n"a@npm:^1":\n  version: 1.0.0\n\n"own@workspace:.":\n  version: 0.0.0-use.local\n',
            [("npm", 4, "a", "1.0.0", "main")],
        ),
        (
            "pnpm-lock.yaml",
            PNPM,
            [("npm", 3, "a", "1.0.0", "dev"), ("npm", 5, "@s/b", "2.0.0", "main"), ("npm", 7, "@s/c", "3.0.0", "main")],
        ),
        ("conda-lock.yml", CONDA_LOCK, [("conda", 2, "numpy", "1.26", "main"), ("pypi", 11, "mlflow", "2.0", "dev")]),
        (
            "conda-linux-64.lock",
            "@EXPLICIT\nhttps://conda.anaconda.org/conda-forge/linux-64/python-dateutil-2.8.2-pyhd_0.conda#abc\n",
            [("conda", 2, "python-dateutil", "2.8.2", "main")],
        ),
        (
            "pixi.lock",
            "packages:\n- conda: https://x.org/noarch/a_b-1.0-py_0.tar.bz2\n- pypi: https://x.org/b/Torch_X-2.0-cp310-none-any.whl\n",
            [("conda", 2, "a_b", "1.0", "main"), ("pypi", 3, "torch-x", "2.0", "main")],
        ),
        (
            "renv.lock",
            '{"Packages": {\n"xgboost": {\n"Package": "xgboost",\n"Version": "1.7-1"}}}',
            [("cran", 3, "xgboost", "1.7-1", "main")],
        ),
        (
            "Manifest.toml",
            '# julia\n[[deps.Flux]]\nuuid = "5"\nversion = "0.13"\n\n[[Old]]\nuuid = "6"\n\n    [deps.Flux.weakdeps]\n[[tasks]]\nversion = "no uuid"\n',
            [("julia", 2, "Flux", "0.13", "main"), ("julia", 6, "Old", "", "main")],
        ),
        (
            "Cargo.lock",
            '[[package]]\nname = "own"\nversion = "0.1"\n\n[[package]]\nname = "serde"\nversion = "1.0"\nsource = "registry+x"\n',
            [("cargo", 6, "serde", "1.0", "main")],
        ),
        ("Gemfile.lock", "GEM\n  specs:\n    rails (7.0.1)\n      a (>= 1)\n", [("gem", 3, "rails", "7.0.1", "main")]),
    ],
)
def test_lock_files_say_what_is_installed(path: str, text: str, expected: list[tuple[str, int, str, str, str]]) -> None:
    found = dependencies(path, text)

    assert [(d.ecosystem, d.line, d.name, d.version, d.group) for d in found] == expected
    assert all(d.pinned for d in found)


@pytest.mark.parametrize(
    "path",
    [
        "src/pyproject.py",
        "requirements.md",
        "my-package.json",
        "Manifest.xml",
        "environment.py",
        "setup.python",
        "denver.yml",
        "poetry.lock.bak",
        "docs/DESCRIPTION.md",
    ],
)
def test_files_of_similar_names_are_not_claimed(path: str) -> None:
    assert [reading.name for reading in READINGS if reading.claims(path)] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "[project"),
        ("package.json", "{"),
        ("setup.py", "def ("),
        ("setup.cfg", "no section"),
        ("environment.yml", "a: [b"),
        ("Pipfile", "= 1"),
        ("package.json", "[" * 5000),
        ("setup.py", "x = " + "[" * 5000),
        ("environment.yml", "{" * 5000),
    ],
)
def test_a_broken_manifest_is_one_problem(path: str, text: str) -> None:
    assert [type(fact) for fact in read(path, text)] == [Problem]


def test_a_lock_file_beyond_the_cap_is_cut_with_a_problem() -> None:
    text = "".join(f'[[package]]\nname = "p{n}"\nversion = "1"\n' for n in range(MAX_DEPENDENCIES + 5))
    found = read("uv.lock", text)

    assert len(found) == MAX_DEPENDENCIES + 1
    assert isinstance(found[-1], Problem)


PATHS = sorted(
    {
        "requirements.txt",
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "Pipfile",
        "environment.yml",
        "package.json",
        "pom.xml",
        "build.gradle",
        "yarn.lock",
        "uv.lock",
    }
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PATHS), st.text(alphabet="[]{}()\"'=:-# \n\\a1.@/<>%", max_size=120))
def test_no_text_makes_a_reader_fail(path: str, text: str) -> None:
    assert all(fact.line >= 0 for fact in read(path, text))


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("pyproject.toml", '[project]\nname = "kiosk"\n', [(2, "kiosk", False)]),
        ("pyproject.toml", '[project]\nname = "kiosk"\n[project.scripts]\nkiosk = "kiosk:main"\n', [(2, "kiosk", True)]),
        ("pyproject.toml", '[project]\nname = "kiosk"\ndynamic = ["scripts"]\n', [(2, "kiosk", True)]),
        ("pyproject.toml", '[tool.poetry]\nname = "kiosk"\n[tool.poetry.scripts]\nkiosk = "kiosk:main"\n', [(2, "kiosk", True)]),
        ("pyproject.toml", '[tool.ruff]\nname = "kiosk"\n', []),
        ("setup.cfg", "[metadata]\nname = kiosk\n", [(2, "kiosk", False)]),
        ("setup.cfg", "[metadata]\nname = kiosk\n[options.entry_points]\nconsole_scripts = kiosk = kiosk:main\n", [(2, "kiosk", True)]),
        ("setup.cfg", "[flake8]\nname = kiosk\n", []),
        ("setup.py", "from setuptools import setup\nsetup(name='kiosk')\n", [(2, "kiosk", False)]),
        ("setup.py", "from setuptools import setup\nsetup(name=NAME, entry_points=POINTS)\n", [(2, "", True)]),
        ("setup.py", "from setuptools import setup\nsetup(**WHAT)\n", [(2, "", True)]),
        ("setup.py", "print('kiosk')\n", []),
    ],
)
def test_a_manifest_says_what_is_built_and_whether_it_installs_a_command(
    path: str, text: str, expected: list[tuple[int, str, bool]]
) -> None:
    assert [(fact.line, fact.name, fact.commands) for fact in read(path, text) if isinstance(fact, Distribution)] == expected
