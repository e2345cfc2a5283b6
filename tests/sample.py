"""A realistic assessment for the tests of reports: every status, a chain, errors, gaps, and a hostile repository."""

from __future__ import annotations

import hashlib

from rung.records import (
    Assessment,
    Coverage,
    CriterionResult,
    DimensionResult,
    Evidence,
    FrameworkResult,
    Hop,
    Location,
    NextStep,
    Rating,
    ScanError,
    Status,
    Strength,
    TargetInfo,
)

HOSTILE_PATH = "src/<script>alert(1)</script>/a|b`c`\x1b[31m\u202e.py"
HOSTILE_NOTE = '"><img src=x onerror=alert(2)> @everyone see https://evil.example/x and #1 [link](javascript:alert(3)) </details>'
AWS_KEY = "AKIAIOSFODNN7EXAMPLE"

_TARGET = "repository"
_LEVELS = ((1, "Isolated"), (2, "Repeatable"), (3, "Managed and automated"), (4, "Optimised"))
_STATUS = {
    "F": (Status.MET, Rating.FULLY),
    "L": (Status.MET, Rating.LARGELY),
    "P": (Status.PARTLY, Rating.PARTIALLY),
    "N": (Status.UNMET, Rating.NOT),
    "?": (Status.UNKNOWN, None),
    "-": (Status.NOT_APPLICABLE, None),
    "A": (Status.ATTESTED, Rating.FULLY),
    "W": (Status.WAIVED, None),
}

_HOPS = (
    Hop(path=".github/workflows/train.yml", line=14, what="on schedule (17 3 * * 1)"),
    Hop(path=".github/workflows/train.yml", line=31, what="make train"),
    Hop(path="Makefile", line=8, what="python -m churn.train"),
    Hop(path="src/churn/train.py", line=88, what="mlflow.register_model"),
)
_Found = tuple[str, str, Strength, str, int, str, str, tuple[Hop, ...]]
_FOUND: tuple[_Found, ...] = (
    # tool, capability, strength, path, line, excerpt, note, chain
    ("DVC", "data.versioning", Strength.IMPLEMENTED, ".dvc/config", 4, "url = s3://churn-data/dvc", "", ()),
    ("DVC", "data.versioning", Strength.IMPLEMENTED, "data/raw/customers.csv.dvc", 1, "outs:", "", ()),
    ("Amazon S3", "data.object-storage", Strength.AUTOMATED, "infra/storage.tf", 12, 'resource "aws_s3_bucket" "data" {', "", _HOPS[:2]),
    ("Great Expectations", "data.quality", Strength.IMPLEMENTED, "gx/checkpoints/raw.yml", 3, "name: raw", "no trigger reaches it", ()),
    ("hand-written check", "data.quality", Strength.IMPLEMENTED, "src/churn/validate.py", 22, "assert frame.age.ge(0).all()", "", ()),
    ("dbt", "data.transformation", Strength.AUTOMATED, "warehouse/dbt_project.yml", 1, "name: churn", "", _HOPS[:2]),
    ("PostgreSQL", "data.database", Strength.IMPLEMENTED, "src/churn/load.py", 17, "engine = create_engine(url)", "", ()),
    ("scikit-learn", "model.training-code", Strength.AUTOMATED, "src/churn/train.py", 41, "model.fit(X, y)", "", _HOPS[:3]),
    (
        "MLflow",
        "model.experiment-tracking",
        Strength.AUTOMATED,
        "src/churn/train.py",
        52,
        'mlflow.log_metric("auc", auc)',
        "",
        _HOPS[:3],
    ),
    ("MLflow", "model.registry", Strength.AUTOMATED, "src/churn/train.py", 88, "mlflow.register_model(uri, 'churn')", "", _HOPS),
    ("Hydra", "model.configuration", Strength.IMPLEMENTED, "conf/config.yaml", 1, "defaults:", "", ()),
    (
        "Evidently",
        "model.monitoring",
        Strength.IMPLEMENTED,
        "src/churn/drift.py",
        30,
        "Report([DataDriftPreset()])",
        "only started by hand",
        (),
    ),
    ("FastAPI", "model.serving", Strength.AUTOMATED, "src/churn/service.py", 12, "app = FastAPI()", "", _HOPS[:2]),
    ("pytest", "code.testing", Strength.AUTOMATED, ".github/workflows/ci.yml", 18, "pytest -q", "", _HOPS[:1]),
    ("GitHub Actions", "code.ci", Strength.AUTOMATED, ".github/workflows/ci.yml", 1, "name: ci", "", ()),
    (
        "Terraform",
        "code.infrastructure-as-code",
        Strength.IMPLEMENTED,
        "infra/main.tf",
        1,
        f'access_key = "{AWS_KEY}"',
        "nothing applies it",
        (),
    ),
    ("hostile <b>tool</b>", "code.ci", Strength.DECLARED, HOSTILE_PATH, 7, "password: hunter2hunter2", HOSTILE_NOTE, ()),
)

