"""Every record that passes between the steps of a scan: frozen, and importing nothing of ours but the errors.

A scan flows one way: a target lists files, readers turn bytes into *facts*, detectors match facts and
give *evidence*, rules turn evidence into *criteria* with ratings, and the assessment holds the levels.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, Union

from msgspec import Struct

from rung.errors import ConfigError as ConfigError  # noqa: PLC0414 - records are where all look for them
from rung.errors import PackError as PackError  # noqa: PLC0414 - records are where all look for them
from rung.errors import RungError as RungError  # noqa: PLC0414 - records are where all look for them
from rung.errors import TargetError as TargetError  # noqa: PLC0414 - records are where all look for them


class Record(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What all records are: made, copied and packed by compiled code, where a frozen dataclass takes several times as long.

    Records hold only what was there before them, so none is ever part of a cycle, and the garbage collector need not look at them.
    """


class Strength(IntEnum):
    """Kind of proof that a piece of evidence is; the order is the ladder, not a probability."""

    ABSENT = 0
    DECLARED = 1
    IMPLEMENTED = 2
    AUTOMATED = 3
    OPERATING = 4

    @property
    def label(self) -> str:
        """The word that people and packs use."""
        return self.name.lower()


class Role(StrEnum):
    """What a file is to its repository, told by its path; it bounds what evidence in it can prove."""

    SOURCE = "source"
    NOTEBOOK = "notebook"
    TEST = "test"
    TEST_DATA = "testdata"
    """What tests read: files that look like the real thing and are not."""
    EXAMPLE = "example"
    ARCHIVE = "archive"
    """What was put aside and is no longer in use."""
    DOCS = "docs"
    PLAN = "plan"
    """A document of what is only intended."""
    VENDORED = "vendored"
    TEMPLATE = "template"
    """A file of a project generator: its content is complete, but nothing starts it here."""


NO_PROOF = (Role.VENDORED, Role.TEST_DATA)
"""Roles in which a file says nothing of how its repository works; its content is not read."""


class Status(StrEnum):
    """Where a criterion stands; *unknown* is never *unmet*."""

    MET = "met"
    PARTLY = "partly"
    UNMET = "unmet"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    ATTESTED = "attested"
    WAIVED = "waived"


class Rating(StrEnum):
    """How far a criterion is achieved, on the scale of ISO/IEC 33020."""

    NOT = "N"
    PARTIALLY = "P"
    LARGELY = "L"
    FULLY = "F"


# ── Facts: what a reader saw, in no tool's words ─────────────────────────────────────────────────────


class Fact(Record, frozen=True, kw_only=True, tag_field="fact", tag=True):
    """One thing that a reader saw in a file."""

    line: int
    """1-based line in the file (0: the file as a whole)."""


class Dependency(Fact, frozen=True, kw_only=True):
    """A package that a manifest or lock file names."""

    ecosystem: str
    """pypi, npm, conda, cran, julia, maven, go."""
    name: str
    """As the ecosystem normalises it (pypi: PEP 503; maven: group:artifact)."""
    version: str = ""
    """The requirement as written (`==1.2`, `^1.0`, `>=2,<3`), empty when unconstrained."""
    group: str = "main"
    """main, dev, test, docs, build, or the extra's or group's own name."""
    pinned: bool = False
    """An exact version or a hash."""


class Import(Fact, frozen=True, kw_only=True):
    """A module that source code imports."""

    module: str
    """Full dotted name; `from a.b import c` gives `a.b.c`, a relative import starts with dots.
    Other languages carry a prefix: `r:xgboost`, `julia:Flux`, `js:@scope/name`, `jvm:org.apache.spark`."""
    handed_on: bool = False
    """It is only handed on to those that import this file (`export * from`): what is in it need not run with this file."""


class Call(Fact, frozen=True, kw_only=True):
    """A call, decorator or base class, its name resolved through imports, aliases and assignments.

    `from mlflow import sklearn as s; s.log_model(m, registered_model_name="x")` gives the name
    `mlflow.sklearn.log_model`. A receiver that was assigned from a call keeps that call's name:
    `c = boto3.client("sagemaker"); c.create_endpoint()` gives `boto3.client[sagemaker].create_endpoint`
    (the brackets hold the first literal argument, and only when there is one). A receiver that can't be
    resolved stays as written: `self.model.fit`.
    """

    name: str
    kind: str = "call"
    """call, decorator, base (class X(Base)) or gate: an ordering comparison that a program stops at (`assert acc > 0.8`,
    `if acc < least: raise`, `sys.exit`, `return False`). A gate's name are the names and keys compared, in lower case with blanks
    between (`metrics accuracy`), its arguments the operators and numbers (`>`, `0.8`)."""
    arguments: tuple[str, ...] = ()
    """Literal positional arguments (strings whole up to 200 characters, numbers, True/False/None as written); f-strings keep
    their literal parts with `{}` between, a path joined to a computed folder is `{}/train.py`; a list that begins with a string
    is its words joined by blanks, `{}` for what is no literal."""
    keywords: tuple[tuple[str, str], ...] = ()
    """Keyword arguments in order; the value of a literal as in `arguments`, of a name or anything else ``."""
    function: str = ""
    """Dotted name of the enclosing function or class, empty at module level."""
    end_line: int = 0


