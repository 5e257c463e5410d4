"""The file of --config that changes: what comes into force, what needs a restart, and what changes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.settings import Settings, UsageError, parse
from ksm_shard.settings.live import EVERY, SETTLED, LiveSettings, PassingError, merged, pending
from ksm_shard.settings.options import options_of


class Script:
    """A stop that does what a test wants at each wait, in order, and is set at the end of that."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        """Take what happens meanwhile; waits for a file to settle are not counted."""
        self._steps = list(steps)
        self.settling: Callable[[], object] = int
        self.waits: list[float] = []

    def set(self) -> None:
        """End at once."""
        self._steps.clear()

    def wait(self, timeout: float) -> bool:
        """Take the next step."""
        self.waits.append(timeout)
        if timeout == SETTLED:
            self.settling()
            return False
        if not self._steps:
            return True
        self._steps.pop(0)()
        return False


class File:
    """A file of --config, with what was made of it.

    Attributes:
        path: the file.
        applied: settings that came into force.
    """

    def __init__(self, folder: Path) -> None:
        """Begin with pods."""
        self.path = folder / "config.yaml"
        self.path.write_text("resources: [pods]\n")
        self.applied: list[Settings] = []
        self.fault: Exception | None = None

    def holds(self, text: str) -> Callable[[], object]:
        """Return a step that replaces the contents."""
        return lambda: self.path.write_text(text)

    def run(self, *steps: Callable[[], object], flags: tuple[str, ...] = ()) -> LiveSettings:
        """Run the thread through steps, with a look at the file after each."""
        return self.through(Script(*steps), *flags)

    def through(self, script: Script, *flags: str) -> LiveSettings:
        """Run the thread through a script."""
        argv = [f"--config={self.path}", *flags]
        live = LiveSettings(parse(argv, {}), lambda content: parse(argv, {}, content=content), script)
        live.start(self._apply)
        live.threads()[0].join()
        return live

    def _apply(self, settings: Settings) -> None:
        if self.fault is not None:
            raise self.fault
        self.applied.append(settings)


@pytest.fixture
def file(tmp_path: Path) -> File:
    """A file."""
    return File(tmp_path)


def nothing() -> None:
    """Let time pass."""


def test_other_contents_come_into_force(file: File) -> None:
    """Once, and flags and variables keep their place below the file."""
    live = file.run(
        nothing, file.holds("resources: [nodes]\nv: 4"), nothing, nothing, flags=("--resources=jobs", "--namespaces=a")
    )

    assert [(("nodes",), ("a",), 4)] == [(one.resources, one.namespaces, one.verbosity) for one in file.applied]
    assert (file.path.read_bytes(), "") == (live.status().content, live.status().problem)


def test_what_the_file_no_longer_says_is_as_flags_say(file: File) -> None:
    """A key that goes is worth no more than one that never was."""
    file.run(file.holds("v: 1"), flags=("--resources=jobs",))

    assert [("jobs",)] == [one.resources for one in file.applied]


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ("resources: [podz]", "resources: no such resource: 'podz'"),
        ("port: http", "port: 'http' must be a whole number"),
        ("metric_allowlist: [a]\nmetric_denylist: [b]", "--metric-allowlist: cannot be combined"),
        ("a: [", "is not YAML"),
        ("shard: 7", "--shard: 7 must be from 0 to 0"),
    ],
)
def test_a_bad_file_changes_nothing(file: File, bad: str, line: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, and in force is what was before, until the file is good again."""
    good = file.path.read_bytes()
    live = file.run(file.holds(bad), nothing, nothing)

    assert [] == file.applied
    assert line in live.status().problem
    assert line in live.status().notes[0]
    assert good == live.status().content
    assert 1 == sum("stays in force" in record.getMessage() for record in caplog.records)
    file.path.write_bytes(good)
    assert "" == file.run(file.holds(bad), file.holds(good.decode()), nothing).status().problem


def test_a_file_that_goes_changes_nothing(file: File) -> None:
    """As while a volume is mounted anew; what comes then is in force."""
    live = file.run(file.path.unlink, nothing)
    assert "No such file" in live.status().problem

    file.holds("v: 1")()
    assert "" == file.run(file.path.unlink, file.holds("v: 2")).status().problem
    assert [2] == [one.verbosity for one in file.applied]


def test_a_missing_file_is_waited_for(file: File) -> None:
    """With --continue-without-config flags are in force until there is one, be it empty."""
    file.path.unlink()
    with pytest.raises(UsageError, match="No such file"):
        parse([f"--config={file.path}"], {})
    live = file.run(nothing, flags=("--continue-without-config",))
    assert ("No such file" in live.status().problem, live.status().read) == (True, 0.0)

    live = file.run(nothing, file.holds(""), flags=("--continue-without-config", "--v=3"))

    assert ("", [3]) == (live.status().problem, [one.verbosity for one in file.applied])
    assert live.status().read > 0


def test_a_mounted_config_map(file: File) -> None:
    """The kubelet swaps a link to a folder; the path of the file stays what it was."""
    folder = file.path.parent
    file.path.unlink()
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "config.yaml").write_text(f"namespaces: [{name}]")
    (folder / "..data").symlink_to("one")
    file.path.symlink_to("..data/config.yaml")

    def swap() -> None:
        (folder / "tmp").symlink_to("two")
        (folder / "tmp").replace(folder / "..data")

    file.run(swap)

    assert [("two",)] == [one.namespaces for one in file.applied]


def test_a_file_that_is_being_written_is_not_taken(file: File) -> None:
    """An editor empties it first, which would be a good file that asks for all resources."""
    script = Script(file.holds(""), nothing)
    script.settling = file.holds("resources: [nodes]")
    file.through(script)

    assert [("nodes",)] == [one.resources for one in file.applied]
    assert [EVERY, SETTLED, EVERY, SETTLED, EVERY] == script.waits


