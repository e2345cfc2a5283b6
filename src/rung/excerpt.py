"""Text of a scanned repository made fit to show: short, without control characters, without secrets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rung.expressions import regex

LONGEST = 160
_READ_AT_MOST = 4_000
_MASK = "***"

# Shapes that are a secret wherever they stand. Quantifiers are never nested, so each runs in linear time.
_TOKENS = regex(
    r"""
      \b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}\b                 # AWS key ids
    | \bgh[pousr]_[A-Za-z0-9]{16,255}                                    # GitHub
    | \bgithub_pat_[A-Za-z0-9_]{16,255}
    | \bglpat-[A-Za-z0-9_-]{16,255}                                      # GitLab
    | \bxox[a-z]-[A-Za-z0-9-]{8,255}                                     # Slack
    | (?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{8,255}
    | \bsk-[A-Za-z0-9_-]{16,255}                                         # OpenAI, Anthropic
    | \b[sr]k_(?:live|test)_[A-Za-z0-9]{8,255}                           # Stripe
    | \bAIza[A-Za-z0-9_-]{30,255}                                        # Google
    | \bya29\.[A-Za-z0-9_-]{16,255}
    | \bhf_[A-Za-z0-9]{16,255}                                           # Hugging Face
    | \bnpm_[A-Za-z0-9]{30,255}
    | \bpypi-[A-Za-z0-9_-]{16,255}
    | \bdapi[0-9a-f]{32}                                                 # Databricks
    | \beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,2000}(?:\.[A-Za-z0-9_-]{0,2000})?   # JSON web tokens
    """,
    re.VERBOSE,
)
_TOKEN_MARKS = (
    "AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox",
    "hooks.slack.com/services/", "sk-", "k_live_", "k_test_", "AIza", "ya29.", "hf_", "npm_", "pypi-", "dapi", "eyJ", "://", "-----BEGIN ",
)  # fmt: skip
"""One of these is in every text that holds a secret by its own shape; most hold none."""
_PRIVATE_KEY = regex(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*", re.DOTALL)
_URL_LOGIN = regex(r"(?<=://)(?:[^\s/:@'\"]{0,200}:[^\s/'\"]{1,400}|[A-Za-z0-9_-]{20,400})@")
_BEARER = regex(r"(?i)\b(bearer|basic)\s{1,3}(?![$<{])[A-Za-z0-9._~+/=-]{8,2000}")

_SENSITIVE = (
    r"(?:passw(?:or)?d|passphrase|pwd|(?<![a-z])pass|secret|token|credentials?|(?<![a-z])sig"
    r"|(?:api|access|secret|private|account|shared|encryption|signing|shared[_-]?access)[_-]?key(?:[_-]?id)?)"
)
_VALUE = r"""(?:"(?P<double>[^"]{1,2000})"?|'(?P<single>[^']{1,2000})'?|(?P<bare>[^\s,;&)}\]"']{1,2000}))"""
_ASSIGNED = regex(
    rf"""(?ix)
    (?P<key>{_SENSITIVE}["']?
      (?:\s{{0,3}}:\s{{0,3}}(?:str|bytes|SecretStr|Optional\[\w{{1,20}}\]|str\s?\|\s?None)\s{{0,3}}=|\s{{0,3}}(?:=>|:=|==|!=|[:=]))
      \s{{0,3}}(?:[rbuf](?=["']))?)
    {_VALUE}"""
)
_FLAG = regex(rf"(?i)(?P<key>--[a-z-]{{0,20}}{_SENSITIVE}\s{{1,3}})(?!-){_VALUE}")
_LONG_KEY = regex(r"""(?i)(?P<key>(?:key|auth)["']?\s{0,3}[:=]\s{0,3}["']?)(?=[^\s"']{0,64}\d)(?P<bare>[A-Za-z0-9+/_=-]{32,2000})""")
_SECRET_MARKS = ("pass", "pwd", "secret", "token", "credential", "sig", "key", "auth", "bearer", "basic")
"""One of these is in every ASCII text, in lower case, that holds a secret by the word before it."""
# A value that only points to a secret proves good practice: it stays readable.
_REFERENCE = regex(
    r"(?i)\$|\{|<|%[({]|!(?:ref|sub|getatt)|(?:os|var|local|module|data|env|self|settings|config|secrets|process|st)\.|getenv"
    r"|(?:none|null|true|false|str|bytes)\b|\*\*\*"
)


def mask_tokens(text: str) -> str:
    """The text with everything that is a secret by its own shape replaced by `***`."""
    if not any(map(text.__contains__, _TOKEN_MARKS)):
        return text
    text = _PRIVATE_KEY.sub(f"-----BEGIN PRIVATE KEY----- {_MASK}", text)
    text = _URL_LOGIN.sub(f"{_MASK}@", text)
    return _TOKENS.sub(_MASK, text)


def mask_secrets(text: str) -> str:
    """The text with secrets replaced by `***`: by their shape, and by the key they are assigned to."""
    text = mask_tokens(text)
    if text.isascii() and not any(map(text.lower().__contains__, _SECRET_MARKS)):
        return text
    text = _BEARER.sub(rf"\1 {_MASK}", text)
    for pattern in (_ASSIGNED, _FLAG, _LONG_KEY):
        text = pattern.sub(_without_value, text)
    return text


def visible(text: str) -> str:
    """The text on one line, with control, bidirectional and unassigned characters written as escapes."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


@lru_cache(maxsize=4096)
def excerpt(text: str) -> str:
    """At most 160 characters of source text that are safe to show anywhere."""
    shown = visible(" ".join(mask_secrets(text[:_READ_AT_MOST]).split()))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1].rstrip() + "…"


_TELLS_BINARY = 8000
"""Bytes among which a NUL makes a content binary, as git has it."""


def excerpts(data: bytes, lines: Iterable[int]) -> dict[int, str]:
    """Excerpts of those of some lines (the first is 1) that a content has, by number; of what git takes for binary there is none."""
    wanted = sorted(set(lines))
    if not wanted or b"\0" in data[:_TELLS_BINARY]:
        return {}
    found = data.split(b"\n", wanted[-1])
    return {line: excerpt(found[line - 1][: 4 * _READ_AT_MOST].decode("utf-8", "replace")) for line in wanted if 0 < line <= len(found)}


def _without_value(match: re.Match[str]) -> str:
    groups = match.groupdict()
    value = groups.get("double") or groups.get("single") or groups["bare"] or ""
    if _REFERENCE.match(value):
        return match.group(0)
    key = match["key"]
    return key + match.group(0)[len(key) :].replace(value, _MASK, 1)


def _shown(character: str) -> str:
    if character in "\t\n\r\f\v\u2028\u2029":
        return " "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co"):
        code = ord(character)
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    return character
