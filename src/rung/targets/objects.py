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
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from rung.targets.git import Git, GitError, end
from rung.targets.target import Unread

MISSING = "not in this clone"
"""The reason for not reading an object that a partial clone left out."""
OBJECTS = ("rev-parse", "--show-object-format", "--git-path", "objects")
"""What `objects_of` asks git for, in case it is to be asked ahead."""
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

    def type_of(self, name: str) -> str:
        """commit, tree, blob or tag, empty when there is no such object; `name` as git takes it (`<id>^{tree}`, `<id>:folder`)."""
        with self._repository() as git:
            return git.run("cat-file", "-t", name, tolerated=128).decode("ascii", "replace").strip()

    def talk(self, form: str = "--batch") -> Talk:
        """A running `git cat-file`, which answers with contents (`--batch`) or only with what they are (`--batch-check`); raises `GitError`.

        Not with `--buffer`: answers would then wait for each other, and with requests sent ahead it is no faster.
        """
        with self._repository() as git:
            talk = Talk(git.start("cat-file", form, asking=True), self.seconds)
            # The first answer says that git has read its repository, which is not needed any longer.
            if talk.is_ready():
                return talk
            talk.close()
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
    kind, _, folder = os.fsdecode(git.run(*OBJECTS)).partition("\n")
    return Objects(os.path.join(git.top, folder.removesuffix("\n")), "sha256" if kind == "sha256" else "sha1", git.seconds)


class SilentError(GitError):
    """Git hangs."""


class Talk:
    """A running `git cat-file`, which is asked for objects and answers in order. Whatever fails raises `GitError` or OSError."""

    __slots__ = ("_answer", "_owner", "_poll", "_seconds", "process")

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.process = process
        self._seconds = seconds
        self._owner = os.getpid()
        self._answer = bytearray()
        self._poll = select.poll()
        assert process.stdout is not None
        self._poll.register(process.stdout, select.POLLIN)

    @property
    def is_ours(self) -> bool:
        """Whether this process started it: the pipes of one that a forking parent started are shared, and it is not ours to wait for."""
        return self._owner == os.getpid()

    def is_ready(self) -> bool:
        """Whether git answers at all; asked once, before anything else."""
        try:
            self.ask(["none"])
            return self.header() == ["none", "missing"]
        except (GitError, OSError):
            return False

    def ask(self, names: Iterable[str]) -> None:
        """Ask for objects, no more at once than fit into a pipe beside those that wait for an answer."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{name}\n" for name in names).encode("ascii"))

    def header(self) -> list[str]:
        """The words with which the next answer begins: the object's id, its type and its size; or what was asked for and `missing`."""
        while (ended := self._answer.find(b"\n")) < 0:
            self._receive()
        words = self._answer[:ended].decode("ascii", "replace").split(" ")
        del self._answer[: ended + 1]
        return words

    def headers(self, count: int) -> list[list[str]]:
        """The next answers of one that tells headers only."""
        while self._answer.count(b"\n") < count:
            self._receive()
        *lines, self._answer = self._answer.split(b"\n", count)
        return [line.decode("ascii", "replace").split(" ") for line in lines]

    def content(self, size: int) -> bytes:
        """What follows a header that tells this size."""
        while len(self._answer) <= size:
            self._receive()
        data = bytes(memoryview(self._answer)[:size])
        del self._answer[: size + 1]
        return data

    def _receive(self) -> None:
        assert self.process.stdout is not None
        if not self._poll.poll(self._seconds * 1000):
            raise SilentError("it gave no answer")
        chunk = os.read(self.process.stdout.fileno(), 1 << 18)
        if not chunk:
            raise GitError("it ended")
        self._answer += chunk

    def close(self) -> None:
        """End git, or let go of it if it is a parent's."""
        if self.is_ours:
            end(self.process)
            return
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.returncode = 0


class Blobs:
    """Contents by id, from one git process of whichever process asks.

    What is going to be read can be said before, in order; it is then asked for ahead, which saves the waiting. Pickled or
    forked it starts anew.
    """

    __slots__ = ("_expected", "_failures", "_most", "_objects", "_sent", "_talk", "_waiting")

    def __init__(self, objects: Objects, most: int) -> None:
        self._objects = objects
        self._most = most
        self._talk: Talk | None = None
        self._failures = 0
        self._forget()

    def _forget(self) -> None:
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
            except (GitError, OSError) as error:
                self._failures = _MOST_FAILURES if isinstance(error, SilentError) else self._failures + 1
                guilty = self._sent[0] if self._sent else blob
                again = [*self._sent, *self._expected][1:]
                self.close()
                self.expect(again)
                failed += guilty == blob
        return Unread(_BROKEN)

    def _read(self, blob: str) -> bytes | Unread:
        talk = self._talk = self._talk or self._objects.talk()
        if blob not in self._sent:
            while blob in self._waiting and self._expected and self._expected[0] != blob:
                self._expected.popleft()
            if self._expected and self._expected[0] == blob:
                self._expected.popleft()
            self._send(talk, [blob])
        while True:
            if len(self._sent) <= _WINDOW // 2 and self._expected:
                self._send(talk, [self._expected.popleft() for _ in range(min(_WINDOW // 2, len(self._expected)))])
            answer = self._next(talk)
            if self._sent.popleft() == blob:
                return answer

    def _send(self, talk: Talk, blobs: list[str]) -> None:
        self._sent.extend(blobs)
        talk.ask(blobs)

    def _next(self, talk: Talk) -> bytes | Unread:
        """The answer to the oldest request."""
        header = talk.header()
        if header[0] != self._sent[0]:
            raise GitError("it answers what was not asked")
        if header[1] == "missing":
            return Unread(MISSING)
        if header[1] != "blob" or int(header[2]) > self._most:
            raise GitError("it gives another object than it listed")
        return talk.content(int(header[2]))

    def close(self) -> None:
        """End git; reading again would start it again."""
        if self._talk is not None:
            self._talk.close()
            self._talk = None
        self._forget()

    def _settle(self) -> None:
        if self._talk is not None and not self._talk.is_ours:
            self.close()

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        return (Blobs, (self._objects, self._most))
