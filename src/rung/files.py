"""Files that a user names, read and written as text; what goes wrong is told in one form: the file, what failed, and why."""

from __future__ import annotations

import os
from pathlib import Path

from rung.errors import RungError


def read_bytes(path: str) -> bytes:
    """The content of a file; raises `RungError` when it can't be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def read_text(path: str) -> str:
    """The text of a file in UTF-8; raises `RungError` when it can't be read or is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Writes a file in UTF-8, and makes its folder where there is none; raises `RungError` when it can't."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(str(path), error) from error


def check_writable(path: Path) -> None:
    """Raises `RungError` when a file could not be written now; leaves nothing behind, not even a folder that is still missing."""
    from tempfile import TemporaryFile

    try:
        if path.is_file() or path.is_dir():
            os.close(os.open(path, os.O_WRONLY))
        elif not path.exists():  # A pipe is left alone: its reader would take the trial for the whole.
            # What may be done in a folder is only known by doing it: the kernel's own refuse the superuser too.
            TemporaryFile(dir=next(folder for folder in path.absolute().parents if os.path.lexists(folder))).close()
    except OSError as error:
        raise unwritable(str(path), error) from error


def unreadable(name: str, error: Exception) -> RungError:
    """The error that a file can't be read."""
    return RungError(f"{name}: can't be read: {reason_of(error)}")


def unwritable(name: str, error: Exception) -> RungError:
    """The error that a file can't be written."""
    return RungError(f"{name}: can't be written: {reason_of(error)}")


def reason_of(error: Exception) -> str:
    """The reason of a failure in the system's words, without its number and the path, which the message has named already."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    return getattr(error, "strerror", None) or str(error)
