"""Measures the CPU of a gzip scrape of 20,000 pods without and with TLS: `python -m bench.tls`.

Two exporters of one simulated API server are scraped in turn, over one connection each; printed is the least of 60 scrapes each.
The least vary by a fifth from hour to hour, and their ratio from 1.9 to 2.6, so no test holds it.
"""

import re
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from tests.processes import PATIENCE, Exporter, eventually
from tests.web.certificates import Authority

PODS: Final = 20_000
SCRAPES: Final = 60


def scraped(exporter: Exporter, client: socket.socket) -> float:
    """Scrape it compressed; return the seconds of CPU that this took."""
    before = cpu(exporter.worker())
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
    header, _, body = client.recv(1 << 18).partition(b"\r\n\r\n")
    left = int(header.partition(b"Content-Length: ")[2].split()[0]) - len(body)
    while left:
        left -= len(client.recv(1 << 18))
    return cpu(exporter.worker()) - before


def is_ready(exporter: Exporter, context: ssl.SSLContext) -> bool:
    """Tell whether it has loaded everything."""
    try:
        with urlopen(f"{exporter.url}/readyz", timeout=PATIENCE, context=context) as answer:
            return bool(answer.status == 200)
    except HTTPError:
        return False


def cpu(pid: int) -> float:
    """Return the seconds of CPU that the threads of a process have used, in nanoseconds as the scheduler counts them."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def main() -> None:
    """Print the cost of a scrape in milliseconds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        authority = Authority(folder / "authority")
        pair = authority.issue("server")
        (folder / "web.yml").write_text(f"tls_server_config: {{cert_file: {pair.cert}, key_file: {pair.key}}}\n")
        command = [sys.executable, "-m", "ksm_shard", "simulate", f"--pods={PODS}"]
        simulator = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(simulator.terminate)
        assert simulator.stdout is not None
        found = re.search(r"http://\S+:\d+", simulator.stdout.readline())
        assert found is not None
        flags = [f"--apiserver={found[0]}", "--resources=pods"]
        plain = stack.enter_context(Exporter(*flags))
        tls = stack.enter_context(Exporter(*flags, f"--tls-config={folder / 'web.yml'}"))
        context = ssl.create_default_context(cafile=authority.cert)
        clients = []
        for one in plain, tls:
            eventually(partial(is_ready, one, context), f"{one.url} is not ready", seconds=5 * PATIENCE)
            at = urlsplit(one.url)
            clients.append(stack.enter_context(socket.create_connection((at.hostname, at.port), PATIENCE)))
        clients[1] = stack.enter_context(context.wrap_socket(clients[1], server_hostname="127.0.0.1"))
        took = [(scraped(plain, clients[0]), scraped(tls, clients[1])) for _ in range(SCRAPES)]
    without, over_tls = (min(column) * 1e3 for column in zip(*took, strict=True))
    print(f"{without:.1f} ms, and {over_tls:.1f} ms over TLS, {over_tls / without:.2f} times as much")


if __name__ == "__main__":
    main()
