"""The status page: what it says, and how it looks in a real browser."""

import html
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from ksm_shard.web.page import age, size
from tests.web.serving import Server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# A telephone; headless Chromium makes no window as narrow, but frames of any width.
FRAME = '<iframe width="{width}" height="900" srcdoc="{page}"></iframe>'
MEASURE = """<script>
const root = document.documentElement, style = getComputedStyle(document.body);
parent.document.title = [root.scrollWidth, innerWidth, style.backgroundColor].join(" | ");
</script>"""


def measured(page: str, folder: Path, width: int, *flags: str) -> tuple[int, int, str]:
    """Lay a page out in a frame; return the width it takes, the width it has, and the colour of its ground."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium")
    wrapper = folder / "frame.html"
    wrapper.write_text(FRAME.format(width=width, page=html.escape(page + MEASURE)), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", *flags]
    command += ["--dump-dom", wrapper.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    title = re.search(r"<title>(.*) \| (.*) \| (.*)</title>", shown)
    assert title, shown[:500]
    return int(title[1]), int(title[2]), title[3]


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_no_sideways_scrolling(loading: Server, tmp_path: Path, width: int) -> None:
    """Long names, errors and twelve columns fit into a telephone."""
    takes, has, _ = measured(loading.get("/").text, tmp_path, width)

    assert has == width
    assert takes <= has


def test_dark_and_light(server: Server, tmp_path: Path) -> None:
    """The page follows the reader's system."""
    page = server.get("/").text
    grounds = {measured(page, tmp_path, 390, f"--blink-settings=preferredColorScheme={n}")[2] for n in (0, 1)}

    assert {"rgb(15, 20, 25)", "rgb(246, 247, 249)"} == grounds


@pytest.mark.parametrize(("scheme", "ground"), [(0, (15, 20, 25)), (1, (246, 247, 249))])
def test_the_style_passes_the_policy_that_is_served_with_it(
    server: Server, tmp_path: Path, scheme: int, ground: tuple[int, ...]
) -> None:
    """A browser that comes by the URL obeys the headers: a style sheet whose hash they do not name leaves the page white."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium")
    picture = tmp_path / "page.png"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    command += [f"--blink-settings=preferredColorScheme={scheme}", "--enable-logging=stderr", f"--screenshot={picture}"]
    shown = subprocess.run(
        [*command, f"http://127.0.0.1:{server.main}/"], capture_output=True, text=True, check=True, timeout=40
    )

    assert "Content Security Policy" not in shown.stderr
    assert ground == first_pixel(picture.read_bytes())


def first_pixel(png: bytes) -> tuple[int, ...]:
    """Return the colour at the upper left: behind the filter of its row, which changes nothing there."""
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return tuple(zlib.decompress(data)[1:4])


def test_errors_are_text(server: Server) -> None:
    """What an API server says is shown, not obeyed."""
    page = server.get("/").text

    assert "cannot list &lt;b&gt;it&lt;/b&gt;" in page
    assert "<b>it</b>" not in page


def test_metrics_of_custom_resources(server: Server) -> None:
    """Each has its samples and the objects that have none; one without any sample is marked."""
    words = " ".join(re.sub(r"<[^>]*>", " ", server.get("/").text).split())

    assert "kettle_litres kettles.v1.example.org 1,400 2 0" in words
    assert "kettle_with_a_path_that_is_misspelt kettles.v1.example.org 0 12 0" in words
    assert '<span class="bad">0</span>' in server.get("/").text


def test_why_the_last_known_slots_are_kept(server: Server, loading: Server) -> None:
    """A shard that cannot follow its fleet says so where one looks first."""
    page = loading.get("/").text

    assert "the StatefulSet of this pod &lt;b&gt;cannot be read&lt;/b&gt;" in page
    assert "watch of statefulsets: forbidden" in page
    assert "The last known slots are kept" not in server.get("/").text


def test_what_is_wrong_with_the_set_up(server: Server, loading: Server) -> None:
    """What a shard finds wrong with its own pod has a section of its own, which is not there otherwise."""
    page = loading.get("/").text

    assert "<li>terminationGracePeriodSeconds is 30 &lt;b&gt;seconds&lt;/b&gt;</li>" in page
    assert "Not set up as it should be" in page
    assert "Not set up as it should be" not in server.get("/").text


def test_the_configuration(server: Server, loading: Server) -> None:
    """The file in force is there with the digest of the settings, and whatever of the newest file is not in force."""
    page, other = loading.get("/").text, server.get("/").text

    assert (
        "<li>/etc/ksm.yaml: &lt;b&gt;podz&lt;/b&gt;: no such key</li><li>until a restart stay as they were: --port</li>"
        in page
    )
    assert "0123456789ab <small>/etc/ksm.yaml, read " in page
    assert "0123456789ab <small>/etc/ksm.yaml, read " in other
    assert "not as in its file" not in other


def test_nothing_from_elsewhere(server: Server) -> None:
    """The page works in a closed network: no script, no file, and a policy that allows none."""
    answer = server.get("/")

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert not re.findall(r'<(?:link|img)[^>]*(?:href|src)="(?!data:)', answer.text)


def test_words(server: Server, loading: Server) -> None:
    """The title says it all to a reader with many tabs; only a page that waits reloads itself."""
    assert "<title>Shard 3 of 10 · ready · ksm_shard</title>" in server.get("/").text
    assert "<title>Shard 3 of 10 · not ready · ksm_shard</title>" in loading.get("/").text
    assert 'http-equiv="refresh"' in loading.get("/").text
    assert 'http-equiv="refresh"' not in server.get("/").text


def test_links_follow_the_reader(server: Server) -> None:
    """The telemetry is linked on the host that the reader came by, with its own port; IPv6 keeps its brackets."""
    assert f'href="http://shard.example:{server.telemetry}/"' in server.get("/", host="shard.example:80").text
    assert f'href="http://[::1]:{server.telemetry}/"' in server.get("/", host="[::1]:8080").text


def test_telemetry_has_a_page(server: Server) -> None:
    """Who opens the telemetry port in a browser is told what it is, and comes back to the status page."""
    page = server.get("/", port=server.telemetry, host="shard.example:81").text

    assert "shard 3 of 10" in page
    assert f'href="http://shard.example:{server.main}/"' in page


def test_resources_without_objects_are_folded(server: Server, loading: Server) -> None:
    """A resource that is empty and well is one line of a telephone less; one that fails or still loads stays in sight."""
    shown, _, folded = server.get("/").text.partition("<summary>1 resource without objects</summary>")

    assert "?resources=pods" in shown
    assert "?resources=secrets" in shown
    assert "?resources=ingresses" in folded
    assert "?resources=ingresses" not in shown
    assert "without objects</summary>" not in loading.get("/").text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (42.9, "42 s"), (60, "1 min"), (185, "3 min 5 s"), (93_784, "1 d 2 h"), (86_400, "1 d"), (-1, "0 s")],
)
def test_ages(seconds: float, expected: str) -> None:
    """Two units are enough; clocks that differ make no negative ages."""
    assert expected == age(seconds)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_460_000, "1.46 MB"), (25_300_000, "25.3 MB"),
     (999_600, "1.00 MB"), (180_000_000, "180 MB"), (5_000_000_000_000_000, "5000 TB")],
)  # fmt: skip
def test_sizes(count: int, expected: str) -> None:
    """Three digits, with the unit that allows it."""
    assert expected == size(count)
