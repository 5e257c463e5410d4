"""What tests measure is printed when all is done, passed or not: `record_property("measured", line)`."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines of every test that has any. With xdist its workers send them; there is one such table for each test."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            lines = [line for name, line in getattr(report, "user_properties", ()) if name == "measured"]
            if lines and report.when == "call":
                terminalreporter.section(f"measured by {report.nodeid}")
                for line in lines:
                    terminalreporter.line(str(line))