class Literal(Fact, frozen=True, kw_only=True):
    """A string constant in code worth keeping: a URI with a scheme, or an absolute path on some machine."""

    value: str


class Test(Fact, frozen=True, kw_only=True):
    """A test function (or test case in another language) and how many assertions it makes."""

    name: str
    assertions: int
    """As many at least, and none only if there is none: who skims Python source counts no calls beside statements."""


class Entry(Fact, frozen=True, kw_only=True):
    """A way to start a source file from a command line: a `__main__` guard."""


AROUND = ""
"""The part of a module that runs whenever it is imported: the code around what is defined in it."""
GUARD = "__main__"
"""The part of a module that only runs where the module is the program."""
EVERYTHING = "*"
"""What a part uses that looks up others by names which it computes."""


class Definition(Fact, frozen=True, kw_only=True):
    """A part of a Python module that runs apart from the others: a function or class, the `__main__` guard, or the code around them."""

    name: str
    """That of the function or class, `GUARD`, or `AROUND`; or a variable that functions are handed to, as an application. Both have no line."""
    end_line: int = 0
    uses: tuple[str, ...] = ()
    """What its code names, sorted: other definitions of the file by their names, or `EVERYTHING`; what is imported by its full dotted name,
    with one attribute where it is one of a module or class."""
    command: str = ""
    """By what the command line calls it, where it is one of a program's commands."""


class Distribution(Fact, frozen=True, kw_only=True):
    """A Python package that can be built from the file's folder and installed elsewhere."""

    name: str
    """As written; empty when it is computed."""
    commands: bool = False
    """Installing it puts a command on the path."""


class Command(Fact, frozen=True, kw_only=True):
    """One simple shell command, after splitting on `;`, `&&`, `|` and newlines."""

    words: tuple[str, ...]
    """Words after quotes, redirections, leading assignments and wrappers (`sudo`, `uv run`, `poetry run`,
    `python -m`, `npx`, …) are taken away; `python -m pytest -q` gives ("pytest", "-q")."""
    toothless: bool = False
    """Its failure is thrown away (`|| true`, `|| echo …`, `; exit 0` as the last word, or more commands in a shell that goes on)."""
    code: tuple[Call | Import, ...] = ()
    """What the Python written in the command itself (`python -c "…"`, a here-document) calls and imports."""
    into: str = ""
    """The program that its output ends in, when it is piped into one."""
    when: tuple[str, ...] = ()
    """The patterns of the branch that it stands in, where a script chooses among branches by what it is called with."""


class Task(Fact, frozen=True, kw_only=True):
    """A named unit of commands that somebody or something can start."""

    kind: str
    """make, just, taskfile, tox, nox, npm, shell, dvc, mlproject, snakemake, docker, poe, pdm, hatch, invoke, notebook, ansible; branch: of a shell script,
    chosen by its arguments; started: the command line that a start names (of a container, an operator, a process)."""
    name: str
    """The target's name; for a shell script or Dockerfile its path."""
    commands: tuple[Command, ...] = ()
    needs: tuple[str, ...] = ()
    """Names of tasks of the same file that run before it."""
    inputs: tuple[str, ...] = ()
    """What it reads: files, entry points, Dockerfiles; of what a start names the command line."""
    outputs: tuple[str, ...] = ()


class Trigger(Fact, frozen=True, kw_only=True):
    """What starts a workflow."""

    kind: str
    """push, pull_request, tag, release, schedule, upstream (another workflow or pipeline), event (issue,
    registry, chat…), manual, call (only other workflows)."""
    branches: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    cron: str = ""
    awaits: tuple[str, ...] = ()
    """What it waits for by name: other workflows, or events that a step can send (`repository_dispatch`)."""

    @property
    def automatic(self) -> bool:
        """Whether it fires without a person."""
        return self.kind not in ("manual", "call")


