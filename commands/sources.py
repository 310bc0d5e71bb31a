"""Where a schedule comes from: a file or an address, read when it has changed, and never more than is bearable."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from resolvers.frab import SIZE_MOST, too_large

TIMEOUT = 30.0  # seconds


class Unreachable(Exception):
    """There is nothing to read."""


class Source(Protocol):
    async def read(self) -> bytes | None:
        """What is there, or None if it is what was there the last time. Raises Unreachable or Unreadable."""


def source(name: str) -> Source:
    return Address(name) if "://" in name else File(Path(name))


@dataclass
class File:
    path: Path
    _seen: tuple[int, int, int] | None = None

    async def read(self) -> bytes | None:
        try:
            stat = self.path.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen == self._seen:
                return None
            if stat.st_size > SIZE_MOST:
                raise too_large()
            with self.path.open("rb") as file:
                content = file.read(SIZE_MOST + 1)  # a pipe has no size, and a file may grow
        except OSError as error:
            raise Unreachable(f"{self.path}: {error.strerror or error}") from None
        if len(content) > SIZE_MOST:
            raise too_large()
        self._seen = seen
        return content


@dataclass
class Address:
    """Over HTTP. The server is told what we have, so that it may say that nothing has changed."""

    url: str
    _known: dict[str, str] = field(default_factory=dict)

    async def read(self) -> bytes | None:
        if not self.url.startswith(("http://", "https://")):
            raise Unreachable(f"{self.url}: only http and https addresses are read")
        try:
            async with (
                httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=True) as http,
                http.stream("GET", self.url, headers=self._known) as response,
            ):
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return None
                response.raise_for_status()
                content = await _bounded(response)
        except httpx.HTTPStatusError as error:
            raise Unreachable(f"{self.url}: the server answers {error.response.status_code}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self.url}: {str(error) or type(error).__name__}") from None
        answered = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
        self._known = {ask: response.headers[said] for ask, said in answered.items() if said in response.headers}
        return content


async def _bounded(response: httpx.Response) -> bytes:
    """Refused as soon as it is too much, packed or not, whatever the server says that it is."""
    content = bytearray()
    async for chunk in response.aiter_bytes(64 * 1024):
        content += chunk
        if len(content) > SIZE_MOST:
            raise too_large()
    return bytes(content)
