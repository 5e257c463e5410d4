"""Memory as the kernel limits and counts it, by the control group of this process: version 2, or 1 where that has the memory."""

from pathlib import Path
from typing import Final

GROUPS: Final = Path("/proc/self/cgroup")
MOUNT: Final = Path("/sys/fs/cgroup")
# Version 1 writes no limit as the highest number of whole pages.
UNLIMITED: Final = 1 << 62


def kills(groups: Path = GROUPS, mount: Path = MOUNT) -> int:
    """Return how many processes of the own group were killed for memory until now; 0 where nobody tells."""
    for folder, version in _folders(groups, mount):
        for line in _read(folder / ("memory.events" if version == 2 else "memory.oom_control")).splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def limit(groups: Path = GROUPS, mount: Path = MOUNT) -> int | None:
    """Return the bytes that the own group may have; None where there is no limit, or nobody tells."""
    for folder, version in _folders(groups, mount):
        text = _read(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes")).strip()
        if text.isdecimal() and int(text) < UNLIMITED:
            return int(text)
    return None


def _folders(groups: Path, mount: Path) -> list[tuple[Path, int]]:
    """Return where the own group may be: by its path and, as a container may not see that, at the top of what is mounted."""
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
