"""What control groups say of memory: both versions, as a container and as its host see them."""

from pathlib import Path

import pytest

from ksm_shard.web import memory

EVENTS = "low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
UNLIMITED = "9223372036854771712\n"
V1 = "9:name=systemd:/\n4:memory:/kubepods/pod1\n3:cpu,cpuacct:/\n0::/\n"


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        pytest.param(
            "0::/\n", {"memory.events": EVENTS, "memory.max": "67108864\n"}, (2, 67108864), id="container, version 2"
        ),
        pytest.param(
            "0::/a/b\n", {"a/b/memory.events": EVENTS, "a/b/memory.max": "max\n"}, (2, None), id="host, no limit"
        ),
        pytest.param("0::/\n", {}, (0, None), id="the root group of version 2"),
        pytest.param(
            V1,
            {"memory/memory.oom_control": CONTROL, "memory/memory.limit_in_bytes": "67108864\n"},
            (2, 67108864),
            id="container, version 1, whose path is the host's",
        ),
        pytest.param(
            V1,
            {
                "memory/kubepods/pod1/memory.oom_control": CONTROL,
                "memory/kubepods/pod1/memory.limit_in_bytes": UNLIMITED,
            },
            (2, None),
            id="host, version 1, no limit",
        ),
        pytest.param(V1, {"memory/memory.oom_control": "under_oom 0\n"}, (0, None), id="a kernel that does not count"),
        pytest.param("", {}, (0, None), id="no control groups"),
    ],
)
def test_kills_and_limit(tmp_path: Path, groups: str, files: dict[str, str], expected: tuple[int, int | None]) -> None:
    """The count of those killed, and the limit if there is one."""
    (tmp_path / "cgroup").write_text(groups)
    mount = tmp_path / "mount"
    for name, text in files.items():
        (mount / name).parent.mkdir(parents=True, exist_ok=True)
        (mount / name).write_text(text)

    assert (memory.kills(tmp_path / "cgroup", mount), memory.limit(tmp_path / "cgroup", mount)) == expected


def test_nothing_to_read(tmp_path: Path) -> None:
    """A system without /proc tells nothing, and that is no error."""
    assert (memory.kills(tmp_path / "none", tmp_path), memory.limit(tmp_path / "none", tmp_path)) == (0, None)
