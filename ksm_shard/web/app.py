"""The two sites: metrics, health and the status page on the main port; telemetry and health on the other.

Answers are exact in length, so that a client can tell a whole scrape from a torn one, and are written as the client reads.
"""

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

from flask import Flask, Response, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from ksm_shard.status.model import NoAnswer, Owner
from ksm_shard.store.pages import Body, deflate, gzip_length, gzip_pieces, text_length, text_pieces
from ksm_shard.web import page
from ksm_shard.web.access import HEALTH, VERDICT, Granted
from ksm_shard.web.connections import shut
from ksm_shard.web.negotiation import OPENMETRICS, TEXT, accepts_gzip, wants_openmetrics
from ksm_shard.web.source import Scrape, Source
from ksm_shard.web.strangers import briefly, from_inside, without_details
from ksm_shard.web.telemetry import Telemetry
from ksm_shard.web.unread import Unread, UnreadScrape

# The end of OpenMetrics text: without it a client knows that it was cut off.
EOF: Final = Body.of([deflate(b"# EOF\n")])
# Seconds after which to try again before the first sync: 20,000 pods are loaded in about three.
RETRY_AFTER: Final = "5"
# Clients that an API server which hangs may keep waiting for the owner of an object: people ask one by one.
SEARCHES: Final = 4
UNASKED: Final = (
    "not served here, and the API server is asked for nobody unknown: ask each shard, or come by kubectl port-forward"
)
STYLE: Final = (Path(__file__).parent / "templates" / "style.css").read_text("utf-8")
# Nothing from elsewhere, no scripts, and only the one style sheet that is written into the page.
PAGE_POLICY: Final = (
    "default-src 'none'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'"
)


class _BadRequest(HTTPException):
    code = 400


class _Forbidden(HTTPException):
    code = 403


def main_app(
    source: Source,
    telemetry: Telemetry,
    unread: Unread,
    *,
    gzip: bool,
    scrapes: int,
    telemetry_port: int,
    draining: Callable[[], bool],
    by_right: bool = False,
    asks_all: Callable[[], bool] = lambda: False,
) -> Flask:
    """The site of the main port.

    Args:
        source: what there is to serve.
        telemetry: counts the requests.
        unread: bounds what slow readers hold.
        gzip: whether to compress for clients that accept it.
        scrapes: how many may be under way at once.
        telemetry_port: for the link on the status page.
        draining: whether the process was told to stop; it is not ready then, and serves on.
        by_right: whether each page but those of probes has to be granted.
        asks_all: whether every request, also of a probe, is of somebody who has shown who they are.
    """
    app = _site()

    @app.before_request
    def begin() -> None:
        g.began = time.monotonic()

    if by_right:
        app.before_request(_hold_to_the_right)

    @app.after_request
    def measure(response: Response) -> Response:
        handler, method, began = request.endpoint or "none", request.method, g.began
        response.call_on_close(lambda: telemetry.requested(handler, method, time.monotonic() - began))
        return response

    _add_scrapes(app, source, telemetry, unread, gzip=gzip, most=scrapes, draining=draining)

    def stranger() -> bool:
        return not by_right and _is_stranger(asks_all)

    _add_owner(app, source, stranger)

    @app.get("/shard")
    def shard() -> Response:
        report = source.report()
        return Response(without_details(report) if stranger() else report, content_type="application/json")

    @app.get("/")
    def status() -> Response:
        other = page.other_port(request.scheme, request.host, telemetry_port)
        view = page.view(source, draining(), other, time.time(), brief=stranger())
        return _page(render_template("status.html", view=view, css=STYLE))

    _add_health(app, source, draining, asks_all)
    return app


def telemetry_app(
    source: Source,
    telemetry: Telemetry,
    *,
    main_port: int,
    draining: Callable[[], bool],
    by_right: bool = False,
    asks_all: Callable[[], bool] = lambda: False,
) -> Flask:
    """The site of the telemetry port; its page links to the main port."""
    app = _site()
    if by_right:
        app.before_request(_hold_to_the_right)

    @app.get("/metrics")
    def metrics() -> Response:
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        response = Response(telemetry.expose(openmetrics), content_type=OPENMETRICS if openmetrics else TEXT)
        response.vary.add("Accept")
        return response

    @app.get("/")
    def landing() -> Response:
        other = page.other_port(request.scheme, request.host, main_port)
        return _page(render_template("telemetry.html", status=source.status(), main=other, css=STYLE))

    _add_health(app, source, draining, asks_all)
    return app


