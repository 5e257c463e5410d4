"""A flood of wrong credentials, in a process of its own: connections that ask as fast as they are answered, up to a rate.

Prints how many answers of which status there were, at the end of its standard input.
"""

import base64
import selectors
import socket
import sys
import time
from collections import Counter
from typing import Final

CONNECTIONS: Final = 40


def header(sort: str, number: int) -> bytes:
    """A request with credentials that nobody has had before."""
    given = base64.b64encode(f"user{number % 7}:{number}".encode()).decode()
    field = f"Basic {given}" if sort == "basic" else f"Bearer wrong{number}"
    path = ("/metrics", "/livez", "/")[number % 3]
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {field}\r\n\r\n".encode()


def main() -> None:
    """Flood until there is no more standard input."""
    port, sort, rate = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    free = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    for one in free:
        selector.register(one, selectors.EVENT_READ)
    answers: Counter[str] = Counter()
    began, asked = time.monotonic(), 0
    print("there", flush=True)
    while True:
        due = int((time.monotonic() - began) * rate)
        while free and asked < due:
            free.pop().sendall(header(sort, asked))
            asked += 1
        for key, _ in selector.select(0.001):
            if key.fileobj is sys.stdin:
                print(f"{asked / (time.monotonic() - began):.0f}", dict(answers), flush=True)
                return
            client = key.fileobj
            assert isinstance(client, socket.socket)
            said = client.recv(1 << 16)
            if not said:
                selector.unregister(client)
                client.close()
                client = socket.create_connection(("127.0.0.1", port))
                selector.register(client, selectors.EVENT_READ)
            else:
                answers[said[9:12].decode()] += 1
            free.append(client)


if __name__ == "__main__":
    main()
