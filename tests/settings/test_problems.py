"""Every mistake is one line that names the flag, the value and what would be right; all are told at once."""

from pathlib import Path

import pytest

from ksm_shard.settings import Check, Plan, Simulate, UsageError, parse, parse_command
from ksm_shard.settings.foreign import FORMER
from ksm_shard.settings.options import options_of
from ksm_shard.settings.run import Settings


def problems(*flags: str, **environ: str) -> list[str]:
    """What is wrong with these flags and variables."""
    with pytest.raises(UsageError) as caught:
        parse(flags, environ)
    return list(caught.value.problems)


def problems_of_file(folder: Path, text: str) -> list[str]:
    """What is wrong with a file, without its path."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return [line.replace(str(path), "FILE") for line in problems(f"--config={path}")]


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--port=http", "--port: 'http' must be a whole number from 0 to 65535"),
        ("--port=70000", "--port: '70000' must be a whole number from 0 to 65535"),
        ("--object-limit=-1", "--object-limit: '-1' must be a whole number of at least 0"),
        ("--scrape-interval=30", "--scrape-interval: '30' must be a duration such as 30s, 1m30s or 500ms"),
        ("--apiserver=10.0.0.1", "--apiserver: '10.0.0.1' must be a URL such as https://10.0.0.1:6443"),
        ("--sharding-mode=fnv", "--sharding-mode: 'fnv' must be mmh3 or server-side"),
        ("--track-unscheduled-pods=ja", "--track-unscheduled-pods: 'ja' must be true or false (or 1, 0, t, f)"),
        ("--total-shards", "--total-shards: needs a value: --total-shards N"),
        ("--shard=1", "--shard: 1 must be from 0 to 0 with --total-shards=1"),
        ("--pod=a", "--pod: needs --pod-namespace as well; give both for automatic sharding, or neither"),
        ("--total-shard=3", "--total-shard: no such flag; did you mean --total-shards?"),
        ("--xyzzy", "--xyzzy: no such flag; see ksm-shard run --help"),
        ("--collectors=pods", "--collectors: no such flag; kube-state-metrics calls it --resources today"),
        ("--metric-whitelist=a", "--metric-whitelist: no such flag; kube-state-metrics calls it --metric-allowlist today"),
        ("-metric_blacklist=a", "--metric_blacklist: no such flag; kube-state-metrics calls it --metric-denylist today"),
        ("--namespace=a", "--namespace: no such flag; kube-state-metrics calls it --namespaces today"),
        ("pods",
         "'pods': belongs to no flag; a file is named by --config, and on/off flags take their value after =, as in --flag=false"),
        ("--metric-labels-allowlist=pods",
         "--metric-labels-allowlist: 'pods' must be like pods=[app,team-*],*=[owner], but is not from 'pods' on"),
        ("--metric-labels-allowlist=pods=[a,,b]",
         "--metric-labels-allowlist: 'pods=[a,,b]' must name a key between any two commas of pods=[...]"),
        ("--metric-labels-allowlist=pods=[a*b*]",
         "--metric-labels-allowlist: 'pods=[a*b*]' must have one * in a key at most, but pods has 'a*b*'"),
    ],
)  # fmt: skip
def test_flags(flag: str, expected: str) -> None:
    """One flag, one line."""
    assert [expected] == problems(flag)


def test_former_flags_name_present_ones() -> None:
    """A hint that names no flag would send people in a circle."""
    flags = {option.flag for option in options_of(Settings)}

    assert set(FORMER.values()) <= flags
    assert not flags & set(FORMER)


def test_patterns_that_are_none() -> None:
    """A broken regular expression is shown where it breaks."""
    (line,) = problems("--metric-allowlist=kube_pod_info,kube_(")

    assert line.startswith("--metric-allowlist: 'kube_pod_info,kube_(' must be names or regular expressions")
    assert "'kube_('" in line


def test_patterns_are_those_of_ecmascript() -> None:
    """A manifest for kube-state-metrics starts; what is refused of it is a lookbehind of several lengths."""
    parse(["--metric-allowlist=(?<n>pod),kube_pod_[^]"], {})
    (line,) = problems("--metric-denylist=kube_(?<!a|bc)pod")

    assert "look-behind requires fixed-width pattern" in line


def test_variables_are_named() -> None:
    """A variable's mistake names the variable."""
    expected = "KSM_SHARD_PORT: 'http' must be a whole number from 0 to 65535"

    assert [expected] == problems(KSM_SHARD_PORT="http")


