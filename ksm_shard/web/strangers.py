"""Strangers: clients that nobody asked who they are, from outside of this pod.

A stranger is told what Prometheus, probes and `ksm-shard check` need. Left out is what would help to attack the cluster, and is in
no metric: the details of errors, which have addresses and accounts, and questions to the API server in the exporter's name.

Who comes by loopback is none: `kubectl port-forward` takes a right to the pod, and a proxy in the pod has asked its clients itself.
"""

import ipaddress
import json
import re
from collections.abc import Iterable
from typing import Final

from ksm_shard.status.states import ReflectorState

# The subject of a line, up to its colon, and a state if that follows. Anything behind it is somebody else's words.
SUBJECT: Final = re.compile(rf"[^:]*(?:: (?:{'|'.join(ReflectorState)}|not served)\b(?: \(not waited for\))?)?")


def from_inside(address: str | None) -> bool:
    """Tell whether an address of a client is of its own pod."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    # A port that is open on `::` sees IPv4 like this; Python 3.13 looks through it by itself.
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def brief(line: str) -> str:
    """Return a line without the details of an error."""
    found = SUBJECT.match(line)
    return found[0] if found else ""


def briefly(lines: Iterable[str]) -> list[str]:
    """Return lines without the details of errors."""
    return [brief(line) for line in lines]


def without_details(report: str) -> str:
    """Return a report of a shard, as JSON, without the details of errors."""
    value = json.loads(report)
    return json.dumps({**value, "problem": brief(value.get("problem", ""))})
