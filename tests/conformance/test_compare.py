"""`ksm-shard compare` between the scrapes of kube-state-metrics and ours, there and back, and between runs with other flags."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ksm_shard import cli
from tests.conformance.reference import CASES, CONFORMANCE, expected_of, runs, simulated
from tests.processes import fleet

EXPECTED = CONFORMANCE / "cases"


def compared(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    """Return the exit status and the lines of the report."""
    status = cli.main(["compare", *words])
    return status, capsys.readouterr().out.splitlines()


@pytest.fixture(scope="module", params=CASES)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[str]]]:
    """A case, and the flag that leads to its objects."""
    with simulated(request.param) as flags:
        yield request.param, flags


@pytest.mark.parametrize("run", [*(pytest.param(run, marks=pytest.mark.slow) for run in ("default", "picked")), "all"])
def test_a_switch_loses_nothing(
    served: tuple[str, list[str]], run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From kube-state-metrics to a fleet of three; and back only what it never had."""
    case, flags = served
    # The API server that the reference watched renewed a lease of its own.
    lines = expected_of(case, run).splitlines(keepends=True)
    (tmp_path / "old").write_text("".join(line for line in lines if not line.startswith("kube_lease_renew_time")))
    with fleet(3, *flags, *runs()[run]) as shards:
        urls = [one.url for one in shards]
        there = compared(capsys, "--old", str(tmp_path / "old"), "--new", *urls)
        back = compared(capsys, "--old", *urls, "--new", str(tmp_path / "old"))

    assert (0, True) == (there[0], there[1][-1].startswith("nothing is lost"))
    lost = {line.split(":")[0] for line in back[1] if " missing" in line and ": " in line}
    assert lost <= {"kube_user_cpu_total", "kube_user_memory_total", "kube_lease_renew_time"}, back[1][-40:]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("run", sorted(runs()))
def test_runs_with_other_flags(case: str, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each run equals itself; held against all there is it loses what its flags leave out, and the way back loses nothing."""
    this, all_of_it = str(EXPECTED / case / "expected" / f"{run}.prom"), str(EXPECTED / case / "expected" / "all.prom")

    assert compared(capsys, "--old", this, "--new", this)[0] == 0
    assert compared(capsys, "--old", all_of_it, "--new", this)[0] == (0 if run == "all" else 1)
    back = compared(capsys, "--old", this, "--new", all_of_it)[1]
    lost = [line for line in back if not line.startswith("kube_") or ": " in line]
    assert all("-allowlist of the new side" in line for line in lost if " missing" in line)
