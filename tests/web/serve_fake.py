"""The real server around a source that answers from constants: run as a module by serving.py.

Prints the two ports once it listens, and `closed` when the source is closed. Switches are command line arguments.
"""

import argparse
import os
import random
import resource
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ksm_shard.sharding.masks import NONE
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.status.custom import CustomStatus, DeclaredStatus, FamilyTally
from ksm_shard.status.model import ConfigFile, NoAnswer, Owner, Readiness, ResourceStatus, Sibling, Slots, Status
from ksm_shard.status.setup import SetupCheck
from ksm_shard.status.stats import Stats
from ksm_shard.store.pages import Body, Page, deflate, held
from ksm_shard.web.scrapers import Scrapers
from ksm_shard.web.server import Limits, listen, serve
from ksm_shard.web.source import Scrape

HEADER = "# HELP kube_{0}_info What there is.\n# TYPE kube_{0}_info gauge\n"
# Seconds after which a search gives up: cluster/lookup.py's.
HANGS = 3.0
UID = "8d41b2b1-97df-4f7e-be2b-51d7dcd4874f"


def text_of(resource: str, samples: int) -> str:
    """The family of one resource, with its header."""
    noise = random.Random(resource)
    lines = (f'kube_{resource}_info{{uid="{noise.getrandbits(64):x}"}} 1\n' for _ in range(samples))
    return HEADER.format(resource) + "".join(lines)


def copied(page: Page) -> Page:
    """The same page in memory of its own."""
    return replace(page, deflated=bytes(bytearray(page.deflated)))


class FakeSource:
    """Two resources, one of which may still be listing."""

    def __init__(self, samples: int, synced: bool, *, churns: bool = False, drain: float = 0.0) -> None:
        """Prepare so many samples a resource, all of which change with each scrape if they churn."""
        self.synced, self.drain = synced, drain
        self.scraped = 0
        self.scrapers = Scrapers(45.0, self._scraped)
        self.churns = churns
        self.replaced = 0
        self.taken: list[int] = []
        self.bodies = {}
        for name in ("pods", "nodes"):
            text = text_of(name, samples).encode()
            self.bodies[name] = Body.of(deflate(text[at : at + 20_000]) for at in range(0, len(text), 20_000))

    def scrape(self, scrape: Scrape) -> list[Body] | None:
        """The constants, in pages of their own if they churn."""
        if self.churns:
            pages = [page for body in self.bodies.values() for page in body.pages]
            self.replaced += sum(map(held, pages))
            self.bodies = {name: Body.of(map(copied, body.pages)) for name, body in self.bodies.items()}
        return [body for name, body in self.bodies.items() if scrape.wanted(name)] if self.synced else None

    def _scraped(self) -> None:
        self.scraped += 1

    def retired(self) -> int:
        """As many bytes as were copied."""
        return self.replaced

    def drain_period(self) -> float:
        """As was told at the start."""
        return self.drain

    def known(self, resource: str) -> bool:
        """Whether it is one of the two."""
        return resource in self.bodies

    def exists(self, resource: str) -> bool:
        """Leases are off."""
        return resource in {"leases", *self.bodies}

    def named(self, resource: str) -> set[str]:
        """Each goes by its own name."""
        return {resource} & set(self.bodies)

    def readiness(self) -> Readiness:
        """As was told at the start."""
        notes = ["secrets: forbidden (exempt)"]
        return Readiness(True, (), notes) if self.synced else Readiness(False, ["pods: listing"], notes)

    def liveness(self) -> list[str]:
        """Nothing ever goes wrong here."""
        return []

    def objects(self) -> int:
        """As many as there might be."""
        return 1234

    def status(self) -> Status:
        """A fleet of ten that is growing."""
        now = time.time()
        stats = Stats(lambda: now - 3)
        stats.on_state("watching" if self.synced else "listing")
        stats.on_list("ok")
        stats.on_bytes(35_000_000)
        bad = Stats(lambda: now - 400)
        bad.on_state("forbidden")
        bad.on_list("forbidden")
        own = MMH3.mask(3, 10)
        gained = MMH3.select(10, bytes([0, 0, 0, 1, 0, 0, 0, 0, 0, 0])) if not self.synced else NONE
        states = {True: "ready", False: "loading"}
        return Status(
            shard=3, total=10, pod="ksm-shard-3", version="0.1.0", started=now - 93_784, ring="mmh3", digest=MMH3.digest(10),
            phase="releasing" if self.synced else "gaining", phase_seconds=25.0,
            problem="the StatefulSet of this pod <b>cannot be read</b>" if not self.synced else "",
            membership={"statefulsets": "watching" if self.synced else "forbidden", "pods": "watching"},
            slots=Slots(own=own, gained=gained, lost=NONE, held=MMH3.mask(9, 10) if self.synced else NONE, covering=NONE),
            siblings=[
                Sibling(f"ksm-shard-{n}", n, n < 8, "missing" if n == 9 else states[n < 8], "" if n == 9 else f"http://shard-{n}/")
                for n in range(10)
            ],
            setup={} if self.synced else {SetupCheck.GRACE_PERIOD: "terminationGracePeriodSeconds is 30 <b>seconds</b>"},
            config=ConfigFile(
                "/etc/ksm.yaml", b"resources: pods\n", 1_760_000_000,
                problem="" if self.synced else "/etc/ksm.yaml: <b>podz</b>: no such key",
                pending=() if self.synced else ("--port",),
            ),
            settings="0123456789ab",
            custom=CustomStatus(DeclaredStatus("/etc/crs.yaml", 1, 0.0, 1), [], 1, {"add": 1, "update": 0, "delete": 0}),
            resources=[
                ResourceStatus(
                    name="pods", type="*v1.Pod", reading="protobuf", synced=self.synced, seen=200_650, owned=20_065,
                    listed=20_065, resource_version="9007199254", filtered=False, families=60, deflated=25_300_000,
                    text=180_000_000, stats=stats,
                ),
                ResourceStatus(
                    name="secrets", type="*v1.Secret", reading="table", synced=True, seen=0, owned=0, listed=0,
                    resource_version="", filtered=False, families=6, deflated=0, text=0, stats=bad,
                    last_error='secrets is forbidden: User "system:serviceaccount:monitoring:ksm-shard" cannot list <b>it</b>',
                ),
                ResourceStatus(
                    name="ingresses", type="*v1.Ingress", reading="protobuf", synced=self.synced, seen=0, owned=0, listed=0,
                    resource_version="712", filtered=False, families=8, deflated=0, text=0, stats=stats,
                ),
                ResourceStatus(
                    name="validatingwebhookconfigurations", type="*v1.ValidatingWebhookConfiguration", reading="metadata",
                    synced=True, seen=120, owned=12, listed=12, resource_version="712", filtered=True, families=5,
                    deflated=812, text=4_100, stats=stats,
                ),
                ResourceStatus(
                    name="kettles.v1.example.org", type="*v1.Kettle", reading="JSON", synced=True, seen=120, owned=12, listed=12,
                    resource_version="712", filtered=False, families=2, deflated=812, text=4_100, stats=stats,
                    tallies={"kettle_litres": FamilyTally(1_400, 2), "kettle_with_a_path_that_is_misspelt": FamilyTally(0, 12)},
                ),
            ],
        )  # fmt: skip

    def owner(self, uid: str) -> Owner:
        """By the ring."""
        slot = MMH3.slot_of(uid)
        shard = MMH3.target_map(10)[slot]
        return Owner(uid, slot, shard, 10, f"ksm-shard-{shard}", shard == 3)

    def find(self, resource: str, namespace: str, name: str, *, search: bool = True) -> Owner | None:
        """One pod is known, another one to the API server; there are names that cannot be found out."""
        if not search:
            return self.owner(UID) if (resource, namespace, name) == ("pods", "default", "web-0") else None
        if name == "hanging":
            threading.Event().wait(HANGS)
        if name in {"forbidden", "silent", "hanging"}:
            raise NoAnswer(f"not found out: {name}", refused=name == "forbidden")
        return self.owner(UID) if (resource, namespace, name) == ("pods", "default", "web-0") else None

    def report(self) -> str:
        """How many scrapes were read to their end."""
        return f'{{"scraped": {self.scraped}}}'

    def close(self) -> None:
        """Say so."""
        print("closed", flush=True)


