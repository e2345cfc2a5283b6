"""A shell text is read as the commands it would run: on their lines, without wrappers, and knowing which failures count."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.readers.shell import MAX_TEXT, split, words_of
from rung.records import Call, Command, Import


def commands(text: str) -> list[str]:
    """Each command as one text, its words in `|` where one has a blank."""
    return [" ".join(f"|{word}|" if " " in word or not word else word for word in command.words) for command in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("make lint && make test; dvc repro | tee log & wait", ["make lint", "make test", "dvc repro", "tee log", "wait"]),
        ("echo 'a && b' \"c | d\" e\\ f", ["echo |a && b| |c | d| |e f|"]),
        ("# pip install x\nmake # and more\nx#y", ["make", "x#y"]),
        ("python train.py \\\n  --epochs 3 \\\n  --lr 1", ["python train.py --epochs 3 --lr 1"]),
        ("echo hi > out 2>&1 < in &> both", ["echo hi"]),
        ("A=1 B='x y' make all", ["make all"]),
        ("travis_wait 30 make all; travis_retry make it", ["make all", "make it"]),
        ("VERSION=$(git describe)", ["git describe"]),
        ('echo "$(date) `pwd` $((1 + 2)) ${A:-b c}"', ["echo |$(date) `pwd` $((1 + 2)) ${A:-b c}|", "date", "pwd"]),
        ("x --ref=${{ github.ref == 'a' && 'b' }} {{ inputs.name }}", ["x |--ref=${{ github.ref == 'a' && 'b' }}| |{{ inputs.name }}|"]),
        ("if make a; then b; elif ! c; then d; else e; fi", ["make a", "b", "c", "d", "e"]),
        ("for f in $(ls *.py); do\n python $f\ndone", ["ls *.py", "python $f"]),
        ("while read -r x; do a; done < list", ["read -r x", "a"]),
        ("case $1 in\n a|b) x ;;\n (c) y;;\n *) z\nesac\nw", ["x", "y", "z", "w"]),
        ("f() { a; b; }\nfunction g { c; }", ["a", "b", "c"]),
        ("(cd x && make) || exit 1", ["pushd x", "make", "popd", "exit 1"]),
        ("[ -f x ] && [[ $a > 1 || b ]] && test -d y", ["test -f x", "test $a > 1 | | b", "test -d y"]),
        ("[[ a ]] || { b; }", ["test a", "b"]),
        ("cat <<EOF > file\nrm -rf x\nEOF\nmake", ["cat", "make"]),
        ("bash <<'EOF'\nmake a\nEOF\nmake b", ["bash", "make a", "make b"]),
        ("ssh -i key me@host <<EOF\nmake a\nEOF\nmake b", ["ssh -i key me@host |make a\n|", "make b"]),
        ("sshpass -p x ssh me@host <<EOF\nmake a\nEOF", ["ssh me@host |make a\n|"]),
        ("apt install ssh <<EOF\nmake a\nEOF", ["apt install ssh"]),
        ("items=(a b\n c)\nmake", ["make"]),
        ("diff <(sort a) <(sort b)", ["diff", "sort a", "sort b"]),
        ("make a\r\nmake b\r\n", ["make a", "make b"]),
        ("nix-shell --run 'make a && make b'", ["nix-shell --run |make a && make b|", "make a", "make b"]),
        ("dojo -c Dojofile './tasks validate'", ["dojo -c Dojofile |./tasks validate|", "./tasks validate"]),
        ("New-Thing `\n -Name x\n$env:A = 'b'", ["New-Thing -Name x"]),
        ("echo it's fine\nmake", ["echo it's fine", "make"]),
    ],
)
def test_a_text_is_split_into_the_commands_it_runs(text: str, expected: list[str]) -> None:
    assert sorted(commands(text)) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sudo -E -u me env A=b nice -n 5 timeout -k 5 10m make", "make"),
        ("uv run --with x --frozen pytest -q", "pytest -q"),
        ("uv --directory d run python -m x.y", "x.y"),
        ("uvx ruff@0.4.1 check", "ruff check"),
        ("uv tool run --from a b", "b"),
        ("poetry run python -u src/train.py", "python src/train.py"),
        ("hatch run test:pytest", "pytest"),
        ("conda run -n env --no-capture-output python x.py", "python x.py"),
        ("npx --yes -p x cowsay@1.2 hi", "cowsay hi"),
        ("npx @scope/tool@2 go", "@scope/tool go"),
        ("npx aws-cdk@2.100.0 deploy", "cdk deploy"),
        ("pnpm dlx aws-cdk deploy", "cdk deploy"),
        ("npx tsx node_modules/.bin/vitest run", "vitest run"),
        ("node --no-warnings ./node_modules/.bin/jest -i", "jest -i"),
        ("node build.js node_modules/.bin/jest", "node build.js node_modules/.bin/jest"),
        ("pnpm exec eslint .", "eslint ."),
        ("aws-vault exec me -- terraform plan", "terraform plan"),
        ("dotenv run -- make", "make"),
        ("python3.11 -m pytest -q", "pytest -q"),
        ("python -Im pip install x", "pip install x"),
        ("py -3.11 -m X", "X"),
        ("C:/tools/python.exe x.py", "C:/tools/python x.py"),
        ("pip.exe install x", "pip install x"),
        (".venv/bin/python x.py", "python x.py"),
        ("${VENV}/bin/pytest", "pytest"),
        ("${PREFIX}ruff check", "ruff check"),
        ('"${PYTHON:-python3}" -m build', "build"),
        ("./scripts/train.sh a", "./scripts/train.sh a"),
        ("bin/train", "bin/train"),
        ("pip3 install x", "pip install x"),
        (". env.sh", "source env.sh"),
        ("command -v docker", "command -v docker"),
        ("make -C dir target", "make -C dir target"),
        ("uv pip install x", "uv pip install x"),
        ("torchrun --nproc 2 train.py", "torchrun --nproc 2 train.py"),
        ("ssh host 'make x'", "ssh host |make x|"),
        ("xargs -n 1 python x.py", "python x.py"),
        ("bash run.sh x", "bash run.sh x"),
    ],
)
def test_wrappers_are_peeled_until_a_program_stands_first(text: str, expected: str) -> None:
    assert commands(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bash -lc 'make a && make b'", ["make a", "make b"]),
        ("sudo sh -c \"bash -c 'make x'\"", ["make x"]),
        ('eval "make x"', ["make x"]),
        ("coverage run --source x -m pytest -q", ["coverage run --source x -m pytest -q", "pytest -q"]),
        ('try_retry "${MAX:-3}" 5s "${PYTHON}" -m pip_audit', ["try_retry ${MAX:-3} 5s ${PYTHON} -m pip_audit", "pip_audit"]),
        ("docker run --rm -v a:b image python -m x", ["docker run --rm -v a:b image", "x"]),
        ("docker run --entrypoint make image all", ["docker run --entrypoint make image", "make all"]),
        ("docker compose -f a.yml run --rm app pytest", ["docker compose -f a.yml run --rm app", "pytest"]),
        ("docker build -t x .", ["docker build -t x ."]),
        ("srun --gres gpu:1 python train.py", ["srun --gres gpu:1 python train.py", "python train.py"]),
        ("kubectl exec pod -- make x", ["kubectl exec pod -- make x", "make x"]),
    ],
)
def test_commands_within_commands_are_found(text: str, expected: list[str]) -> None:
    assert commands(text) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"\npython "$DIR/fit.py"', "python $CHECKOUT/jobs/fit.py"),
        ('DIR=$(dirname $0)\npython $DIR/fit.py', "python $CHECKOUT/jobs/fit.py"),
        ('DIR=$(dirname "$(realpath "$0")")\nTOP=$(dirname "$DIR")\npython "${TOP}/fit.py"', "python $CHECKOUT/fit.py"),
        ('TOP="$(cd -- "$(dirname "$0")/.." >/dev/null 2>&1 && pwd -P)"\npython "$TOP/src/fit.py"', "python $CHECKOUT/src/fit.py"),
        ('python "$(dirname "$0")/fit.py"', "python $CHECKOUT/jobs/fit.py"),
        ('ROOT=$(git rev-parse --show-toplevel)\npython $ROOT/fit.py', "python $CHECKOUT/fit.py"),
        ('DIR=$(dirname "$1")\npython $DIR/fit.py', "python $DIR/fit.py"),
        ('DIR=$(cd "$(dirname "$0")/../.." && pwd)\npython $DIR/fit.py', "python $DIR/fit.py"),
        ('DIR=$(date)\npython $DIR/fit.py', "python $DIR/fit.py"),
    ],
    ids=["entered", "its folder", "the one above", "entered above", "in place", "the top", "another's", "outside", "no place"],
)  # fmt: skip
def test_a_script_that_says_where_it_lies_names_places_of_the_repository(text: str, named: str) -> None:
    assert " ".join(split(text, path="jobs/run.sh")[-1 if "dirname" not in text.splitlines()[-1] else 0].words) == named


def test_a_shell_that_is_in_no_script_lies_nowhere() -> None:
    assert split('cd "$(dirname "$0")"')[0].words == ("cd", '$(dirname "$0")')


@pytest.mark.parametrize(
    ("text", "into"),
    [
        ("a | b", ["b", ""]),
        ("a | gzip | b x", ["b", "b", ""]),
        ("a && b | c || d", ["", "c", "", ""]),
        ("(a; b) | c", ["c", "c", ""]),
        ("a | docker exec -i box c", ["c", "", ""]),
        ("bash -c 'a' | /usr/bin/c", ["c", ""]),
        ("a > b", [""]),
    ],
)
def test_what_is_piped_knows_the_program_that_gets_it_in_the_end(text: str, into: list[str]) -> None:
    assert [command.into for command in split(text)] == into


@pytest.mark.parametrize(
    ("text", "toothless"),
    [
        ("a || true", "a"),
        ("a || :", "a"),
        ("a || echo failed", "a"),
        ("a || exit 0", "a"),
        ("a; true", "a"),
        ("a; exit 0", "a"),
        ("a && b || true", "a b"),
        ("a | b || true", "a b"),
        ("(a; b) || true", "a b"),
        ("bash -c 'a' || true", "a"),
        ("set +e\na\nset -e\nb", "a"),
        ("ruff check src --exit-zero", "ruff"),
        ("a || exit 1", ""),
        ("a || { echo x; exit 1; }", ""),
        ("a || echo x && exit 1", ""),
        ("a || b", ""),
        ("a\ntrue", ""),
        ("set -eo pipefail\na", ""),
    ],
)
def test_a_command_whose_failure_is_thrown_away_is_toothless(text: str, toothless: str) -> None:
    weak = [command.words[0] for command in split(text) if command.toothless and command.words[0] != "set"]
    assert weak == toothless.split()


@pytest.mark.parametrize(
    ("text", "toothless"),
    [
        ("ruff check; pytest", "ruff"),
        ("ruff check\npytest\n", "ruff"),
        ("cd a && ruff check; pytest && ls", "cd ruff"),
        ("(ruff check; mypy a); pytest", "ruff mypy"),
        ("ruff check && pytest", ""),
        ("set -eu\nruff check\npytest\n", ""),
        ("#!/bin/bash -e\nruff check\npytest\n", ""),
        ("pytest; code=$?; ls; exit $code", ""),
        ("if ! ruff check; then exit 1; fi\npytest\n", ""),
    ],
)
def test_a_shell_that_goes_on_after_a_failure_judges_its_last_commands_only(text: str, toothless: str) -> None:
    def weak(commands: Iterable[Command]) -> list[str]:
        return [command.words[0] for command in commands if command.toothless]

    assert weak(split(text, errexit=False)) == weak(split(f"bash -c '{text}'")) == toothless.split()
    assert weak(split(text)) == weak(split(f"bash -ec '{text}'")) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('python -c "import m; m.go()"', [(1, "m"), (1, "m.go")]),
        ('uv run python3 -u -c "\nimport m\nm.go()\n" --now', [(2, "m"), (3, "m.go")]),
        ("set -e\npython - <<'EOF'\nimport m\nm.go()\nEOF\nmake", [(3, "m"), (4, "m.go")]),
        ("A=1 python <<EOF\nm()\nEOF", [(2, "m")]),
        ("if x; then\n  python3 - $A <<-PY\n    m()\n    PY\nfi", [(3, "m")]),
        ("cat a | python -c 'm()' | tee b", [(1, "m")]),
        ("bash -c \"python -c 'm()'\"", [(1, "m")]),
        ("python train.py <<EOF\nm()\nEOF", []),
        ("cat <<EOF | python train.py\nm()\nEOF", []),
        ("python -m m <<EOF\nm()\nEOF", []),
        ("python -c", []),
        ("ruby -e 'm()'", []),
    ],
)
def test_the_python_that_is_written_in_a_command_is_read_on_its_lines(text: str, code: list[tuple[int, str]]) -> None:
    found = [fact for command in split(text) for fact in command.code]
    assert [(fact.line, fact.module if isinstance(fact, Import) else fact.name) for fact in found] == code


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('if (( $(echo "$ACC < 0.8" | bc -l) )); then exit 1; fi', "echo acc bc l"),
        ('[ "$(echo "${F1} >= $MIN" | bc)" -eq 1 ] || exit 1', "f1 min"),
        ("if [ $accuracy -lt 80 ]; then exit 1; fi", "accuracy"),
        ("[[ $AUC < $T ]] && exit 1", "auc t"),
        ("jq -e '.accuracy > 0.8' metrics.json", "accuracy metrics json"),
        ("awk -v a=$ACC 'BEGIN { exit !(a >= 0.8) }'", "a acc begin exit a"),
        ("(( i++ ))", None),
        ("[ -z $ACC ]", None),
        ("[ $# -lt 2 ]", None),
        ("echo 'acc < 0.8' | tee log", None),
        ("jq '.accuracy > 0.8' metrics.json", None),
        ("awk '{ print $1 > file }'", None),
        ('[ "$a" -eq 1 ]', None),
    ],
)
def test_a_command_that_asks_what_is_more_or_less_is_a_gate(text: str, names: str | None) -> None:
    gates = [fact for command in split(text) for fact in command.code if isinstance(fact, Call) and fact.kind == "gate"]
    assert [gate.name for gate in gates] == ([names] if names else [])


def test_every_command_stands_on_its_line_of_the_file() -> None:
    text = "a\n\n# c\nb \\\n  --x && c\ncat <<E\nz\nE\nbash -c 'd\ne'\necho $(f)\n"
    assert [(command.line, command.words[0]) for command in split(text, 10)] == [
        (10, "a"), (13, "b"), (14, "c"), (15, "cat"), (18, "d"), (19, "e"), (20, "echo"), (20, "f"),
    ]  # fmt: skip


def test_an_argument_vector_is_peeled_like_a_text() -> None:
    assert [(command.line, command.words) for command in words_of(["uv", "run", "python", "-m", "x y"], 7)] == [(7, ("x y",))]


def words(text: str) -> list[str]:
    return [" ".join(command.words) for command in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("export RUN='pytest -q'\npixi run -e dev $RUN tests", ["export RUN=pytest -q", "pytest -q tests"]),
        ('FLAGS="-a"; FLAGS+=" -b"; run $FLAGS', ["run -a", "run -a -b"]),
        ("DIR=jobs; python \"$DIR/train.py\" '$DIR'", ["python jobs/train.py $DIR"]),
        ('TEXT="two words"; say "$TEXT" $TEXT', ["say two words two words"]),
        ("RUN='make train'; bash -c \"$RUN\"", ["make train"]),
        ("if cold; then S=train.py; else S=tune.py; fi; python $S", ["cold", "python train.py", "python tune.py"]),
        ("for s in a.py ${B} c.py; do python $s; done", ["python a.py", "python ${B}", "python c.py"]),
    ],
)
def test_a_variable_that_the_text_sets_is_written_out(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "X=$(which python); $X",
        "X=a; X=`cat file`; run $X",
        "X=a run $X",
        "THRESHOLD=0.8; [ $ACCURACY -lt $THRESHOLD ]",
        "API_TOKEN=abc; login $API_TOKEN",
        "for f in jobs/*.py; do python $f; done",
        "for n in 1a 2a 3a 4a 5a 6a 7a 8a 9a; do echo $n; done",
    ],
)
def test_a_variable_stays_a_name_where_its_value_is_computed_is_secret_or_would_say_less(text: str) -> None:
    assert words(text)[-1].split()[-1].startswith("$") or words(text) == ["test $ACCURACY -lt $THRESHOLD"]


HOSTILE = [
    "x=$x$x;run $x;",
    'for a in 1a 2a 3a;do bash -c "$a;for b in c d;do $b;done";done;',
    "a",
    "'",
    '"',
    "`",
    "$(",
    "${",
    "{{",
    "((",
    "( ",
    "{ ",
    "[[ ",
    "<<X\n",
    "case x in ",
    ";;",
    "\\\n",
    "a || ",
    "sudo ",
    "bash -c '",
    "env",
    "x=(",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_is_read_to_its_bound(piece: str) -> None:
    found = split(piece * (MAX_TEXT // len(piece) + 1) + "\nbeyond")
    assert "beyond" not in {command.words[0] for command in found}


@given(st.lists(st.sampled_from([*HOSTILE, "\n", ";", "|", ")", "}", "]]", "EOF", "#", "=", "-m", "docker run "]), max_size=40))
def test_any_text_gives_commands_with_a_program_on_a_line_of_it(pieces: list[str]) -> None:
    text = "".join(pieces)
    for command in split(text):
        assert command.words[0]
        assert 1 <= command.line <= text.count("\n") + 1
