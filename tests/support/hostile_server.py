"""Hosts that only pretend to be PostgreSQL: what a PostgresServer may be pointed at by mistake or by malice."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

_TRUST: Final = 0
_CLEARTEXT: Final = 3
_MD5: Final = 5

Conversation = Callable[["HostileServer", asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class HostileServer:
    """Where it listens, and what it was told."""

    host: str = "127.0.0.1"
    port: int = 0
    connections: int = 0
    heard: bytearray = field(default_factory=bytearray)
    """Everything that clients sent after their startup packet."""


@asynccontextmanager
async def hostile_server(conversation: Conversation) -> AsyncGenerator[HostileServer]:
    """Listen, and hold each client in that conversation until it leaves."""
    hostile = HostileServer()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        hostile.connections += 1
        try:
            await conversation(hostile, reader, writer)
            while data := await reader.read(4096):
                hostile.heard += data
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, hostile.host, 0)
    hostile.port = server.sockets[0].getsockname()[1]
    try:
        yield hostile
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()


async def never_answer(_hostile: HostileServer, _reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept, and say nothing."""


async def ask_for_clear_text(
    _hostile: HostileServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Ask for the password as it is."""
    await _ask(reader, writer, _CLEARTEXT)


async def ask_for_md5(_hostile: HostileServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask for what can be guessed offline."""
    await _ask(reader, writer, _MD5, b"salt")


async def ask_for_nothing(_hostile: HostileServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let anybody in, as `trust` does."""
    await _ask(reader, writer, _TRUST)


async def refuse_with_texts(
    _hostile: HostileServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Refuse with a message that is long and full of control characters."""
    await _startup(reader)
    message = b"\x1b[31mred\nnext line " + b"x" * 5000
    writer.write(_message(b"E", b"SFATAL\0C28000\0M" + message + b"\0DDETAIL row values\0\0"))
    await writer.drain()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: int, more: bytes = b"") -> None:
    await _startup(reader)
    writer.write(_message(b"R", struct.pack("!I", method) + more))
    await writer.drain()


async def _startup(reader: asyncio.StreamReader) -> None:
    (length,) = struct.unpack("!I", await reader.readexactly(4))
    await reader.readexactly(length - 4)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body
