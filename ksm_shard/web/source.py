"""The interface through which the web room sees the rest of the process.

A `Source` answers from any thread and from memory, within milliseconds; only `find` may query the API server, which can take
seconds. Masks of slots are bytes of 0 and 1, one a slot, as in `ksm_shard.sharding.ring`; times are seconds since 1970.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ksm_shard.status.model import Owner, Readiness, Status
from ksm_shard.store.pages import Body
from ksm_shard.web.scrapers import Scraper, Scrapers


@dataclass(frozen=True, slots=True)
class Scrape:
    """The parameters of a scrape.

    Attributes:
        wanted: takes a plural and returns whether to include that resource.
        openmetrics: write OpenMetrics rather than the text format.
        scraper: the client that scrapes.
        draining: this process was told to stop.
    """

    wanted: Callable[[str], bool]
    openmetrics: bool
    scraper: Scraper
    draining: bool


class Source(Protocol):
    """The collectors and the membership, as far as pages, probes and scrapes need them.

    Attributes:
        scrapers: the clients that scrape this process.
    """

    scrapers: Scrapers

    def scrape(self, scrape: Scrape) -> list[Body] | None:
        """Return the bodies of the wanted resources, headers included.

        Return None while first lists are under way.
        """

    def retired(self) -> int:
        """Return the bytes of pages replaced since the start, which readers may still hold."""

    def drain_period(self) -> float:
        """Return the seconds to serve on after SIGTERM, which may change."""

    def known(self, resource: str) -> bool:
        """Return whether a resource of that name is enabled."""

    def exists(self, resource: str) -> bool:
        """Return whether a resource of that name exists, enabled or not."""

    def named(self, resource: str) -> set[str]:
        """Return the enabled resources that go by a name; several versions of a custom resource may."""

    def readiness(self) -> Readiness:
        """Return whether this process serves everything it should, and otherwise the reasons."""

    def liveness(self) -> list[str]:
        """Return the problems of this process's own threads.

        An unreachable API server is none.
        """

    def objects(self) -> int:
        """Return the number of objects held now; cheap, as it is called often."""

    def status(self) -> Status:
        """Return the whole state of the process."""

    def owner(self, uid: str) -> Owner:
        """Return the shard that serves the object of a uid.

        Raises:
            NoAnswer: the fleet is not known yet, or has no shards.
        """

    def find(self, resource: str, namespace: str, name: str, *, search: bool = True) -> Owner | None:
        """Return the shard that serves an object, or None if the object does not exist.

        Args:
            resource: plural of the resource.
            namespace: "" for cluster-scoped objects.
            name: name of the object.
            search: whether to ask the API server about an object that is not served here.

        Raises:
            NoAnswer: as `owner`; or another shard serves the object, and the API server does not tell its uid.
        """

    def report(self) -> str:
        """Return the report for `ksm-shard check` and `plan`, as JSON."""

    def close(self) -> None:
        """Stop all threads; no other method is called afterwards."""
