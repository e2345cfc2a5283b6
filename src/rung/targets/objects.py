"""Git's object database, read without a checkout and with nothing of the repository but its objects.

Git is given an empty repository of ours whose objects are those of the scanned one. So no configuration of it is read; above
all none that says where objects come from which are not here: a partial clone answers `missing` at once and fetches nothing.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from rung.targets.git import Git, GitError, end
from rung.targets.target import Unread

MISSING = "not in this clone"
"""The reason for not reading an object that a partial clone left out."""
_BROKEN = "git can't read it"
_WINDOW = 100
"""Requests under way: few enough that they fit into a pipe, so that asking never blocks."""
_MOST_FAILURES = 20
"""Times that git may die before it is asked nothing more; hanging once is enough."""


class Objects(Struct, frozen=True):
    """Where a repository's objects are."""

    folder: str
    kind: str
    """sha1 or sha256."""
    seconds: float

    def tree(self, treeish: str) -> Generator[bytes, None, None]:
        """The files below a tree, recursively, in the form of `git ls-tree -l -z`; raises `GitError`."""
        with self._repository() as git:
            yield from git.stream("ls-tree", "-r", "-l", "-z", "--full-tree", treeish)

    def type_of(self, name: str) -> str:
        """commit, tree, blob or tag, empty when there is no such object; `name` as git takes it (`<id>^{tree}`, `<id>:folder`)."""
        with self._repository() as git:
            return git.run("cat-file", "-t", name, tolerated=128).decode("ascii", "replace").strip()

    def batch(self) -> subprocess.Popen[bytes]:
        """A running `git cat-file --batch`; raises `GitError`.

        Not with `--buffer`: answers would then wait for each other, and with requests sent ahead it is no faster.
        """
        with self._repository() as git:
            process = git.start("cat-file", "--batch", asking=True)
            # The first answer says that git has read its repository, which is not needed any longer.
            if _greeted(process, self.seconds):
                return process
            end(process)
        raise GitError("`git cat-file` failed")

    @contextmanager
    def _repository(self) -> Iterator[Git]:
        try:
            folder = tempfile.mkdtemp(prefix="rung-")
        except OSError as error:
            raise GitError(f"no temporary folder can be made for it ({error.strerror})") from error
        try:
            os.mkdir(os.path.join(folder, "refs"))
            for name, text in (("HEAD", "ref: refs/heads/none\n"), ("config", _CONFIG.format(self.kind))):
                with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                    file.write(text)
            yield Git(folder, self.seconds, bare=True, objects=self.folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


_CONFIG = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = {}\n"


def objects_of(git: Git) -> Objects:
    """Where a repository (also a linked work tree) has its objects; raises `GitError`."""
    kind, _, folder = os.fsdecode(git.run("rev-parse", "--show-object-format", "--git-path", "objects")).partition("\n")
    return Objects(os.path.join(git.top, folder.removesuffix("\n")), "sha256" if kind == "sha256" else "sha1", git.seconds)


class Blobs:
    """Contents by id, from one git process of whichever process asks.

    What is going to be read can be said before, in order; it is then asked for ahead, which saves the waiting. Pickled or
    forked it starts anew.
    """

    __slots__ = ("_answer", "_expected", "_failures", "_most", "_objects", "_owner", "_process", "_sent", "_waiting")

    def __init__(self, objects: Objects, most: int) -> None:
        self._objects = objects
        self._most = most
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._failures = 0
        self._forget()

    def _forget(self) -> None:
        self._answer = bytearray()
        self._sent = deque[str]()
        self._expected = deque[str]()
        self._waiting = set[str]()

    def expect(self, blobs: Iterable[str]) -> None:
        """Say what will be read next, in order; it takes the place of what was said before."""
        self._settle()
        self._expected = deque(blobs)
        self._waiting = set(self._expected)

    def read(self, blob: str) -> bytes | Unread:
        """The content, or why there is none."""
        self._settle()
        failed = 0
        while self._failures < _MOST_FAILURES and failed < 2:
            try:
                return self._read(blob)
            except (GitError, OSError):
                self._failures += 1
                guilty = self._sent[0] if self._sent else blob
                again = [*self._sent, *self._expected][1:]
                self.close()
                self.expect(again)
                failed += guilty == blob
        return Unread(_BROKEN)

    def _read(self, blob: str) -> bytes | Unread:
        if self._process is None:
            self._process = self._objects.batch()
            self._owner = os.getpid()
        if blob not in self._sent:
            while blob in self._waiting and self._expected and self._expected[0] != blob:
                self._expected.popleft()
            if self._expected and self._expected[0] == blob:
                self._expected.popleft()
            self._send([blob])
        deadline = time.monotonic() + self._objects.seconds
        while True:
            if len(self._sent) <= _WINDOW // 2 and self._expected:
                self._send([self._expected.popleft() for _ in range(min(_WINDOW // 2, len(self._expected)))])
            answer = self._next(deadline)
            if self._sent.popleft() == blob:
                return answer

    def _send(self, blobs: list[str]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._sent.extend(blobs)
        self._process.stdin.write("".join(f"{blob}\n" for blob in blobs).encode("ascii"))

    def _next(self, deadline: float) -> bytes | Unread:
        """The answer to the oldest request."""
        while (ended := self._answer.find(b"\n")) < 0:
            self._receive(deadline)
        header = self._answer[:ended].decode("ascii", "replace").split(" ")
        del self._answer[: ended + 1]
        if header[0] != self._sent[0]:
            raise GitError("it answers what was not asked")
        if header[1] == "missing":
            return Unread(MISSING)
        if header[1] != "blob" or int(header[2]) > self._most:
            raise GitError("it gives another object than it listed")
        size = int(header[2])
        while len(self._answer) <= size:
            self._receive(deadline)
        data = bytes(memoryview(self._answer)[:size])
        del self._answer[: size + 1]
        return data

    def _receive(self, deadline: float) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        if not _printed(self._process, max(0.0, deadline - time.monotonic())):
            self._failures = _MOST_FAILURES
            raise GitError("it gave no answer")
        chunk = os.read(pipe, 1 << 18)
        if not chunk:
            raise GitError("it ended")
        self._answer += chunk

    def close(self) -> None:
        """End git; reading again would start it again."""
        self._settle()
        if self._process is not None:
            end(self._process)
            self._process = None
        self._forget()

    def _settle(self) -> None:
        """Let go of a process that is a forking parent's: its pipes are shared, and it is not ours to wait for."""
        if self._process is not None and self._owner != os.getpid():
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process.returncode = 0
            self._process = None
            self._forget()

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        return (Blobs, (self._objects, self._most))


def _greeted(process: subprocess.Popen[bytes], seconds: float) -> bool:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(b"none\n")
        return _printed(process, seconds) and process.stdout.read(64) == b"none missing\n"
    except BrokenPipeError:
        return False


def _printed(process: subprocess.Popen[bytes], seconds: float) -> bool:
    assert process.stdout is not None
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
