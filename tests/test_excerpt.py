"""What is shown of a scanned repository is short, visible and free of secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.excerpt import LONGEST, excerpt, excerpts, mask_secrets, mask_tokens, visible

_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("id = AKIAIOSFODNN7EXAMPLE", "id = ***"),
        ("git clone with ghp_" + "a1" * 18, "git clone with ***"),
        ("github_pat_" + "A1b2" * 10, "***"),
        ("xoxb-1234567890-abcdefghij", "***"),
        ("call sk-proj-abcdEFGH1234567890", "call ***"),
        (f"jwt {_JWT} end", "jwt *** end"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n", "-----BEGIN PRIVATE KEY----- ***"),
        ("postgres://ml:s3cr3t@db.example:5432/churn", "postgres://***@db.example:5432/churn"),
        ("https://0123456789abcdef0123@pkgs.example/simple", "https://***@pkgs.example/simple"),
        ("Authorization: Bearer abcdef1234567890", "Authorization: Bearer ***"),
    ],
)
def test_a_secret_is_masked_by_its_own_shape(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2", "password=***"),
        ("password=bunny, user=me", "password=***, user=me"),
        ('DB_PASSWORD: "hunter 2"', 'DB_PASSWORD: "***"'),
        ("token: abc123", "token: ***"),
        ("api_key = 'abc'", "api_key = '***'"),
        ('password: str = "hunter2"', 'password: str = "***"'),
        ('connect(password=b"hunter2")', 'connect(password=b"***")'),
        ("AccountKey=abcd/efgh==;EndpointSuffix=x", "AccountKey=***;EndpointSuffix=x"),
        ("run --api-key abc123 --epochs 3", "run --api-key *** --epochs 3"),
        ("WANDB_API_KEY=" + "0a" * 20, "WANDB_API_KEY=***"),
        ("storage_key: " + "Ab3+" * 12, "storage_key: ***"),
        ('{"secret": "x"}', '{"secret": "***"}'),
    ],
)
def test_a_secret_is_masked_by_the_key_it_is_assigned_to(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "token: ${{ secrets.GITHUB_TOKEN }}",
        "password=$DB_PASSWORD",
        'password = os.environ["DB_PASSWORD"]',
        "password = var.db_password",
        "token=None",
        "max_tokens: 512",
        "tokenizer = AutoTokenizer.from_pretrained(name)",
        "mlflow.log_metric('auc', auc)",
        "uses: actions/checkout@v4",
        "image@sha256:" + "0f" * 32,
        "git+ssh://git@github.com/acme/churn",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert mask_secrets(text) == text


def test_prose_about_secrets_is_left_alone_by_the_mask_for_prose() -> None:
    assert mask_tokens("token: not detected") == "token: not detected"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[31mb", "a\\x1b[31mb"), ("a\u202eb", "a\\u202eb"), ("a\tb\nc", "a b c"), ("grün 数据", "grün 数据"), ("\ud800", "\\ud800")],
)
def test_characters_that_change_the_display_are_written_as_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_an_excerpt_is_short_and_masked_before_it_is_cut() -> None:
    shown = excerpt("x " * 70 + "AKIAIOSFODNN7EXAMPLE " * 5)

    assert len(shown) <= LONGEST
    assert "AKIA" not in shown


@pytest.mark.parametrize("text", ["password", "a:", "eyJ" + "a" * 4000, "://", "key=", '"', "--token "])
def test_an_excerpt_of_hostile_length_is_short(text: str) -> None:
    assert len(excerpt(text * 100_000)) <= LONGEST


_PARTS = (
    *(
        "AKIA",
        "ASIA",
        "AROA",
        "AIDA",
        "ABIA",
        "ACCA",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "sk-",
        "sk_live_",
    ),
    *(
        "rk_test_",
        "AIza",
        "ya29.",
        "hf_",
        "npm_",
        "pypi-",
        "dapi",
        "eyJ",
        "hooks.slack.com/services/",
        "https://",
        "-----BEGIN PRIVATE KEY-----",
    ),
    *(
        "password",
        "PASSPHRASE",
        "pwd",
        "pass",
        "Secret",
        "token",
        "credentials",
        "sig",
        "api_key",
        "a\u017f\u017fkey",
        "auth",
        "key",
        "Bearer ",
        "basic ",
    ),
    *("A1B2C3D4E5F6G7H8" * 4, "0a" * 16, "-a0-B1_c2." * 3, "=", ": ", "--", " ", "'", '"', "@", "/", ".", "\u017fecret", "to\u212aen"),
)


@given(st.lists(st.sampled_from(_PARTS), max_size=6).map("".join))
def test_what_holds_no_mark_of_a_secret_holds_none(text: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("rung.excerpt._TOKEN_MARKS", ("",))
        patched.setattr("rung.excerpt._SECRET_MARKS", ("",))
        every = mask_secrets(text)

    assert mask_secrets(text) == every


@given(st.text(max_size=300))
def test_an_excerpt_is_always_printable_and_masking_is_idempotent(text: str) -> None:
    assert all(character.isprintable() or character == "\xa0" or character.isspace() for character in excerpt(text))
    assert mask_secrets(mask_secrets(text)) == mask_secrets(text)


def test_lines_are_shown_that_are_there_and_none_of_binary_content() -> None:
    assert excerpts(b"a\nb = 1\n", [2, 2, 9, 0]) == {2: "b = 1"}
    assert excerpts(b"\x80\x03csklearn\0\n", [1]) == excerpts(b"a", []) == {}
