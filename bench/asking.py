"""Asking over HTTP, for little: one connection that is kept, one request at a time."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit


class Asking:
    def __init__(self, address: str, token: str = "") -> None:
        self._parts = urlsplit(address)
        self.token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, document: str, variables: Any = None, *, token: str = "") -> Any:
        """The data of one operation. Raises RuntimeError on errors and problems."""
        body = json.dumps({"query": document, "variables": variables or {}}).encode()
        reader, writer = await self._open()
        writer.write(self._head(len(body), token or self.token) + body)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        content = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError((head + content).decode())
        answer = json.loads(content)
        if "errors" in answer or any((found or {}).get("problems") for found in answer["data"].values()):
            raise RuntimeError(json.dumps(answer))
        return answer["data"]

    def _head(self, size: int, token: str) -> bytes:
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        return (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{authorization}"
            f"Content-Length: {size}\r\n\r\n"
        ).encode()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection from before, unless the server has closed it: it does so after a few idle seconds."""
        if self._streams is None or self._streams[0].at_eof():
            self._streams = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        return self._streams
