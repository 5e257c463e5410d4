"""Content negotiation (RFC 9110, section 12.5): text or OpenMetrics, gzip or not.

If nothing acceptable is available, the answer is plain text: a scrape in an unrequested format is worth more than a 406.
"""

from typing import Final

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def wants_openmetrics(accept: str) -> bool:
    """Return whether an Accept header prefers OpenMetrics 1.0.0; among equals the first wins.

    Prometheus lists several versions of both formats: versions that are not served here are skipped.
    """
    for quality, name, parameters in sorted(_weighted(accept), key=lambda item: -item[0]):
        if quality <= 0:
            break
        version = parameters.get("version")
        if name == "application/openmetrics-text" and version in (None, "1.0.0"):
            return True
        if name in ("text/plain", "text/*", "*/*") and version in (None, "0.0.4"):
            return False
    return False


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip, by name or by `*`."""
    weights = {name: quality for quality, name, _ in _weighted(accept_encoding)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weighted(header: str) -> list[tuple[float, str, dict[str, str]]]:
    """Return the quality, name and parameters of each item of a header.

    An invalid quality counts as 0.
    """
    found = []
    for item in header.split(","):
        name, *rest = item.split(";")
        pairs = (parameter.partition("=") for parameter in rest)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        if name.strip():
            found.append((quality, name.strip().lower(), parameters))
    return found