class FakeReviewer:
    """Believes the token."""

    def user(self, token: str) -> Mapping[str, Any] | None:
        """Who it names."""
        name, colon, paths = token.partition(":")
        return {"username": name, "paths": paths.split(",")} if colon else None

    def allowed(self, user: Mapping[str, Any], verb: str, path: str) -> bool:
        """Whether it names the path."""
        return verb == "get" and path in user["paths"]


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--listing", action="store_true")
    parser.add_argument("--churns", action="store_true")
    parser.add_argument("--no-gzip", action="store_true")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--read", type=float, default=60.0)
    parser.add_argument("--read-header", type=float, default=5.0)
    parser.add_argument("--write", type=float, default=60.0)
    parser.add_argument("--drain", type=float, default=0.0)
    parser.add_argument("--open-files", default="", help="soft[:hard] limit")
    parser.add_argument("--taken", type=int, default=0, help="files that something else has open")
    parser.add_argument("--web-config", default="")
    parser.add_argument("--tokens", action="store_true", help="ask for bearer tokens: NAME:PATH,PATH may see these")
    wanted = parser.parse_args()
    if wanted.open_files:
        soft, _, hard = wanted.open_files.partition(":")
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(soft), int(hard or soft)))
    ports = listen(wanted.host, 0), listen(wanted.host, 0)
    print(*(port.getsockname()[1] for port in ports), flush=True)
    limits = Limits(read=wanted.read, read_header=wanted.read_header, write=wanted.write, drain=wanted.drain)

    def start() -> FakeSource:
        source = FakeSource(wanted.samples, not wanted.listing, churns=wanted.churns, drain=wanted.drain)
        source.taken = [os.dup(1) for _ in range(wanted.taken)]
        return source

    end, objects = serve(
        *ports,
        start,
        limits=limits,
        gzip=not wanted.no_gzip,
        web_config=wanted.web_config,
        reviewer=(lambda source: FakeReviewer()) if wanted.tokens else None,
    )
    print(f"{end} {objects}", flush=True)
    sys.exit(end.code)


if __name__ == "__main__":
    main()
