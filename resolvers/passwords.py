"""Passwords: Argon2id at OWASP's parameters, off the event loop."""

import asyncio
import os

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1


class Passwords:
    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._turn = asyncio.Semaphore(os.cpu_count() or 1)
        # What an unknown e-mail is checked against, so that it takes as long as a known one.
        self._nobodys = self._hasher.hash(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right; with no hash it never is, and that takes as long."""
        async with self._turn:
            matches = await asyncio.to_thread(self._matches, password_hash or self._nobodys, password)
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    """As it is typed, whatever was typed."""
    return password.encode(errors="surrogatepass")