class Step(Fact, frozen=True, kw_only=True):
    """One step of a job: a command text, or the use of a packaged action, task, orb or template."""

    name: str = ""
    uses: str = ""
    """Action, task, orb command, builder image or plug-in as written (`actions/checkout@v4`, `AzureCLI@2`)."""
    commands: tuple[Command, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    """`with:`/`inputs:` as text, nested keys joined by dots."""
    condition: str = ""
    continue_on_error: bool = False
    disabled: bool = False
    """Can never run: a literal false condition."""
    manual: bool = False
    """It only runs where a person started the workflow."""


class Job(Fact, frozen=True, kw_only=True):
    """A job of a workflow: its steps, what it waits for, and what can stop it."""

    id: str
    name: str = ""
    uses: str = ""
    """A reusable workflow or template that is the whole job; a local path starts with `./`."""
    needs: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    environment: str = ""
    """Named deployment environment; where the system has manual approval instead, `approval`."""
    image: str = ""
    condition: str = ""
    continue_on_error: bool = False
    disabled: bool = False
    manual: bool = False
    """A person has to start this job (`when: manual`, an approval hold)."""
    matrix: bool = False


class Workflow(Fact, frozen=True, kw_only=True):
    """A continuous-integration pipeline, in one model for every system."""

    system: str
    """github-actions, gitlab-ci, azure-pipelines, jenkins, circleci, cloud-build, codebuild, bitbucket, taskcluster, or another."""
    name: str = ""
    triggers: tuple[Trigger, ...] = ()
    jobs: tuple[Job, ...] = ()
    permissions: str = ""
    """Top-level permissions as written, `{}` when emptied."""

    @property
    def automatic(self) -> bool:
        """Whether anything but a person or another workflow starts it."""
        return any(trigger.automatic for trigger in self.triggers)


TAGS = ".git/refs/tags"
"""The path of a file with the numbered tags of a repository: git tracks nothing below `.git`, so it is that of no other file."""
SWITCHES = "terraform-switches"
"""Dialect of variables of Terraform that are true or false: they provision nothing, and decide what is."""


class Resource(Fact, frozen=True, kw_only=True):
    """An infrastructure object that a file declares, in one model for every dialect."""

    dialect: str
    """terraform, cloudformation, kubernetes, arm, bicep, cdk, pulumi, serverless, compose; live for one that is there."""
    type: str
    """As the dialect names it: `aws_s3_bucket`, `AWS::S3::Bucket`, `apps/Deployment` (group/Kind, `core/Service`
    for the core group), `Microsoft.Storage/storageAccounts`, `aws_cdk.aws_s3.Bucket`. `data` blocks of Terraform are no resources."""
    name: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    """Flattened, list positions left out: (("versioning.enabled", "true"), …); values as text, expressions as written."""
    references: tuple[str, ...] = ()
    """Other resources it points to, as written (`aws_s3_bucket.data`)."""
    conditional: str = ""
    """The condition that decides whether it exists (`count`/`Condition`/`if`), empty when it always does; `false` if never."""


class Setting(Fact, frozen=True, kw_only=True):
    """One scalar of a configuration file (YAML, TOML, JSON, INI, .env)."""

    key: str
    """Dotted key path, list positions left out: `repos.hooks.id`."""
    value: str


class Image(Fact, frozen=True, kw_only=True):
    """A container image that is named."""

    name: str
    """As written, with tag or digest."""
    use: str
    """base (Dockerfile FROM), service (Compose), deployment (Kubernetes, Helm, cloud run), job (CI job or step)."""


class Include(Fact, frozen=True, kw_only=True):
    """Another file of the repository that must be read the same way as this one."""

    path: str
    """Relative to the repository's root, normalised; never outside it."""
    reader: str
    """The name of the reading to apply: requirements, gitlab-ci, azure-pipelines."""


class Problem(Fact, frozen=True, kw_only=True):
    """Something in a file that could not be read; the rest of the file's facts stand."""

    what: str
    """What is wrong, as a sentence that names the place and not the parser's internals."""


if TYPE_CHECKING:
    AnyFact: TypeAlias = Fact
else:  # Kept facts are told apart by their tags.
    AnyFact = Union[tuple(Fact.__subclasses__())]  # noqa: UP007


class Hit(NamedTuple):
    """A match of a signal or a start in a file, by the numbers of what it matched: small enough to be sent and kept."""

    key: str
    """`detector/signal` or `detector/starts/start`."""
    line: int
    end_line: int = 0
    modules: tuple[tuple[str, ...], ...] = ()
    """The match counts if of each group one module is not the repository's own."""
    fact: int = -1
    """Which of the file's facts it is, or is in: a task, a workflow, or what a start matched; -1 for one that nobody asks for again."""
    job: int = -1
    step: int = -1
    """Which of the job's steps, -2 for the job itself as a call of another workflow."""
    command: int = -1
    """Which command of the task or the step."""
    toothless: bool = False
    """The command's failure is thrown away."""
    number: int = 1
    """How many like it the hit stands for: matches of the signal in the file that no task or workflow owns; it is the first of them."""


class SourceFile(Record, frozen=True, kw_only=True):
    """A file of a target, and what was read from it."""

    path: str
    """Relative to the target's root, `/` between parts; bytes that are no UTF-8 as `\\xNN`."""
    size: int
    role: Role = Role.SOURCE
    lfs: bool = False
    """The content is a Git LFS pointer; `size` is then the size that the pointer states."""
    facts: tuple[AnyFact, ...] = ()
    """What was seen in it; once it was matched, without the facts that only signals look at."""
    hits: tuple[Hit, ...] = ()
    """What signals and starts match in it."""
    excerpts: dict[int, str] = {}
    """The lines that signals match on, fit to be shown, by number; only of a file that was opened."""
    unread: str = ""
    """Why the content was not read (too large, special file, link out of the tree, …), empty when it was."""


# ── Evidence and coverage ────────────────────────────────────────────────────────────────────────────


class Hop(Record, frozen=True, kw_only=True):
    """One step of the chain from a trigger to the evidence."""

    path: str
    line: int
    what: str


class Unknown(Record, frozen=True, kw_only=True):
    """Something that runs without a person, and starts what reading can't tell."""

    path: str
    line: int
    what: str
    """The command or reference as written."""
    reason: str


def position(path: str, line: int) -> str:
    """`path:line`, or the path alone where the whole file is meant."""
    return f"{path}:{line}" if line else path


class Location(Record, frozen=True, kw_only=True):
    """Where evidence stands: a line of a file, or a resource of an account."""

    target: str
    path: str = ""
    line: int = 0
    end_line: int = 0
    resource: str = ""
    region: str = ""

    @property
    def place(self) -> str:
        """For people: `path:line`, or the resource with its region."""
        if self.resource:
            return f"{self.resource} ({self.region})" if self.region else self.resource
        return position(self.path, self.line)


class Evidence(Record, frozen=True, kw_only=True):
    """A located match of one signal: one a signal and file, the strongest and first of its occurrences."""

    id: str
    """Hash of detector, signal and path, without line numbers: it survives edits."""
    detector: str
    signal: str
    tool: str
    capability: str
    strength: Strength
    location: Location
    chain: tuple[Hop, ...] = ()
    excerpt: str = ""
    occurrences: int = 1
    note: str = ""
    """Why the strength is below what the signal could prove (`only started by hand`, `in an example`, …)."""


class DeadEnd(Record, frozen=True, kw_only=True):
    """Something that is set up and can't work, or that nothing follows up."""

    id: str
    """Hash of kind, path and text, without line numbers."""
    kind: str
    location: Location
    what: str
    remediation: str


class Coverage(Record, frozen=True, kw_only=True):
    """What was searched, or what could not be and what would make it visible."""

    target: str
    what: str
    searched: bool
    parts: tuple[str, ...] = ()
    """The first of the several things that `what` names, without their lines; empty where it is one."""
    more: int = 0
    """How many there are beyond `parts`."""
    reason: str = ""
    needs: str = ""
    capabilities: tuple[str, ...] = ()
    """Capabilities that could have been found there; for what was searched only where that was live."""
    place: str = ""
    """Where outside of files it is: `host` for a code host, `live` for an account or a server, `elsewhere` for what belongs to another
    repository; empty for a repository that was to be searched."""


class ScanError(Record, frozen=True, kw_only=True):
    """Something that could not be read; the scan went on."""

    target: str
    path: str
    what: str
    line: int = 0


class TargetInfo(Record, frozen=True, kw_only=True):
    """What was scanned."""

    id: str
    kind: str
    """worktree, folder, revision; account, server, host for what is live."""
    uri: str
    name: str
    revision: str = ""
    branch: str = ""
    dirty: bool = False
    remote: str = ""
    """URL of the code host's page of the repository (https, without credentials), empty when unknown."""
    folder: str = ""
    """The part of the repository that was scanned, when it was a part; paths are relative to it."""
    files: int = 0
    resources: int = 0
    """Live resources that were looked at."""
    unread: str = ""
    """Why a live target that had to be asked told nothing, and what it needs; empty when it did."""
    default_branch: str = ""
    """The branch that a clone of the repository checks out, empty when nothing tells."""
    branches: tuple[str, ...] = ()
    """Names of the branches that are known, sorted."""
    branches_complete: bool = False
    """Whether the repository has no branch but these; when not, one that is not among them may still exist."""


class Undeclared(Record, frozen=True, kw_only=True):
    """A live resource that no code declares, or the other way round."""

    location: Location
    """The resource, or the line that declares it."""
    what: str
    """Type and name."""


class Inventory(Record, frozen=True, kw_only=True):
    """How live resources that models are made, kept and served with compare with those that code declares."""

    live: int
    declared: int
    """How many of the live ones code declares by their names."""
    uncertain: int
    """How many more it may declare: a resource of their type has a name that is only made when it is."""
    by_hand: tuple[Undeclared, ...]
    """Live ones that no code declares, the first of them."""
    not_live: tuple[Undeclared, ...]
    """Declared ones that are not live, the first of them."""


# ── Packs: detectors, capabilities, rules ────────────────────────────────────────────────────────────


class Follow(Record, frozen=True, kw_only=True):
    """What must be found beside a signal so that it does not lead nowhere."""

    kind: str
    what: str
    """What is wrong when none of it is found, as a sentence."""
    remediation: str
    unless: tuple[str, ...]
    """Capabilities, or signals as `detector/signal`; one of them is enough."""


class DeadEndRule(Record, frozen=True, kw_only=True):
    """Capabilities that are of no use without another."""

    id: str
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    what: str
    remediation: str


class ElsewhereRule(Record, frozen=True, kw_only=True):
    """Capabilities that tell of others that they are practised in another repository."""

    id: str
    has: tuple[str, ...]
    """All of these are implemented or more,"""
    lacks: tuple[str, ...]
    """and none of these."""
    hides: tuple[str, ...]
    """What can't be seen then."""
    what: str
    reason: str
    needs: str


class Signal(Record, frozen=True, kw_only=True):
    """One observable trace of a tool or practice, and what it proves."""

    id: str
    capability: str
    strength: Strength
    matcher: str
    """Which of the closed set of matchers; `matchers.py` lists them."""
    arguments: dict[str, object]
    where: tuple[Role, ...] = (Role.SOURCE, Role.NOTEBOOK)
    """Roles of files in which the match proves its full strength; elsewhere it is `declared` at most."""
    given: tuple[str, ...] = ()
    """Capabilities or signals (`detector/signal`) one of which must be found (implemented or more) for the match to mean
    anything: a roll-out is one of models only where a model is served."""
    publishes: bool = False
    """A match shows that packages of the repository are published for others to use."""
    at_most: Strength = Strength.OPERATING
    """What a match proves even where something automatic reaches it."""
    dead_end: Follow | None = None


class Start(Record, frozen=True, kw_only=True):
    """How a tool starts things: by a trigger of its own, by running what an argument names, or both.

    The names of arguments are a call's keywords or positions (`0`), a resource's attributes, a step's `with` keys, a command's
    options (`-f`, or `*` for each of its words), and `value` for a setting.
    """

    id: str
    matcher: str
    arguments: dict[str, object]
    where: tuple[Role, ...]
    trigger: str = ""
    """What starts the file or resource that matches, without a person: schedule, event, push (a change of the code), service, controller; empty when it starts only others.
    Of a command or step: what starts from then on what that leaves behind."""
    shell: tuple[str, ...] = ()
    """Arguments that together are a command line."""
    file: tuple[str, ...] = ()
    """Arguments that name a file, or a folder of manifests."""
    module: tuple[str, ...] = ()
    """Arguments that name a module, a function of one (`package.module:function`, `package.module.function`), or a file and a function."""
    image: tuple[str, ...] = ()
    """Arguments that name a container image."""
    build: tuple[str, ...] = ()
    """Arguments that name a Dockerfile, or the folder that holds it."""
    glob: tuple[str, ...] = ()
    """Globs of the files that always run with it, from the folder in which it starts."""
    tasks: str = ""
    """The kind of tasks that the other words of the command name; all of them when it names none."""
    folder: tuple[str, ...] = ()
    """Arguments that name the folder from which the others count."""
    resource: tuple[str, ...] = ()
    """Arguments that name a resource which the repository declares, by its name or by a reference to it."""
    named: bool = False
    """Of a call with a trigger: it runs of the functions of its file only those that the code around them names, or they name."""


class Detector(Record, frozen=True, kw_only=True):
    """A pack: the traces that one tool or practice leaves, and what it starts."""

    id: str
    title: str
    homepage: str
    signals: tuple[Signal, ...]
    starts: tuple[Start, ...] = ()


class Read(Record, frozen=True, kw_only=True):
    """One read-only call of an account or server."""

    call: str
    """`service:Operation` as the service's own model names it, or `GET /path/{variable}`."""
    parameters: dict[str, object] = {}
    """What is handed over; a text of the form `{field}` stands for that field of the item that the call is about."""
    absent: tuple[str, ...] = ()
    """Codes of errors that mean that there is none."""
    permission: tuple[str, ...] = ()
    """What whoever calls must be allowed."""


class Detail(Record, frozen=True, kw_only=True):
    """A call that tells more of one live resource."""

    read: Read
    take: str = ""
    """Path of what is taken of the answer, empty for all of it."""
    into: str = ""
    """The key that its attributes are put under, empty for none."""


class Trap(Record, frozen=True, kw_only=True):
    """What a live resource looks like that is set up and leads nowhere."""

    id: str
    where: dict[str, tuple[str, ...]]
    """Attributes with the globs that their values must match; all of them."""
    without: tuple[str, ...]
    """Attributes that it must not have."""
    what: str
    remediation: str


class Listing(Record, frozen=True, kw_only=True):
    """How the resources of one type are listed live."""

    read: Read
    items: str
    """Path of the items in the answer; empty when the answer is the one item."""
    name: str
    """Path of an item's name in it, or a text with `{fields}` of it and of what it belongs to."""
    at: tuple[str, ...] = ()
    """Paths of times of use; without any, being there is being used."""
    each: str = ""
    """The type for each of whose resources the call is made; empty when it is made once."""
    everywhere: bool = False
    """The type belongs to no region: it is listed once an account."""
    newest: int = 0
    """Items that are read at most, the newest; 0 for all."""
    details: tuple[Detail, ...] = ()
    dead_ends: tuple[Trap, ...] = ()


class ResourceType(Record, frozen=True, kw_only=True):
    """A canonical infrastructure type, the names it goes by where it is declared, and how it is listed live."""

    type: str
    provider: str = ""
    terraform: tuple[str, ...] = ()
    kubernetes: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    """Attributes that name the Helm charts that it installs."""
    live: Listing | None = None


class Provider(Record, frozen=True, kw_only=True):
    """Something live that resources are listed of, and how it is spoken to."""

    id: str
    title: str
    kind: str
    """account, server or host."""
    protocol: str
    value: str = "ADDRESS"
    """What the value of its option is called."""
    help: str = ""
    """What its option does, as a phrase; empty for its title."""
    address: tuple[str, ...] = ()
    """Environment variables that give its address."""
    default: str = ""
    """Its address where nothing gives one."""
    token: tuple[str, ...] = ()
    """Environment variables that hold a bearer token."""
    token_file: str = ""
    """File of another program's configuration, below the user's folder of such, that holds tokens by host."""
    token_key: str = ""
    """The key of the token in the entry of a host there."""
    basic: tuple[str, ...] = ()
    """Environment variables that hold a user's name and password."""
    name: str = ""
    """Form of the name of what is asked for on it (`{owner}/{repo}`); empty where the address says all."""
    elsewhere: str = ""
    """Path of its API on a host of somebody's own."""
    elsewhere_token: tuple[str, ...] = ()
    """Environment variables that hold a token for such a host, to which those for the default one are not sent."""
    instead: str = ""
    """A sentence on what a token of another kind must be allowed, where it can't be told call by call."""
    headers: dict[str, str] = {}
    pages: dict[str, str] = {}
    """How an answer of several pages goes on: a token in it, a link in its headers, or pages by number."""


class Capability(Record, frozen=True, kw_only=True):
    """One word of the vocabulary: an ability, whatever tool gives it."""

    id: str
    title: str
    description: str
    negative: bool = False
    unless: tuple[str, ...] = ()
    """Capabilities whose presence (implemented or more) takes this negative one away."""
    offered: bool = False
    """A library can offer it to others without practising it: the code of one that is published shows it as declared only."""
    among_tests: bool = False
    """A command proves it among tests too, where the script that runs them often lies."""
    blocking: bool = False
    """It proves itself by failing: reached over a command whose failure is thrown away, it stops nothing."""
    asked: bool = False
    """Code of a service does it when somebody asks: only what runs by pipeline or schedule does it by itself."""


class Leaf(Record, frozen=True, kw_only=True, tag=True):
    """The demand for one capability at one strength."""

    capability: str
    strength: Strength
    """Demanded strength; ABSENT demands that a negative capability was looked for and not found."""


class Group(Record, frozen=True, kw_only=True, tag=True):
    """`all`, `any` or `at_least` n of requirements."""

    kind: str
    of: tuple[Leaf | Group, ...]
    count: int = 0


class Criterion(Record, frozen=True, kw_only=True):
    """What a framework asks for on one level of one dimension."""

    id: str
    title: str
    why: str
    dimension: str
    level: int
    atoms: tuple[str, ...]
    """Ids of the statements of the source text that the criterion stands for."""
    requires: Leaf | Group | None
    """None: only a person can attest it."""
    essential: bool
    observable: tuple[str, ...]
    """Where it can be seen: repository, host, live, attestation."""
    remediation: str
    effort: str
    """low (hours), medium (days), high (weeks)."""
    references: tuple[str, ...] = ()


class DimensionRule(Record, frozen=True, kw_only=True):
    """A dimension of a framework, and when it makes sense to rate it."""

    id: str
    title: str
    applies: Leaf | Group
    """What must be found for the dimension to make sense at all."""
    otherwise: str
    """Why it does not, when it does not."""


class Framework(Record, frozen=True, kw_only=True):
    """A maturity model: its levels, dimensions, criteria and thresholds."""

    id: str
    title: str
    source: str
    levels: tuple[tuple[int, str], ...]
    dimensions: tuple[DimensionRule, ...]
    criteria: tuple[Criterion, ...]
    reached_at: float
    """Mean rating that the level reached must have (share of 1)."""
    below_at: float
    """Mean rating that every level below it must have."""
    fully_from: int = 0
    """Level from which on essential criteria must be fully achieved, and not only largely; 0: none."""
    default: bool = False
    """The one to rate by unless another is asked for."""


class Packs(Record, frozen=True, kw_only=True):
    """All data that a scan goes by."""

    detectors: tuple[Detector, ...]
    capabilities: tuple[Capability, ...]
    resources: tuple[ResourceType, ...]
    providers: tuple[Provider, ...] = ()
    frameworks: tuple[Framework, ...]
    dead_ends: tuple[DeadEndRule, ...] = ()
    elsewhere: tuple[ElsewhereRule, ...] = ()
    digest: str
    """Short hash over the content of all packs."""


# ── Configuration ────────────────────────────────────────────────────────────────────────────────────


class Scope(Record, frozen=True, kw_only=True):
    """Which paths belong to a system, as globs; no `inside` means all."""

    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


LEFT_OUT = "left out by rung.yaml"
OTHER_SYSTEM = "part of another system of rung.yaml"
NOT_OURS = {LEFT_OUT: "the paths taken in again", OTHER_SYSTEM: "a look at that system"}
"""Why a file earns a system nothing though it was read, and what would change that."""


class SystemRule(Record, frozen=True, kw_only=True):
    """One system of a repository that holds several."""

    name: str
    scope: Scope


class TargetRule(Record, frozen=True, kw_only=True):
    """One target of a system: a repository, or something live."""

    kind: str
    """`path`, or the id of a live provider."""
    value: str = ""
    """A repository's path or URL; of a live one what names it, such as a profile, an address or `acme/churn`."""
    settings: dict[str, object] = {}
    """What else is said of a live one."""
    optional: bool = False
    """That it can't be read is told, and is no failure of the scan."""


class Annotation(Record, frozen=True, kw_only=True):
    """A person's word on one criterion: it holds though it is not seen (attested), or it is set aside (waived)."""

    criterion: str
    status: Status
    """Attested or waived."""
    reason: str
    owner: str
    expires: str
    """The last day on which it counts, as in 2027-03-01."""
    link: str = ""
    system: str = ""
    """The one system that it is about; empty for all."""


class Config(Record, frozen=True, kw_only=True):
    """What `rung.yaml` says; the empty one says nothing."""

    source: str = ""
    """What messages call the file; empty when there is none."""
    system: str = ""
    frameworks: tuple[str, ...] = ()
    scope: Scope = Scope()
    systems: tuple[SystemRule, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    under: tuple[tuple[str, int], ...] = ()
    """The gate's least level of dimensions."""
    no_regression: bool = False
    """Whether the gate lets nothing fall."""
    targets: tuple[TargetRule, ...] = ()
    """What the system is made of; only gone by in a file that the user names."""
    window: int = 90
    """Days within which something live must have been used to count as in use."""
    notes: tuple[str, ...] = ()
    """What of a configuration is not gone by, and why."""
    mistake: str = ""
    """What is wrong with the file, which then says nothing; empty when it is right."""


class Force(StrEnum):
    """What became of an annotation in an assessment."""

    IN_FORCE = "in force"
    EXPIRED = "expired"
    NOT_NEEDED = "not needed"
    """The criterion is met by what was seen."""
    NOT_APPLICABLE = "not applicable"
    """The criterion does not apply to the system, or no framework asked for rates it."""


class Policy(Record, frozen=True, kw_only=True):
    """The configuration as an assessment went by it."""

    source: str
    """Whose configuration: `rung.yaml`, `rung.yaml of 3f2c1ab`, or a file's name."""
    annotations: tuple[tuple[Annotation, Force], ...]
    notes: tuple[str, ...] = ()
    """What of a configuration was not gone by, and why."""
    mistake: str = ""
    """What is wrong with the file, which then had no effect; empty when it is right."""


# ── Assessment ───────────────────────────────────────────────────────────────────────────────────────


class CriterionResult(Record, frozen=True, kw_only=True):
    """Where one criterion stands."""

    id: str
    level: int
    title: str
    status: Status
    rating: Rating | None
    """None when unknown or not applicable."""
    essential: bool
    evidence: tuple[str, ...]
    blockers: tuple[str, ...]
    """What is missing or too weak, a sentence each."""
    remediation: str
    decisive: bool = False
    """Whether by itself it keeps its level from being reached."""
    reason: str = ""
    """For unknown and not_applicable: why, and what would make it visible; for attested and waived: whose word it is."""


class DimensionResult(Record, frozen=True, kw_only=True):
    """Where one dimension stands, in the three readings, with its criteria."""

    id: str
    title: str
    applicable: bool
    reason: str
    """Why it is not applicable, or why that could not be told (then its criteria are unknown); else empty."""
    level: int | None
    confirmed: int | None
    ceiling: int | None
    score: float | None
    score_low: float | None
    score_high: float | None
    achieved: tuple[tuple[int, float], ...]
    """Mean rating of each level's applicable criteria (share of 1)."""
    criteria: tuple[CriterionResult, ...]
    held_by: int | None = None
    """The level that keeps the next one from being reached: that one itself, or one below it that is achieved too little to carry it."""


class NextStep(Record, frozen=True, kw_only=True):
    """One thing to do that lifts a level."""

    dimension: str
    to_level: int
    criterion: str
    title: str
    remediation: str
    effort: str
    because: str
    """What was seen or not seen, with its place."""


class FrameworkResult(Record, frozen=True, kw_only=True):
    """Where a system stands by one framework."""

    id: str
    title: str
    levels: tuple[tuple[int, str], ...]
    dimensions: tuple[DimensionResult, ...]
    level: int | None
    confirmed: int | None
    ceiling: int | None
    score: float | None
    score_low: float | None
    score_high: float | None
    imbalance: str = ""


class Assessment(Record, frozen=True, kw_only=True):
    """Everything concluded about a system; the JSON document is its dump."""

    version: str
    digest: str
    generated_at: str
    scope: dict[str, str]
    targets: tuple[TargetInfo, ...]
    results: tuple[FrameworkResult, ...]
    """The first is the primary framework."""
    strengths: tuple[tuple[str, Strength, tuple[str, ...]], ...]
    """Capability, its strength, ids of its evidence; every capability of the vocabulary, sorted."""
    evidence: tuple[Evidence, ...]
    coverage: tuple[Coverage, ...]
    errors: tuple[ScanError, ...]
    next_steps: tuple[NextStep, ...]
    dead_ends: tuple[DeadEnd, ...] = ()
    policy: Policy | None = None
    """None when there is no configuration."""
    inventory: Inventory | None = None
    """None where not both code and live resources were looked at."""
    partial: bool = False
    """The scan was interrupted before all was looked at."""


# ── Comparison ───────────────────────────────────────────────────────────────────────────────────────


class Change(StrEnum):
    """What became of something between two assessments."""

    ROSE = "rose"
    FELL = "fell"
    CAME = "came"
    WENT = "went"
    MOVED = "moved"
    """The same evidence in a file of another name."""
    CHANGED = "changed"
    """Neither better nor worse: it came into sight or went out of it, was set aside, or does not apply any more."""
    SAME = "same"


class Standing(Record, frozen=True, kw_only=True):
    """The numbers of a dimension or of the whole; all None where it does not apply."""

    level: int | None
    confirmed: int | None
    ceiling: int | None
    score: float | None


class LevelChange(Record, frozen=True, kw_only=True):
    """A dimension, or the whole (`overall`), before and after."""

    id: str
    title: str
    change: Change
    """Of the level: rose, fell, same; changed where it applies on one side only."""
    old: Standing
    new: Standing


class EvidenceChange(Record, frozen=True, kw_only=True):
    """A piece of evidence that came, went, rose, fell or moved."""

    change: Change
    old: Evidence | None
    new: Evidence | None
    reason: str
    """Why, as far as the results say it; empty when the places say all."""


class CapabilityChange(Record, frozen=True, kw_only=True):
    """A capability whose strength changed, and the evidence that made it so."""

    id: str
    change: Change
    """Rose or fell, by strength."""
    negative: bool
    """Evidence of it counts against maturity: a rise is worse."""
    old: Strength
    new: Strength
    evidence: tuple[EvidenceChange, ...]
    """The evidence that decides, the strongest first."""
    reason: str
    """Why, where no evidence changed; else empty."""


class CriterionChange(Record, frozen=True, kw_only=True):
    """A criterion that stands elsewhere than before."""

    id: str
    title: str
    dimension: str
    level: int
    essential: bool
    change: Change
    old_status: Status | None
    """None: the criterion came."""
    new_status: Status | None
    """None: the criterion went."""
    old_rating: Rating | None
    new_rating: Rating | None
    capabilities: tuple[str, ...]
    """The changed capabilities that it hangs on."""
    reasons: tuple[str, ...]
    """What the newer assessment says of it, a sentence each."""


class Difference(Record, frozen=True, kw_only=True):
    """A dead end, a place that was not searched or a file that was not read, which one side knows and the other does not."""

    change: Change
    """Came or went."""
    path: str
    line: int
    what: str
    remediation: str = ""


class Regression(Record, frozen=True, kw_only=True):
    """Something that fell and that a gate may refuse."""

    subject: str
    """The id of the dimension or criterion."""
    what: str
    """A sentence that says from where to where, and why."""


class Comparison(Record, frozen=True, kw_only=True):
    """What is different between two assessments of one system."""

    overall: LevelChange
    dimensions: tuple[LevelChange, ...]
    criteria: tuple[CriterionChange, ...]
    capabilities: tuple[CapabilityChange, ...]
    evidence: tuple[EvidenceChange, ...]
    dead_ends: tuple[Difference, ...]
    unsearched: tuple[Difference, ...]
    errors: tuple[Difference, ...]
    regressions: tuple[Regression, ...]
    """Dimensions' levels and met criteria that fell, save those that a waiver or an attestation in force excuses."""
    notes: tuple[str, ...]
    """What makes the two hard to compare (other packs)."""


# ── History ──────────────────────────────────────────────────────────────────────────────────────────


class Proof(Record, frozen=True, kw_only=True):
    """What a capability rests on: a piece of evidence without its line."""

    tool: str
    path: str
    strength: Strength
    note: str


class Standings(Record, frozen=True, kw_only=True):
    """Where a system stands at one revision. Two are equal when every level, score and strength is."""

    overall: Standing
    dimensions: tuple[tuple[str, Standing], ...]
    strengths: tuple[tuple[str, Strength], ...]
    """The capabilities that are there, sorted."""
    proofs: dict[str, tuple[Proof, ...]]
    """The best evidence of each capability, the strongest first."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Standings) and self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[object, ...]:
        return self.overall, self.dimensions, self.strengths


class Sample(Record, frozen=True, kw_only=True):
    """A revision that the history shows."""

    label: str
    """The month, the tags, or the commit's short id."""
    commit: str
    date: str
    """When it was committed, in UTC: `2026-03-01T12:00:00Z`."""
    standings: Standings


class StrengthChange(Record, frozen=True, kw_only=True):
    """A capability that rose or fell with a commit."""

    id: str
    negative: bool
    """Evidence of it counts against maturity: a rise is worse."""
    old: Strength
    new: Strength
    because: str
    """The evidence that came or went."""


class Mark(Record, frozen=True, kw_only=True):
    """A commit, and what it raised or lowered against its first parent: both were scanned."""

    commit: str
    date: str
    subject: str
    overall: LevelChange
    dimensions: tuple[LevelChange, ...]
    """Those whose level, reading or score changed."""
    capabilities: tuple[StrengthChange, ...]
    explains: tuple[tuple[str, tuple[str, ...]], ...]
    """By dimension, the capabilities of this commit that its criteria ask for; none where only what could be searched changed."""


class Interval(Record, frozen=True, kw_only=True):
    """What lies between two neighbouring samples, and how much of it was looked at."""

    old: str
    new: str
    commits: int
    """Commits after the older sample up to the newer; 0 where they are not on one line."""
    scanned: int
    """How many of them were scanned, the newer sample among them."""
    wavering: tuple[str, ...]
    """Dimensions and capabilities that were seen to rise and to fall in between."""
    untold: str = ""
    """Why it can't be told which commit changed what; empty when it can, or when nothing changed."""


class History(Record, frozen=True, kw_only=True):
    """Levels over time."""

    version: str
    digest: str
    system: str
    target: TargetInfo
    """The newest revision."""
    framework: str
    levels: tuple[tuple[int, str], ...]
    titles: tuple[tuple[str, str], ...]
    """Ids and titles of the dimensions."""
    by: str
    samples: tuple[Sample, ...]
    """The oldest first."""
    marks: tuple[Mark, ...]
    """In the order of the samples that they lie between."""
    intervals: tuple[Interval, ...]
    coverage: tuple[Coverage, ...]
    """What of the history was not seen."""
    notes: tuple[str, ...]
