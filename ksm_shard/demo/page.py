"""The page of the demo: a chart, numbers, and links to the shards."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import ksm_shard.web
from ksm_shard.demo.view import Sight

# Seconds of the chart: at first so many, later so many.
NARROW: Final = 60
WIDTH: Final = 180
HEIGHT: Final = 100
COLOURS: Final = 9
# That of the status pages, and what the chart needs besides.
STYLE: Final = "".join(
    (Path(package).parent / "templates" / name).read_text("utf-8")
    for package, name in ((str(ksm_shard.web.__file__), "style.css"), (__file__, "chart.css"))
)
# Nothing from elsewhere, no scripts and no forms, and only the one style sheet that is written into the page.
POLICY: Final = (
    "default-src 'none'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'"
)


@dataclass(frozen=True)
class Look:
    """A line of the demo, so many seconds after its beginning."""

    at: float
    ready: int
    wanted: int
    sight: Sight
    doing: str


@dataclass(frozen=True)
class ShardRow:
    """A shard: its pod, the state of that, and its URLs."""

    pod: str
    ready: bool
    url: str
    telemetry: str


def page(looks: Sequence[Look], rows: Sequence[ShardRow], api: str) -> str:
    """Return the page as of the last look."""
    last = looks[-1]
    sight = last.sight
    state = "right" if sight.right else "wrong"
    facts = [
        ("shards ready", f"{last.ready}/{last.wanted}", ""),
        ("objects", str(sight.objects), ""),
        ("series", str(sight.series), ""),
        ("missing", str(sight.missing), "bad" if sight.missing else ""),
        ("twice", str(sight.twice), "bad" if sight.twice else ""),
        ("moved", str(sum(one.sight.moved for one in looks)), ""),
    ]
    cells = "".join(f'<div><dt>{name}</dt><dd class="{css}">{text}</dd></div>' for name, text, css in facts)
    pods = sorted({pod for one in looks for pod in one.sight.shares})
    legend = "".join(f"<li>{swatch(colour(pod))}{escape(pod)}</li>" for pod in pods)
    shards = "".join(
        f"<tr><th>{swatch(colour(row.pod))} {escape(row.pod)}</th>"
        f'<td data-label="state">{"ready" if row.ready else "not ready"}</td>'
        f'<td data-label="objects">{sight.shares.get(row.pod, 0)}</td>'
        f'<td data-label="links"><span><a href="{row.url}">status</a> <a href="{row.url}metrics">metrics</a> '
        f'<a href="{row.telemetry}">telemetry</a></span></td></tr>'
        for row in rows
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="2">
<link rel="icon" href="data:,">
<title>{last.ready} of {last.wanted} shards · {state} · ksm_shard</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>A fleet that scales</h1><span class="pill {"ready" if sight.right else "not"}">{state}</span>
<p class="soft">As a Prometheus sees it. {escape(last.doing or "Nothing is under way.")}</p>
</header>
<section><dl class="facts">{cells}</dl></section>
<section>
<h2>Objects, by the shard that has them</h2>
{stack(looks, pods)}
{strip(looks)}
<p class="scale"><span>{seconds(looks)} s ago</span><span>now</span></p>
<ul class="legend">{legend}<li>{swatch("moved")}moved</li><li>{swatch("wrong")}missing or twice</li></ul>
</section>
<section>
<table><thead><tr><th>pod</th><th>state</th><th>objects</th><th>links</th></tr></thead><tbody>{shards}</tbody></table>
</section>
<p class="soft">The API server is simulated at <span class="mono">{escape(api)}</span>.</p>
</body>
</html>
"""


def stack(looks: Sequence[Look], pods: Sequence[str]) -> str:
    """Return the chart: objects by shard, a column for each look."""
    tallest = max([1, *(sum(one.sight.shares.values()) for one in looks)])
    shapes = []
    for x, width, sight in columns(looks):
        top = float(HEIGHT)
        for pod in pods:
            if height := sight.shares.get(pod, 0) * HEIGHT / tallest:
                top -= height
                shapes.append(bar(colour(pod), x, top, width, height))
    return drawing("chart", "objects by shard over time", seconds(looks), shapes)


def strip(looks: Sequence[Look]) -> str:
    """Return the strip below the chart: moves, and times of trouble."""
    most = max([1, *(one.sight.moved for one in looks)])
    shapes = []
    for x, width, sight in columns(looks):
        if not sight.right:
            shapes.append(bar("wrong", x, 0, width, HEIGHT))
        elif height := sight.moved * HEIGHT / most:
            shapes.append(bar("moved", x, HEIGHT - height, width, height))
    return drawing(
        "thin", "objects that moved, and times at which series were missing or there twice", seconds(looks), shapes
    )


def seconds(looks: Sequence[Look]) -> int:
    """Return the width of the charts in seconds."""
    return min(WIDTH, max(NARROW, int(looks[-1].at - looks[0].at) + 1))


def columns(looks: Sequence[Look]) -> Iterator[tuple[float, float, Sight]]:
    """Yield the place and the width of each look in a chart."""
    began = looks[-1].at + 1 - seconds(looks)
    for one, following in zip_longest(looks, looks[1:]):
        ended = following.at if following else one.at + 1
        if ended > began:
            yield max(one.at - began, 0.0), ended - max(one.at, began), one.sight


def bar(css: str, x: float, top: float, width: float, height: float) -> str:
    """Return a rectangle."""
    return f'<rect class="{css}" x="{x:.2f}" y="{top:.1f}" width="{width:.2f}" height="{height:.1f}"/>'


def drawing(css: str, label: str, width: int, shapes: Sequence[str]) -> str:
    """Return a drawing of shapes, as wide as the page."""
    return (
        f'<svg class="{css}" viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none" shape-rendering="crispEdges" '
        f'role="img" aria-label="{label}">'
        f"{''.join(shapes)}</svg>"
    )


def colour(pod: str) -> str:
    """Return the class of the colour of a pod."""
    return f"s{int(pod.rpartition('-')[2]) % COLOURS}"


def swatch(css: str) -> str:
    """Return a square of a colour."""
    return f'<svg class="swatch" viewBox="0 0 1 1" aria-hidden="true"><rect class="{css}" width="1" height="1"/></svg>'


def serve(host: str, port: int, render: Callable[[], str]) -> ThreadingHTTPServer:
    """Return a server of the page, not yet running."""

    class PageHandler(BaseHTTPRequestHandler):
        """Answers with the page."""

        def do_GET(self) -> None:
            """Send the page."""
            found = self.path.partition("?")[0] == "/"
            body = render().encode() if found else b"there is only /\n"
            self.send_response(200 if found else 404)
            kind = "html" if found else "plain"
            headers = {
                "Content-Type": f"text/{kind}; charset=utf-8", "Content-Length": str(len(body)), "Cache-Control": "no-store",
                "Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
            }  # fmt: skip
            for name, text in headers.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            """Say nothing: the terminal has the lines of the demo."""

    server = ThreadingHTTPServer((host, port), PageHandler)
    server.daemon_threads = True
    return server