_CRITERIA: dict[str, tuple[tuple[int, str, str, str, bool, str, str], ...]] = {
    # level, id, title, mark, essential, what is missing or why, capability
    "data": (
        (1, "data.shared-storage", "Data is on a storage that more than one person reaches", "F", True, "", "data.object-storage"),
        (1, "data.versioned", "Data sets are versioned", "F", True, "", "data.versioning"),
        (1, "data.no-local-files", "No training data is read from a personal path", "L", False, "", ""),
        (2, "data.cloud-storage", "Data is kept in cloud storage", "F", True, "", "data.object-storage"),
        (2, "data.warehouse", "A warehouse or lake holds the data for training", "L", False, "", "data.transformation"),
        (
            2,
            "data.documented",
            "Data sets are documented",
            "P",
            False,
            "a data dictionary is named in README.md:40; no such file was found",
            "",
        ),
        (
            3,
            "data.quality-automated",
            "Data quality is checked by rules that run by themselves",
            "P",
            True,
            "great_expectations is configured (gx/checkpoints/raw.yml:3) but nothing starts it",
            "data.quality",
        ),
        (
            3,
            "data.catalog",
            "A catalogue gives one view of the data",
            "?",
            True,
            "Not searched: AWS account: no AWS target was given; needs rung scan . --aws.",
            "",
        ),
        (
            3,
            "data.lineage",
            "Lineage of the data is captured",
            "N",
            False,
            "lineage was sought in 412 files by 9 signals; not detected",
            "",
        ),
        (
            3,
            "data.governance",
            "Access to data is governed",
            "?",
            False,
            "Not searched: AWS account: no AWS target was given; needs rung scan . --aws.",
            "",
        ),
        (4, "data.product", "Data is offered as a product with owner and contract", "N", True, "no contract file was detected", ""),
        (4, "data.streaming", "Data is available as it arrives", "-", False, "nothing consumes streams in this system", ""),
    ),
    "model": (
        (1, "model.training-script", "Training is a script that can be run again", "F", True, "", "model.training-code"),
        (1, "model.evaluated", "Models are evaluated on held-out data", "F", False, "", "model.training-code"),
        (2, "model.tracked", "Experiments are tracked", "F", True, "", "model.experiment-tracking"),
        (2, "model.configured", "Hyper-parameters live in configuration", "F", False, "", "model.configuration"),
        (2, "model.served", "The solution can be delivered to production", "F", True, "", "model.serving"),
        (3, "model.registered", "Models are registered with versions", "F", True, "", "model.registry"),
        (3, "model.approved", "A person approves a model before it is used", "A", False, "J. Doe, valid until 2027-03-01", ""),
        (3, "model.rollback", "A bad model can be rolled back", "W", False, "batch scoring only, until 2027-01-01", ""),
        (
            4,
            "model.monitored",
            "Predictions are watched and drift raises an alert",
            "P",
            True,
            "evidently writes a report (src/churn/drift.py:30); nothing alerts on it",
            "model.monitoring",
        ),
        (
            4,
            "model.retrained",
            "Drift or new data starts training",
            "?",
            True,
            "Seen only on a code host, which was not searched.",
            "",
        ),
    ),
    "code": (
        (1, "code.versioned", "Code is in version control", "F", True, "", "code.ci"),
        (2, "code.ci", "Changes are tested by continuous integration", "F", True, "", "code.testing"),
        (
            2,
            "code.protected",
            "The main branch is protected",
            "?",
            False,
            "Seen only on a code host, which was not searched.",
            "",
        ),
        (3, "code.iac", "Infrastructure is code that a pipeline applies", "L", True, "", "code.infrastructure-as-code"),
        (3, "code.hostile", f"Nothing breaks on {HOSTILE_NOTE}", "N", False, f"{HOSTILE_PATH}: {HOSTILE_NOTE}", "code.ci"),
        (4, "code.delivery", "Every change reaches production without a person", "N", True, "no deployment job was detected", ""),
    ),
}