def test_a_storm(file: File) -> None:
    """Of a file that changes ten times between two looks the last contents are in force, and each state at most once."""

    def burst(number: int) -> Callable[[], None]:
        return lambda: [file.holds(f"v: {10 * number + step}")() for step in range(10)] and None

    file.run(*(burst(number) for number in range(20)))

    assert [10 * number + 9 for number in range(20)] == [one.verbosity for one in file.applied]


def test_what_needs_a_restart_is_named(file: File, caplog: pytest.LogCaptureFixture) -> None:
    """In one line for all of it; what else the file says is in force."""
    live = file.run(
        file.holds("port: 9\ntotal_shards: 2\nauth_filter: true\nv: 1"), file.holds("port: 9\nv: 2"), nothing
    )

    assert [(1, 8080, 1), (2, 8080, 1)] == [(one.verbosity, one.port, one.total_shards) for one in file.applied]
    told = [record.getMessage() for record in caplog.records if "restart" in record.getMessage()]
    assert told == [
        "--config: until a restart stay as they were: --total-shards, --port, --auth-filter",
        "--config: until a restart stay as they were: --port",
    ]
    assert [line.removeprefix("--config: ") for line in told[1:]] == live.status().notes
    assert ("--port",) == tuple(live.status().pending)


def test_what_is_merged() -> None:
    """Options that are live are those asked for, all others those that run; derived defaults come with them."""
    running = parse(["--port=1", "--scrape-interval=10s"], {})
    asked = parse(["--port=2", "--scrape-interval=1m", "--namespaces=a"], {})
    both = merged(running, asked)

    assert (1, 90.0, 150.0, ("a",)) == (both.port, both.handover_period, both.drain_period, both.namespaces)
    assert ("--port",) == pending(running, asked)
    assert () == pending(running, both)
    assert all(
        getattr(both, one.name) == getattr(asked if one.live else running, one.name) for one in options_of(Settings)
    )


def test_who_cannot_obey_is_asked_again(file: File) -> None:
    """If another file is at fault; without a word more, and without another look at contents that are themselves wrong."""
    tries: list[int] = []

    class Counting(PassingError):
        def __init__(self) -> None:
            tries.append(1)
            super().__init__("the other file")

    def mend() -> None:
        file.fault = None

    file.fault = Counting()
    tries.clear()
    live = file.run(file.holds("v: 1"), nothing, nothing, mend, nothing)

    assert ("", [1]) == (live.status().problem, [one.verbosity for one in file.applied])


def test_a_fault_of_ours_ends_no_thread(file: File, caplog: pytest.LogCaptureFixture) -> None:
    """It is told as well, and the next file is read."""

    def mend() -> None:
        file.fault = None
        file.holds("v: 2")()

    file.fault = ZeroDivisionError()
    file.run(file.holds("v: 1"), mend)

    assert [2] == [one.verbosity for one in file.applied]
    assert "--config: what was read before stays in force: a fault of ksm-shard: ZeroDivisionError()" in caplog.text


def test_a_fault_of_ours_in_reading_options_ends_no_thread(file: File) -> None:
    """A thread that ends makes /livez 503, and the process that follows reads the same file."""

    def fail(content: bytes) -> Settings:
        raise ZeroDivisionError(content)

    live = LiveSettings(parse([f"--config={file.path}"], {}), fail, Script(file.holds("v: 1"), nothing))
    live.start(file.applied.append)
    live.threads()[0].join()

    assert "a fault of ksm-shard: ZeroDivisionError(b'v: 1')" == live.status().problem
    assert not file.applied


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates()
KEYS = st.sampled_from([one.key for one in options_of(Settings) if one.key]) | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3))
ODD = (
    b"namespaces: [&a [x], *a]", b"namespaces: 2024-13-45", b"? [a]\n: b", b"\xff\xfe", b"--- a\n--- b",
    b"[" * 1200, b"v: !!python/object:os.system {}", b"v: 0x", b"v: 1e400", b"port: .inf", b"v: " + b"9" * 5000,
    b"\0", b"v: \x85", b"<<: 5", b"<<: [a]", b"v: !!int x", b"v: !!timestamp x", b"v: !!binary ****", b"v: ::",
    b"? '\n\n'", b"v: =",
    b"v: !!float 1:", b"namespaces: !!set {a}", b"namespaces: !!omap [a: b]", b"namespaces: !!pairs [a]", b"&a a: *a", b"*a : b",
    b"namespaces: &a [*a]", b"v: 1:99999999999999999999:1",
)  # fmt: skip


def lines_of(content: bytes) -> tuple[str, ...]:
    """Return what is wrong with a file."""
    try:
        parse(["--config=/file.yaml"], {}, content=content)
    except UsageError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("content", ODD, ids=range(len(ODD)))
def test_odd_files(content: bytes) -> None:
    """What YAML's reader trips over, or makes values of that no option has, is a line that names the file."""
    (line,) = lines_of(content)

    assert "/file.yaml" in line
    assert "\n" not in line


@settings(max_examples=100)
@given(
    st.binary(max_size=40)
    | st.text(alphabet="a:[]{}-&*!|>'\"%@`#, \n\tv0", max_size=30).map(str.encode)
    | st.dictionaries(KEYS, VALUES, max_size=3).map(lambda found: yaml.safe_dump(found).encode())
)
def test_any_file(content: bytes) -> None:
    """Has settings, or lines that each name the file or a flag."""
    found = lines_of(content)

    assert all(len(line.splitlines()) == 1 and ("/file.yaml" in line or line.startswith("--")) for line in found)