def _add_scrapes(
    app: Flask,
    source: Source,
    telemetry: Telemetry,
    unread: Unread,
    *,
    gzip: bool,
    most: int,
    draining: Callable[[], bool],
) -> None:
    places = threading.BoundedSemaphore(most)

    @app.get("/metrics")
    def metrics() -> Response:
        if not places.acquire(blocking=False):
            telemetry.refused()
            return _later(f"{most} scrapes are under way already, which have to end first")
        reading = unread.start(partial(shut, request.environ["gunicorn.socket"], socket.SHUT_RDWR))

        def end() -> None:
            unread.end(reading)
            places.release()

        try:
            response = scrape(reading)
        except BaseException:
            end()
            raise
        response.call_on_close(end)
        return response

    def scrape(reading: UnreadScrape) -> Response:
        wanted = _wanted(source)
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        identity = request.remote_addr, request.headers.get("User-Agent"), request.query_string
        scraper = source.scrapers.find(*identity)
        began = time.monotonic()
        bodies = source.scrape(Scrape(wanted, openmetrics, scraper, draining()))
        if bodies is None:
            return _later("not every resource has been listed yet: see /readyz")
        telemetry.gathering(time.monotonic() - began)
        if openmetrics:
            bodies = [*bodies, EOF]
        reading.bodies = bodies
        zipped = gzip and accepts_gzip(request.headers.get("Accept-Encoding", ""))
        pieces, length = (gzip_pieces, gzip_length) if zipped else (text_pieces, text_length)
        ended = partial(source.scrapers.completed, scraper, began, *identity)
        response = Response(
            _then(telemetry.sending("gzip" if zipped else "identity", pieces(bodies)), ended),
            content_type=OPENMETRICS if openmetrics else TEXT,
        )
        response.content_length = length(bodies)
        if zipped:
            response.content_encoding = "gzip"
        response.vary.update(("Accept", "Accept-Encoding"))
        return response


def _then(pieces: Iterable[bytes], ended: Callable[[], None]) -> Iterator[bytes]:
    """Pass pieces on, and call that once the client's socket has taken the last one."""
    yield from pieces
    ended()


def _add_owner(app: Flask, source: Source, stranger: Callable[[], bool]) -> None:
    places = threading.BoundedSemaphore(SEARCHES)

    @app.get("/owner")
    def owner() -> Response:
        uid, resource = request.args.get("uid", "").strip(), request.args.get("resource", "")
        name = request.args.get("name", "")
        if not uid and not (resource and name):
            raise _BadRequest("ask for ?uid=..., or for ?resource=...&namespace=...&name=...")
        try:
            if uid:
                found: Owner | None = source.owner(uid)
            elif stranger():
                _check_known(source, [resource])
                found = source.find(resource, request.args.get("namespace", ""), name, search=False)
                if found is None:
                    raise _Forbidden(UNASKED)
            else:
                _check_known(source, [resource])
                if not places.acquire(blocking=False):
                    return _later(f"{SEARCHES} others wait for the API server already")
                try:
                    found = source.find(resource, request.args.get("namespace", ""), name)
                finally:
                    places.release()
        except NoAnswer as error:
            return _lines(str(error), status=502 if error.refused else 503)
        if found is None:
            return _lines("there is no such object: are resource=, namespace= and name= right?", status=404)
        return jsonify({key: value for key, value in asdict(found).items() if key != "uid" or value})


def _site() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.jinja_env.filters["size"] = page.size
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        response = _lines(error.description or error.name, status=error.code or 500)
        response.headers.extend(
            (name, value) for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")
        )
        return response

    return app


def _hold_to_the_right() -> None:
    """Refuse any page but the granted one: Flask may find another page by a path than the filter did."""
    rule, verdict = request.url_rule, VERDICT.get()
    if (
        rule is not None
        and rule.rule not in HEALTH
        and not (isinstance(verdict, Granted) and verdict.path == rule.rule)
    ):
        raise _Forbidden("write the path as the links do")


def _is_stranger(asks_all: Callable[[], bool]) -> bool:
    """Tell whether a request may be anybody's, by the rule of `strangers`; pages that need a right are another matter."""
    return not asks_all() and not from_inside(request.remote_addr)


def _add_health(app: Flask, source: Source, draining: Callable[[], bool], asks_all: Callable[[], bool]) -> None:
    @app.get("/livez")
    @app.get("/healthz", endpoint="healthz")
    def livez() -> Response:
        problems = source.liveness()
        return _lines(*problems, status=503) if problems else _lines("alive")

    @app.get("/readyz")
    def readyz() -> Response:
        readiness = source.readiness()
        told = briefly if _is_stranger(asks_all) else list
        if draining():
            return _lines("draining: this process was told to stop", status=503)
        if not readiness.ready:
            return _lines("not ready", *told([*readiness.problems, *readiness.notes]), status=503)
        return _lines("ready", *told(readiness.notes))


def _wanted(source: Source) -> Callable[[str], bool]:
    """Which resources the query asks for. Raises _BadRequest for one that there is not."""
    only, without = _names("resources"), _names("exclude_resources")
    _check_known(source, only)  # or a name that is off by mistake would look like a cluster without such objects
    for name in sorted(without):
        if not source.exists(name):
            raise _BadRequest(f"there is no resource {name!r}")
    asked = {one for name in only for one in source.named(name)}
    refused = {one for name in without for one in source.named(name)}
    return lambda resource: (not only or resource in asked) and resource not in refused


def _names(parameter: str) -> set[str]:
    values = (name.strip() for value in request.args.getlist(parameter) for name in value.split(","))
    return {name for name in values if name}


def _check_known(source: Source, resources: Iterable[str]) -> None:
    for resource in sorted(resources):
        if not source.known(resource):
            raise _BadRequest(f"resource {resource!r} is not one that is exported here: see the list at /")


def _lines(*lines: str, status: int = 200) -> Response:
    return Response("".join(line + "\n" for line in lines), status=status, content_type="text/plain; charset=utf-8")


def _later(line: str) -> Response:
    response = _lines(line, status=503)
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def _page(html: str) -> Response:
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