def assessment() -> Assessment:
    """A system of one repository, in two frameworks."""
    evidence = (*(_evidence(found) for found in _FOUND), _resource())
    dimensions = tuple(_dimension(name, evidence) for name in _CRITERIA)
    return Assessment(
        version="0.1.0",
        digest="9f2c1d7a",
        generated_at="2026-11-22T08:30:00+00:00",
        scope={"system": "churn-model"},
        targets=(
            TargetInfo(
                id=_TARGET,
                kind="worktree",
                uri="/home/ci/churn-model",
                name="churn-model",
                revision="3f2c1ab" + "0" * 33,
                branch="main",
                remote="https://github.com/acme/churn-model",
                files=412,
            ),
        ),
        results=(_primary(dimensions), _other()),
        strengths=_strengths(evidence),
        evidence=evidence,
        coverage=(
            Coverage(target=_TARGET, what="files of the work tree", searched=True),
            Coverage(
                target=_TARGET,
                what="AWS account",
                searched=False,
                reason="no AWS target was given",
                needs="rung scan . --aws",
                capabilities=("data.catalog", "data.governance", "model.deployment"),
            ),
            Coverage(
                target=_TARGET,
                what="branch protection",
                searched=False,
                reason="no token",
                needs="rung scan . --github",
                capabilities=("code.review",),
            ),
        ),
        errors=(
            ScanError(target=_TARGET, path="conf/broken.yaml", line=12, what="is no YAML: a mapping is not closed"),
            ScanError(target=_TARGET, path=HOSTILE_PATH, what="is larger than 2 MiB and was not read"),
        ),
        next_steps=(
            NextStep(
                dimension="data",
                to_level=3,
                criterion="data.quality-automated",
                title="Data quality is checked by rules that run by themselves",
                remediation="Run the checkpoint in a workflow that starts after the load",
                effort="low",
                because="gx/checkpoints/raw.yml:3 is started by nothing",
            ),
            NextStep(
                dimension="code",
                to_level=4,
                criterion="code.delivery",
                title="Every change reaches production without a person",
                remediation="Plan on pull requests and apply on main for infra/",
                effort="medium",
                because="12 resources in infra/, no workflow applies them",
            ),
            NextStep(
                dimension="model",
                to_level=4,
                criterion="model.monitored",
                title="Predictions are watched and drift raises an alert",
                remediation="Alert on the drift report that is already written",
                effort="medium",
                because="src/churn/drift.py:30 is only started by hand",
            ),
        ),
    )


def empty_assessment() -> Assessment:
    """A repository without machine learning: nothing applies, nothing was found."""
    dimension = DimensionResult(
        id="data",
        title="Data",
        applicable=False,
        reason="no data is used here",
        level=None,
        confirmed=None,
        ceiling=None,
        score=None,
        score_low=None,
        score_high=None,
        achieved=(),
        criteria=(),
    )
    result = FrameworkResult(
        id="mlab",
        title="MLOps maturity model of Machine Learning Architects Basel",
        levels=_LEVELS,
        dimensions=(dimension,),
        level=None,
        confirmed=None,
        ceiling=None,
        score=None,
        score_low=None,
        score_high=None,
    )
    return Assessment(
        version="0.1.0",
        digest="9f2c1d7a",
        generated_at="2026-11-22T08:30:00+00:00",
        scope={},
        targets=(TargetInfo(id=_TARGET, kind="folder", uri="/tmp/x", name="x"),),
        results=(result,),
        strengths=(),
        evidence=(),
        coverage=(),
        errors=(),
        next_steps=(),
    )


