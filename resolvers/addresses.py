"""Addresses: which are trusted, and which count as one."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Range = IPv4Network | IPv6Network

REMEMBERED = 10_000
OF_ONE = 64  # bits of an IPv6 address that name a household or a host; the rest it picks as it likes


class Addresses:
    def __init__(self, trusted: Sequence[Range] = ()) -> None:
        self._trusted = trusted
        self.group = lru_cache(REMEMBERED)(self._group)

    def trusts(self, address: str) -> bool:
        return self.group(address) is None

    def _group(self, address: str) -> str | None:
        """What the address counts as; None if it is trusted, and counts as nothing. What is no address is itself."""
        try:
            found = _plain(address)
        except ValueError:
            return address
        if any(found in addresses for addresses in self._trusted):
            return None
        return str(found if isinstance(found, IPv4Address) else IPv6Network((found, OF_ONE), strict=False))


def _plain(address: str) -> IPv4Address | IPv6Address:
    """A socket for both families names IPv4 in its own way."""
    found = ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found
