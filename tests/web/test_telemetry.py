"""Metrics about the exporter itself, on their own port."""

import shutil
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from ksm_shard.status.setup import SetupCheck
from tests.processes import eventually
from tests.web.serving import Server


def samples(server: Server) -> dict[tuple[str, ...], float]:
    """Values by name and label values, the latter in alphabetical order of the labels' names."""
    families = parse_text(server.get("/metrics", port=server.telemetry).text)
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in families
        for each in family.samples
    }


def test_names_of_kube_state_metrics(server: Server) -> None:
    """Dashboards about kube-state-metrics go on working."""
    found = samples(server)

    assert found["kube_state_metrics_build_info", "0.1.0"] == 1
    assert found["kube_state_metrics_shard_ordinal", "3"] == 3
    assert found["kube_state_metrics_total_shards",] == 10
    assert found["kube_state_metrics_list_total", "*v1.Pod", "success"] == 1
    assert found["kube_state_metrics_list_total", "*v1.Secret", "error"] == 1
    assert found["kube_state_metrics_watch_total", "*v1.Pod", "error"] == 0


def test_the_configuration_file(server: Server) -> None:
    """What of it is in force, under kube-state-metrics' names; the hash is the first 6 bytes of the MD5 a6ad87cfe2ac...."""
    found = samples(server)
    labels = ("/etc/ksm.yaml", "config")

    assert found["kube_state_metrics_config_hash", *labels] == 0xACE2CF87ADA6
    assert found["kube_state_metrics_last_config_reload_successful", *labels] == 1
    assert found["kube_state_metrics_last_config_reload_success_timestamp_seconds", *labels] == 1_760_000_000


def test_a_file_that_is_not_there_yet(server: Server) -> None:
    """It has no hash and no time; the one of custom resources here was never read."""
    found = samples(server)
    labels = ("/etc/crs.yaml", "customresourceconfig")

    assert found["kube_state_metrics_last_config_reload_successful", *labels] == 1
    assert ("kube_state_metrics_config_hash", *labels) not in found


def test_what_the_source_knows(server: Server) -> None:
    """Each number is that of the status, by resource."""
    found = samples(server)

    assert found["ksm_shard_objects_seen", "pods"] == 200_650
    assert found["ksm_shard_handover_seconds",] == 25
    assert found["ksm_shard_objects_owned", "pods"] == 20_065
    assert found["ksm_shard_resource_version", "pods"] == 9_007_199_254
    assert ("ksm_shard_resource_version", "secrets") not in found
    assert found["ksm_shard_state", "secrets", "forbidden"] == 1
    assert found["ksm_shard_watch_errors_total", "forbidden", "secrets"] == 1
    assert found["ksm_shard_received_bytes_total", "pods"] == 35_000_000
    assert found["ksm_shard_page_bytes", "deflated", "pods"] == 25_300_000
    assert found["ksm_shard_custom_samples", "kettle_litres", "kettles.v1.example.org"] == 1_400
    assert found["ksm_shard_custom_objects_without_sample", "kettle_litres", "kettles.v1.example.org"] == 2


def test_what_keeps_a_shard_from_knowing_its_fleet(server: Server, loading: Server) -> None:
    """A number to alert on, and the state of each watch of the membership."""
    well, ill = samples(server), samples(loading)

    assert (well["ksm_shard_membership_problem",], ill["ksm_shard_membership_problem",]) == (0, 1)
    assert well["ksm_shard_membership_state", "statefulsets", "watching"] == 1
    assert ill["ksm_shard_membership_state", "statefulsets", "forbidden"] == 1


def test_checks_of_the_set_up(server: Server, loading: Server) -> None:
    """Each check is a series from the start, whether it finds anything or not."""
    found = [
        {key[1]: value for key, value in samples(one).items() if key[0] == "ksm_shard_setup_problem"}
        for one in (server, loading)
    ]

    assert found == [dict.fromkeys(SetupCheck, 0), {check: check is SetupCheck.GRACE_PERIOD for check in SetupCheck}]


def test_requests_are_counted(server: Server) -> None:
    """A scrape shows up with what its client took, byte for byte."""
    before = samples(server)
    body = server.get("/metrics", accept_encoding="gzip").body

    def more(*series: str) -> float:
        return samples(server).get(series, 0) - before.get(series, 0)

    # A client has the last byte a moment before the server counts it, and the request.
    eventually(lambda: more("ksm_shard_response_bytes_total", "gzip") == len(body), "the bytes are not counted")
    eventually(lambda: more("http_request_duration_seconds_count", "metrics", "get") == 1, "the request is not counted")
    assert more("ksm_shard_scrape_duration_seconds_count") == 1


def test_openmetrics_parses(server: Server) -> None:
    """The strict parser takes it."""
    answer = server.get("/metrics", port=server.telemetry, accept="application/openmetrics-text")

    assert answer.text.endswith("\n# EOF\n")
    assert "ksm_shard_slots" in {family.name for family in parse_openmetrics(answer.text)}


def test_promtool_finds_nothing(server: Server) -> None:
    """Names, help and types are as promtool wants them."""
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("there is no promtool")
    text = server.get("/metrics", port=server.telemetry).body
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=20)

    assert (0, "") == (checked.returncode, checked.stderr.decode())
