"""Seals what a client carries for us (cursors, answers to retries): unreadable, and refused if altered."""

import base64
import binascii
import hmac
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12
BLOCK = 64


class Cipher:
    """A fresh nonce each time: equal contents do not look equal."""

    def __init__(self, secret: str) -> None:
        self._key = AESGCMSIV(_derive(secret, b"plenary cipher"))
        self._fingerprints = _derive(secret, b"plenary fingerprints")
        self._signatures = _derive(secret, b"plenary signatures")

    def fingerprint(self, purpose: str, content: bytes) -> bytes:
        """Tells equal contents from others; without the key it tells nothing, not even of a short secret."""
        return hmac.digest(self._fingerprints, purpose.encode() + b"\0" + content, "sha256")

    def sign(self, purpose: str, content: bytes) -> bytes:
        """Proof that we said so, for one purpose: each has a key of its own. Compare it in constant time."""
        key = hmac.digest(self._signatures, purpose.encode(), "sha256")
        return hmac.digest(key, content, "sha256")

    def seal(self, purpose: str, content: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._key.encrypt(nonce, content, purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """What was sealed for this purpose; ValueError for anything else."""
        try:
            return self._key.decrypt(sealed[:NONCE], sealed[NONCE:], purpose.encode())
        except InvalidTag as error:
            raise ValueError("not sealed here") from error

    def seal_json(self, purpose: str, value: Any) -> bytes:
        """Filled up to whole blocks, so that the length tells little."""
        content = json.dumps(value).encode()
        return self.seal(purpose, content + b" " * (-len(content) % BLOCK))

    def open_json(self, purpose: str, sealed: bytes) -> Any:
        return json.loads(self.open(purpose, sealed))


def _derive(secret: str, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=use).derive(secret.encode())


def to_text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """ValueError for what is no such text."""
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not sealed here") from error


def own_secret(path: Path) -> str:
    """Made on first use, for development. Linked into place whole: of two processes at once, one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()
