"""Join codes: short enough to be read off a wall, without characters that look alike."""

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8


def new() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
