"""Passes connections on between a TCP port and a Unix socket, which reaches into a namespace without a network.

`python -m tests.support.relay FROM TO`, each `host:port` or the path of a socket. It says `listening`, and runs until
it is killed.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing, suppress

_CHUNK = 65_536


async def main(listen: str, target: str) -> None:
    """Serve until the end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            there_reader, there_writer = await _connect(target)
            await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))

    if ":" in listen:
        host, port = listen.split(":")
        server = await asyncio.start_server(serve, host, int(port))
    else:
        server = await asyncio.start_unix_server(serve, listen)
    print("listening", flush=True)  # noqa: T201 - whoever started it waits for that
    await server.serve_forever()


async def _connect(target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if ":" in target:
        host, port = target.split(":")
        return await asyncio.open_connection(host, int(port))
    return await asyncio.open_unix_connection(target)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError), closing(writer):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
