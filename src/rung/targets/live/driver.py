"""The interface between whatever is live and the collector: regions, and the answers to read-only calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from rung.packs.resources import is_reader
from rung.records import Coverage, Listing, Read, ResourceType, RungError, TargetInfo
from rung.wildcards import any_glob

DENIED = "access denied"
"""Why a call gave no answer that its caller may not make."""


class CallError(RungError):
    """A call that gave no answer.

    Args:
        reason: why, in a few words that follow the call's name: `access denied`, `throttled`.
        code: the service's own name for it.
        needs: what would help; empty when the caller's permission would.
        silent: whether nothing answered at all, so that asking again costs as much time for nothing.
        said: the service's own words; only compared, never shown.
    """

    def __init__(self, reason: str, *, code: str = "", needs: str = "", silent: bool = False, said: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.needs = needs
        self.silent = silent
        self.said = said

    def is_absence(self, read: Read) -> bool:
        """Whether it means that there is none: by its code, or by code and words where a code has several meanings."""
        return self.code in read.absent or any_glob(read.absent)(f"{self.code} {self.said}")


def interrupted() -> CallError:
    """A call that is not made, or not waited for, as the end of the scan was asked for."""
    return CallError("interrupted", needs="a scan that is not interrupted")


class Driver(Protocol):
    """One account, server or repository of a code host; used by several threads at once."""

    @property
    def info(self) -> TargetInfo:
        """What it is."""

    @property
    def provider(self) -> str:
        """The id of the pack that says what is listed in it."""

    @property
    def variables(self) -> Mapping[str, str]:
        """What the packs' calls can name of it (`{owner}`)."""

    def regions(self) -> tuple[str, ...]:
        """Where resources are listed, the first for those that belong to no region; one empty name where there are no regions.

        Raises:
            CallError: that can't be told, or nobody can be asked at all.
        """

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        """The pages of the answer to a call, as plain values.

        Raises:
            CallError: it gave none, or not all.
        """

    def coverage(self) -> tuple[Coverage, ...]:
        """What of it could not be found to be asked, such as regions; told after `regions`."""

    def close(self) -> None:
        """Gives back what it holds."""


class Through:
    """A driver that asks another one, to be made into one that does more; see `Driver`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @property
    def info(self) -> TargetInfo:
        """As the other says."""
        return self._driver.info

    @property
    def provider(self) -> str:
        """As the other says."""
        return self._driver.provider

    @property
    def variables(self) -> Mapping[str, str]:
        """As the other says."""
        return self._driver.variables

    def regions(self) -> tuple[str, ...]:
        """As the other says."""
        return self._driver.regions()

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        """As the other answers."""
        return self._driver.pages(call, parameters, region)

    def coverage(self) -> tuple[Coverage, ...]:
        """As the other says."""
        return self._driver.coverage()

    def close(self) -> None:
        """Closes the other."""
        self._driver.close()


class Allowed:
    """The calls that may be made: those that the packs name for a provider, and those of the driver's own."""

    def __init__(self, types: Iterable[ResourceType], own: Iterable[str] = ()) -> None:
        named = (call for resource in types if resource.live for call in calls_of(resource.live))
        self._calls = frozenset(call for call in (*named, *own) if is_reader(call))

    def check(self, call: str) -> None:
        """Raises `CallError` when a call is not among them."""
        if call not in self._calls:
            raise CallError("Rung does not make this call", code="NotAllowed")


def calls_of(listing: Listing) -> Iterator[str]:
    """The calls that a listing is made of."""
    yield listing.read.call
    for detail in listing.details:
        yield detail.read.call