def _evidence(found: _Found) -> Evidence:
    tool, capability, strength, path, line, excerpt, note, chain = found
    return Evidence(
        id=_id(tool, path, capability),
        detector=tool.lower().replace(" ", "-"),
        signal="seen",
        tool=tool,
        capability=capability,
        strength=strength,
        location=Location(target=_TARGET, path=path, line=line, end_line=line + 2),
        chain=chain,
        excerpt=excerpt,
        occurrences=3 if path.endswith(".py") else 1,
        note=note,
    )


def _resource() -> Evidence:
    return Evidence(
        id=_id("Amazon S3", "bucket", "live"),
        detector="amazon-s3",
        signal="live-bucket",
        tool="Amazon S3",
        capability="data.redundancy",
        strength=Strength.OPERATING,
        location=Location(target=_TARGET, resource="arn:aws:s3:::churn-data", region="eu-central-1"),
    )


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _dimension(name: str, evidence: tuple[Evidence, ...]) -> DimensionResult:
    criteria = []
    for level, identity, title, mark, essential, why, capability in _CRITERIA[name]:
        status, rating = _STATUS[mark]
        criteria.append(
            CriterionResult(
                id=identity,
                level=level,
                title=title,
                status=status,
                rating=rating,
                essential=essential,
                decisive=essential and mark in "NP",
                evidence=tuple(item.id for item in evidence if item.capability == capability),
                blockers=(why,) if why and mark in "NPL" else (),
                remediation=f"Do what {identity} asks for",
                reason=why if mark in "?-AW" else "",
            )
        )
    level, confirmed, ceiling, score, low, high = {
        "data": (2, 2, 3, 2.33, 2.33, 3.1),
        "model": (3, 2, 4, 3.4, 3.4, 4),
        "code": (3, 3, 3) * 2,
    }[name]
    return DimensionResult(
        id=name,
        title=name.capitalize(),
        applicable=True,
        reason="",
        level=int(level),
        confirmed=int(confirmed),
        ceiling=int(ceiling),
        score=score,
        score_low=low,
        score_high=high,
        achieved=((1, 0.95), (2, 0.8), (3, 0.33), (4, 0.0)),
        criteria=tuple(criteria),
    )


def _primary(dimensions: tuple[DimensionResult, ...]) -> FrameworkResult:
    service = DimensionResult(
        id="operations",
        title="Operations",
        applicable=False,
        reason="no service is operated from this repository",
        level=None,
        confirmed=None,
        ceiling=None,
        score=None,
        score_low=None,
        score_high=None,
        achieved=(),
        criteria=(
            CriterionResult(
                id="operations.on-call",
                level=2,
                title="Somebody is on call",
                status=Status.NOT_APPLICABLE,
                rating=None,
                essential=True,
                evidence=(),
                blockers=(),
                remediation="Name who is on call",
            ),
        ),
    )
    return FrameworkResult(
        id="mlab",
        title="MLOps maturity model of Machine Learning Architects Basel",
        levels=_LEVELS,
        dimensions=(*dimensions, service),
        level=2,
        confirmed=2,
        ceiling=3,
        score=2.91,
        score_low=2.91,
        score_high=3.37,
        imbalance="Model stands one level above Data",
    )


def _other() -> FrameworkResult:
    dimension = DimensionResult(
        id="automation",
        title="Automation",
        applicable=True,
        reason="",
        level=1,
        confirmed=1,
        ceiling=1,
        score=1.5,
        score_low=1.5,
        score_high=1.5,
        achieved=((0, 1.0), (1, 0.8), (2, 0.5)),
        criteria=(),
    )
    return FrameworkResult(
        id="google",
        title="Google Cloud: MLOps levels 0–2",
        levels=((0, "Manual process"), (1, "Pipeline automation"), (2, "CI/CD pipeline automation")),
        dimensions=(dimension,),
        level=1,
        confirmed=1,
        ceiling=1,
        score=1.5,
        score_low=1.5,
        score_high=1.5,
    )


def _strengths(evidence: tuple[Evidence, ...]) -> tuple[tuple[str, Strength, tuple[str, ...]], ...]:
    names = {item.capability for item in evidence} | {"data.lineage", "data.catalog", "model.rollback", "code.review"}
    return tuple(
        (
            name,
            max((item.strength for item in evidence if item.capability == name), default=Strength.ABSENT),
            tuple(item.id for item in evidence if item.capability == name),
        )
        for name in sorted(names)
    )
