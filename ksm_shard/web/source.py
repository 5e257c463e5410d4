"""What the web room asks of the rest of the process, and nothing else.

A `Source` answers from any thread, and from memory, within milliseconds; only `find` may ask the API server, for seconds at most.
Masks of slots are bytes of 0 and 1, one a slot, as in `ksm_shard.sharding.ring`; times are seconds since 1970.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ksm_shard.status.model import Owner, Readiness, Status
from ksm_shard.store.pages import Body
from ksm_shard.web.scrapers import Scraper, Scrapers


@dataclass(frozen=True, slots=True)
class Scrape:
    """What a scrape asks for.

    Attributes:
        wanted: whether a resource of that plural is to be in it.
        openmetrics: whether it is to be OpenMetrics rather than the text format.
        scraper: who asks.
        draining: whether this process was told to stop.
    """

    wanted: Callable[[str], bool]
    openmetrics: bool
    scraper: Scraper
    draining: bool


class Source(Protocol):
    """The process behind the pages.

    Attributes:
        scrapers: who scrapes it.
    """

    scrapers: Scrapers

    def scrape(self, scrape: Scrape) -> list[Body] | None:
        """Bodies, headers included, of the resources that are wanted; None while not everything is loaded."""

    def retired(self) -> int:
        """Bytes of pages that were replaced since the start, and may be held by those who read them."""

    def known(self, resource: str) -> bool:
        """Whether there is an enabled resource of that plural."""

    def exists(self, resource: str) -> bool:
        """Whether a resource of that plural could be enabled."""

    def readiness(self) -> Readiness:
        """Whether this process serves all it should."""

    def liveness(self) -> list[str]:
        """What is wrong with the own loops; nothing about the API server."""

    def objects(self) -> int:
        """How many objects are held now; cheap, and asked often."""

    def status(self) -> Status:
        """All there is to show."""

    def owner(self, uid: str) -> Owner:
        """Who serves the object of that uid.

        Raises:
            NoAnswer: the fleet is not known yet, or has no shards.
        """

    def find(self, resource: str, namespace: str, name: str) -> Owner | None:
        """Who serves that object; None if there is no such object. `namespace` is "" for what is cluster-scoped.

        Raises:
            NoAnswer: as `owner`; or it is not served here, and the API server does not tell its uid.
        """

    def report(self) -> str:
        """What `ksm-shard check` and `plan` ask for, as JSON."""

    def close(self) -> None:
        """Stop all threads; nothing is asked afterwards."""