def test_all_at_once() -> None:
    """Three mistakes are three lines, not three attempts."""
    assert len(problems("--port=a", "--nope", "--scrape-interval=b")) == 3


def test_unknown_resources_show_the_known() -> None:
    """A misspelt resource is told with those that there are."""
    (line,) = problems("--resources=pods,podz")

    assert line.startswith("--resources: no such resource: 'podz'; known are certificatesigningrequests, ")
    assert ", pods, " in line


def test_combinations() -> None:
    """Options that exclude each other are told together with the way out."""
    assert problems("--metric-allowlist=a", "--metric-denylist=b") == [
        "--metric-allowlist: cannot be combined with --metric-denylist; give one of them"
    ]
    assert problems("--node=n", "--resources=pods,nodes") == [
        "--node: only pods are on a node, so --resources must be pods, without nodes"
    ]
    assert problems("--port=9000", "--telemetry-port=9000") == [
        "--telemetry-port: 9000 must be another one than --port"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("total_shard: 3", "FILE: total_shard: no such key; did you mean total_shards?"),
        (
            "custom_resource_config_file: crs.yaml",
            "FILE: custom_resource_config_file: no such key; kube-state-metrics calls it custom_resource_state_config_file today",
        ),
        ("port: [1]", "FILE: port: [1] must be a single value"),
        ("port: http", "FILE: port: 'http' must be a whole number from 0 to 65535"),
        ("labels_allow_list: {pods: app}", "FILE: labels_allow_list: {'pods': 'app'} must have a list of keys for pods"),
        ("namespaces: [[a]]", "FILE: namespaces: [['a']] must be plain text or a number"),
        ("- a", "FILE: must hold keys and values, such as total_shards: 3"),
    ],
)  # fmt: skip
def test_files(tmp_path: Path, text: str, expected: str) -> None:
    """In a file, the file and the key are named."""
    assert [expected] == problems_of_file(tmp_path, text)


def test_files_that_are_none(tmp_path: Path) -> None:
    """No such file, and no YAML, are one line each."""
    (missing,) = problems("--config=/nowhere.yaml")
    (broken,) = problems_of_file(tmp_path, "a: [b\nc: d")

    assert missing == "--config: /nowhere.yaml: cannot be read: No such file or directory"
    assert broken.startswith("FILE: is not YAML: ")
    assert "line 2" in broken


@pytest.mark.parametrize(
    ("declaration", "flags", "expected"),
    [
        (Check, [], "check: give either the URL of every shard, or --pod-namespace and --service"),
        (Check, ["--service=a"], "--service: needs --pod-namespace as well"),
        (Plan, ["--from=3"], "--from: needs --to as well"),
        (Simulate, ["--churn=fast"], "--churn: 'fast' must be a number such as 10 or 0.5"),
        (Simulate, ["--podz=3"], "--podz: no such flag; did you mean --pods?"),
    ],
)
def test_other_commands(declaration: type[Check | Plan | Simulate], flags: list[str], expected: str) -> None:
    """The other commands are as clear."""
    with pytest.raises(UsageError) as caught:
        parse_command(declaration, flags)

    assert (expected,) == caught.value.problems


def test_shards_may_be_named_without_a_scheme() -> None:
    """`ksm-shard check HOST:PORT` asks over HTTP, as curl does."""
    check = parse_command(Check, ["127.0.0.1:8080", "https://[::1]:8080", "ksm-shard-0:8080"])

    assert check.urls == ("http://127.0.0.1:8080", "https://[::1]:8080", "http://ksm-shard-0:8080")
