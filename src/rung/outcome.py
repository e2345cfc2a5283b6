"""What a scan comes to: whether all was seen, and who then hears of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from rung.report.document import Document
from rung.verdicts import mistakes

if TYPE_CHECKING:
    from rung.notify import Channel
    from rung.results import Results


class Outcome(Struct, frozen=True, kw_only=True):
    """The documents of a scan's systems, and what they say of the scan itself."""

    documents: Sequence[Document]
    interrupted: bool = False

    @property
    def unread(self) -> list[str]:
        """The targets that could not be asked at all, each with the reason."""
        return sorted({f"{target['name']}: {target['unread']}" for target in self._targets() if target.get("unread")})

    @property
    def empty(self) -> str:
        """What the targets hold where there is nothing to assess, empty where there is something."""
        if any(target["files"] or target.get("resources") for target in self._targets()):
            return ""
        gaps = (entry for document in self.documents for entry in document["coverage"] if entry["target"] and not entry["searched"])
        gap = next(gaps, None)
        return f"nothing that could be read ({gap['reason']})" if gap else "nothing"

    def hand_on(self, channels: Sequence[Channel], results: Results | None, say: Callable[[str], None]) -> bool:
        """Tells the channels what fell, and adds the documents to the results, where all was seen by the configuration that is meant.

        What was not would fall now, and rise the next time: it is neither told nor kept. The rest is told before it is kept: a scan that is
        killed in between tells twice, and never not at all.

        Args:
            channels: who is told.
            results: where the documents are kept; None for nowhere.
            say: hears how the telling went.

        Returns:
            Whether every regression was told to somebody, as far as it was to be told.

        Raises:
            RungError: the results can't be written.
        """
        if self.interrupted or self.empty or self.unread or mistakes(self.documents):
            return True
        told = True
        if channels:
            from rung.notify import tell  # It brings what speaks HTTP, which most scans do without.

            told = tell(self.documents, channels, say)
        if results is not None:
            for document in self.documents:
                results.add(document)
        return told

    def _targets(self) -> list[Document]:
        return [target for document in self.documents for target in document["targets"]]
