"""Generates the message modules from their .proto files.

Needs grpcio-tools, a dependency of developers only.
"""

import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Write `*_pb2.py` and `*_pb2.pyi` beside each .proto file.

    Returns the exit status of protoc.
    """
    protos = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "ksm_shard/wire/messages").glob("*.proto"))
    protoc = import_module("grpc_tools.protoc")
    return int(protoc.main(["protoc", f"-I{ROOT}", f"--python_out={ROOT}", f"--pyi_out={ROOT}", *protos]))


if __name__ == "__main__":
    sys.exit(main())
