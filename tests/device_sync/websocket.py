"""The server's side of a websocket (RFC 6455), as far as realm-core's own client uses it: whole binary messages, nothing else."""

import base64
import hashlib
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, CLOSE = 2, 8


def accept(key):
    """What answers the key of an upgrade."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def receive(stream):
    """The next message, or None when there will be none."""
    while (head := stream.read(2)) and len(head) == 2:
        kind, size = head[0] & 0x0F, head[1] & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", stream.read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", stream.read(8))
        mask, body = stream.read(4), stream.read(size)
        if kind == CLOSE:
            break
        if kind == BINARY:
            repeated = mask * (size // 4 + 1)
            unmasked = int.from_bytes(body, "big") ^ int.from_bytes(repeated[:size], "big")
            return unmasked.to_bytes(size, "big")
    return None


def send(stream, message):
    size = len(message)
    head = struct.pack(">BB", 0x80 | BINARY, size) if size < 126 else struct.pack(">BBH", 0x80 | BINARY, 126, size)
    stream.write(head + message)
    stream.flush()
