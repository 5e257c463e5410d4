"""The page of the demo: its numbers, and how it looks in a real browser."""

import re
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ksm_shard.demo.page import Look, ShardRow, columns, page, serve
from ksm_shard.demo.view import Sight
from tests.web.test_page import CHROMIUM, first_pixel, measured


def sight(moved: int = 0, missing: int = 0, **shares: int) -> Sight:
    """Return a sight of shards that have so many objects: `s0` is ksm-shard-0."""
    by_pod = {f"ksm-shard-{name[1:]}": count for name, count in shares.items()}
    return Sight(sum(shares.values()), 30 * sum(shares.values()), missing, 0, moved, by_pod)


LOOKS = [
    *(Look(at, 2, 2, sight(s0=50, s1=50), "") for at in range(10)),
    Look(10, 3, 3, sight(moved=30, s0=34, s1=33, s2=33), "scale 2 -> 3"),
    Look(11, 2, 3, sight(missing=990, s0=34, s1=33), "kill <b>ksm-shard-2</b>"),
]
ROWS = [
    ShardRow(f"ksm-shard-{one}", one < 2, f"http://127.0.0.1:808{one}/", f"http://127.0.0.1:908{one}/")
    for one in range(3)
]
PAGE = page(LOOKS, ROWS, "http://127.0.0.1:1")


def test_what_it_says() -> None:
    """The last numbers, the title for a reader with many tabs, what is under way as text, and the way to each shard."""
    assert "<title>2 of 3 shards · wrong · ksm_shard</title>" in PAGE
    assert '<dt>missing</dt><dd class="bad">990</dd>' in PAGE
    assert '<dt>moved</dt><dd class="">30</dd>' in PAGE
    assert "kill &lt;b&gt;ksm-shard-2" in PAGE
    assert re.findall(r'href="(http[^"]+)"', PAGE)[:3] == [
        "http://127.0.0.1:8080/",
        "http://127.0.0.1:8080/metrics",
        "http://127.0.0.1:9080/",
    ]


def test_the_chart_is_as_long_as_it_took() -> None:
    """A look lasts until the next one, on a machine that is late as well; a minute is shown at least, and three at most."""
    looks = [Look(at, 1, 1, sight(), "") for at in (0, 1, 5, 6)]
    long = [Look(at, 1, 1, sight(), "") for at in range(0, 301, 2)]

    assert [(x, width) for x, width, _ in columns(looks)] == [(53, 1), (54, 4), (58, 1), (59, 1)]
    assert [(x, width) for x, width, _ in columns(long)][:2] == [(0, 1), (1, 2)]
    assert sum(width for _, width, _ in columns(long)) == 180


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_no_sideways_scrolling(tmp_path: Path, width: int) -> None:
    """It fits into a telephone."""
    takes, has, _ = measured(PAGE, tmp_path, width)

    assert has == width
    assert takes <= has


@pytest.mark.parametrize(("scheme", "ground"), [(0, (15, 20, 25)), (1, (246, 247, 249))])
def test_dark_and_light_by_the_policy_that_is_served_with_it(
    tmp_path: Path, scheme: int, ground: tuple[int, ...]
) -> None:
    """The page follows the reader's system, and a browser that obeys the headers takes its style."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium")
    picture = tmp_path / "page.png"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    command += [f"--blink-settings=preferredColorScheme={scheme}", "--enable-logging=stderr", f"--screenshot={picture}"]
    with serve("127.0.0.1", 0, lambda: PAGE) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        with urllib.request.urlopen(url) as answer:
            policy = answer.headers["Content-Security-Policy"]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}other")
        shown = subprocess.run([*command, url], capture_output=True, text=True, check=True, timeout=100)
        server.shutdown()

    assert "default-src 'none'" in policy
    assert "Content Security Policy" not in shown.stderr
    assert ground == first_pixel(picture.read_bytes())


def test_nothing_from_elsewhere() -> None:
    """The page works in a closed network, without scripts."""
    assert "<script" not in PAGE
    assert not re.findall(r'<(?:link|img)[^>]*(?:href|src)="(?!data:)', PAGE)
    assert "style=" not in PAGE
