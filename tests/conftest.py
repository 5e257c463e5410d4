"""What holds for all tests.

What tests measure is printed when all is done, passed or not: `record_property("measured", line)`.
"""

import signal

import pytest
from hypothesis import HealthCheck, settings

# On a busy machine an example of 5 ms took more than the 200 that Hypothesis allows, and drawing one longer than its health checks
# do: they failed tests that were right. A fixture that examples share is one that they may share.
settings.register_profile(
    "ksm-shard",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.load_profile("ksm-shard")

# A shell ignores SIGINT in what it starts in the background, and what such a process starts ignores it too: a demo that was sent
# one would run for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines of every test that has any. With xdist its workers send them; there is one such table for each test."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            lines = [line for name, line in getattr(report, "user_properties", ()) if name == "measured"]
            if lines and report.when == "call":
                terminalreporter.section(f"measured by {report.nodeid}")
                for line in lines:
                    terminalreporter.line(str(line))
