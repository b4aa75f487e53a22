"""Messages between two of our processes: a header of JSON and bytes that belong to it."""

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

SIZES = struct.Struct("!IQ")
"""What comes first: the lengths of both."""


def frame(header: Mapping[str, object], content: bytes = b"") -> bytes:
    """Return a message as it is sent."""
    written = json.dumps(header).encode()
    return SIZES.pack(len(written), len(content)) + written + content


def receive(connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Wait for a message.

    Returns:
        Header and content.

    Raises:
        EOFError: If the other side has gone.
    """
    header, content = SIZES.unpack(_exactly(connection, SIZES.size))
    return json.loads(_exactly(connection, header)), _exactly(connection, content)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
