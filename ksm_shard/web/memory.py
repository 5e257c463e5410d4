"""Memory limit and out-of-memory kills of this process's control group (cgroup).

Reads version 2, or version 1 where the memory controller is mounted there.
"""

from pathlib import Path
from typing import Final

GROUPS: Final = Path("/proc/self/cgroup")
MOUNT: Final = Path("/sys/fs/cgroup")
# cgroup version 1 reports no limit as the highest number of whole pages.
UNLIMITED: Final = 1 << 62


def kills(groups: Path = GROUPS, mount: Path = MOUNT) -> int:
    """Return the number of processes of this control group that were killed for memory.

    Return 0 if the number is unknown.
    """
    for folder, version in _folders(groups, mount):
        for line in _read(folder / ("memory.events" if version == 2 else "memory.oom_control")).splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def limit(groups: Path = GROUPS, mount: Path = MOUNT) -> int | None:
    """Return the memory limit of this control group in bytes.

    Return None if there is no limit or it is unknown.
    """
    for folder, version in _folders(groups, mount):
        text = _read(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes")).strip()
        if text.isdecimal() and int(text) < UNLIMITED:
            return int(text)
    return None


def _folders(groups: Path, mount: Path) -> list[tuple[Path, int]]:
    """Return candidate folders of this control group, with their version.

    A container may not see the group's own path, so the top of the mount is a candidate too.
    """
    folders = []
    for line in _read(groups).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or "memory" in controllers.split(","):
            version, root = (1, mount / "memory") if controllers else (2, mount)
            folders += [(root / path.lstrip("/"), version), (root, version)]
    return folders


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
