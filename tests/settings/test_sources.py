"""Where values come from: flags as Go writes them, variables, the file, and which of them wins."""

from pathlib import Path

import pytest

from ksm_shard.settings import Settings, parse
from ksm_shard.settings.commands import Compare
from ksm_shard.settings.options import UsageError
from ksm_shard.settings.parser import parse_command


def from_file(folder: Path, text: str, *flags: str) -> Settings:
    """The settings of a file, with flags beside it."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return parse([*flags, f"--config={path}"], {})


def test_defaults() -> None:
    """Nothing has to be said: one shard, kube-state-metrics' ports, everything that is on by default."""
    settings = parse([], {})

    assert (0, 1) == (settings.shard, settings.total_shards)
    assert (8080, 8081) == (settings.port, settings.telemetry_port)
    assert settings.resources == ()
    assert settings.enable_gzip_encoding
    assert settings == Settings()


def test_defaults_follow_others() -> None:
    """A hand-over lasts one scrape interval and a half, or 15 s more than one; a drain one interval more."""
    settings = parse(["--scrape-interval=1m"], {})
    often = parse(["--scrape-interval=10s"], {})

    assert (90.0, 150.0) == (settings.handover_period, settings.drain_period)
    assert (25.0, 35.0) == (often.handover_period, often.drain_period)
    assert parse(["--scrape-interval=1m", "--handover-period=2m"], {}).drain_period == 180.0


@pytest.mark.parametrize(
    "flags",
    [
        ["--total-shards=3", "--shard=1"],
        ["-total-shards=3", "-shard=1"],
        ["--total-shards", "3", "--shard", "1"],
        ["-total-shards", "3", "-shard", "1"],
        ["--total-shards=7", "--shard=1", "--total-shards=3"],
    ],
)
def test_flags_as_in_go(flags: list[str]) -> None:
    """One dash or two, `=` or a space; the last one counts."""
    settings = parse(flags, {})

    assert (1, 3) == (settings.shard, settings.total_shards)


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--track-unscheduled-pods", True),
        ("-track-unscheduled-pods=true", True),
        ("--track-unscheduled-pods=1", True),
        ("--track-unscheduled-pods=false", False),
        ("--track-unscheduled-pods=F", False),
    ],
)
def test_on_off_flags(flag: str, expected: bool) -> None:
    """They stand alone, or take Go's words after `=`."""
    assert expected == parse([flag], {}).track_unscheduled_pods


def test_lists_add_up() -> None:
    """Commas and repetition are the same; each word counts once."""
    settings = parse(["--resources=pods,nodes", "--resources", "jobs,pods"], {})

    assert settings.resources == ("pods", "nodes", "jobs")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30s", 30.0), ("1m30s", 90.0), ("500ms", 0.5), ("1.5h", 5400.0), ("0", 0.0)],
)
def test_durations_as_in_go(text: str, expected: float) -> None:
    """Durations are those of time.ParseDuration."""
    assert expected == parse([f"--handover-period={text}"], {}).handover_period


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pods=[app]", {"pods": ("app",)}),
        ("pods=[app,team-*],*=[owner]", {"pods": ("app", "team-*"), "*": ("owner",)}),
        ("pods=[*]", {"pods": ("*",)}),
        ("pods=[]", {"pods": ()}),
        ("pods=[a],pods=[b,a]", {"pods": ("a", "b")}),
        ("nodes=[kubernetes.io/arch, example.com/b.c]", {"nodes": ("kubernetes.io/arch", "example.com/b.c")}),
    ],
)
def test_allowlists(text: str, expected: dict[str, tuple[str, ...]]) -> None:
    """Keys by resource, in kube-state-metrics' notation, for labels and annotations alike."""
    settings = parse([f"--metric-labels-allowlist={text}", f"--metric-annotations-allowlist={text}"], {})

    assert expected == settings.metric_labels_allowlist == settings.metric_annotations_allowlist


def test_variables() -> None:
    """Every flag is a variable; one that is empty counts as not set, and a flag wins."""
    environ = {"KSM_SHARD_TOTAL_SHARDS": "5", "KSM_SHARD_SHARD": "2", "KSM_SHARD_POD": ""}

    assert (2, 5) == (parse([], environ).shard, parse([], environ).total_shards)
    assert parse(["--total-shards=7"], environ).total_shards == 7


def test_service_links_are_no_settings() -> None:
    """Kubernetes sets KSM_SHARD_PORT for a Service named ksm-shard: nobody meant the port to serve on."""
    assert parse([], {"KSM_SHARD_PORT": "tcp://10.96.0.7:8080"}).port == 8080


def test_the_file_wins(tmp_path: Path) -> None:
    """As in kube-state-metrics, the file overrides flags; what it does not name stays as they say."""
    settings = from_file(tmp_path, "total_shards: 3\nnode:\n", "--total-shards=5", "--shard=1", "--node=n1")

    assert (1, 3, ("n1",)) == (settings.shard, settings.total_shards, settings.node)


def test_the_files_forms(tmp_path: Path) -> None:
    """Lists are lists, the keys of a map, or text with commas; maps by resource are maps."""
    text = """
resources: {pods: {}, nodes: {}}
namespaces: [a, b]
namespaces_denylist: c,d
track_unscheduled_pods: true
labels_allow_list: {pods: [app, team-*]}
annotations_allow_list: "pods=[x]"
scrape_interval: 1m
"""
    settings = from_file(tmp_path, text)

    assert (("pods", "nodes"), ("a", "b"), ("c", "d")) == (
        settings.resources, settings.namespaces, settings.namespaces_denylist,
    )  # fmt: skip
    assert settings.track_unscheduled_pods
    assert settings.metric_labels_allowlist == {"pods": ("app", "team-*")}
    assert settings.metric_annotations_allowlist == {"pods": ("x",)}
    assert settings.scrape_interval == 60.0


def test_the_files_maps_replace(tmp_path: Path) -> None:
    """A map or a list in the file takes the place of the flags', and is not added to them."""
    settings = from_file(
        tmp_path, "labels_allow_list: {pods: [app]}\nresources: [pods]\n",
        "--metric-labels-allowlist=nodes=[arch]", "--resources=nodes",
    )  # fmt: skip

    assert settings.metric_labels_allowlist == {"pods": ("app",)}
    assert settings.resources == ("pods",)


def test_klogs_flags_are_accepted() -> None:
    """Existing manifests start with them; they are told back, for one line of log."""
    settings = parse(["--logtostderr", "-stderrthreshold=2", "--vmodule", "a=1", "-v=4", "--logtostderr=false"], {})

    assert settings.ignored_flags == ("--logtostderr", "--stderrthreshold", "--vmodule")
    assert settings.verbosity == 4


def test_words_that_follow_a_flag() -> None:
    """A shell makes many words of `rules/*.yaml`: all belong to the flag before them, commas and all, up to the next flag."""
    options = parse_command(Compare, ["--rules", "a,b", "c", "--new=d", "e", "--old", "f", "--rules=g"])

    assert (("a,b", "c", "g"), ("d", "e"), ("f",)) == (options.rules, options.new, options.old)


def test_words_after_a_flag_with_one_value() -> None:
    """They belong to no flag."""
    with pytest.raises(UsageError, match="'x': belongs to no flag"):
        parse_command(Compare, ["--old=a", "--new=b", "--prometheus=http://p", "x"])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("ksm-0.ksm:8080", "http://ksm-0.ksm:8080"),
        ("https://ksm/metrics", "https://ksm/metrics"),
        ("scrapes/old.prom.gz", "scrapes/old.prom.gz"),
    ],
)
def test_a_scrape_is_a_url_an_address_or_a_file(word: str, expected: str) -> None:
    """As `check` takes its addresses."""
    assert (expected,) == parse_command(Compare, ["--old", word, "--new=d"]).old
