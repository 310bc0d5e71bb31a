"""Caps: how much one viewer and one address have open at a time."""

from contextlib import ExitStack
from ipaddress import ip_network
from uuid import UUID

import pytest

from models import NOBODY
from resolvers.addresses import Addresses
from resolvers.caps import Caps, Most
from resolvers.errors import Limited

ANN, BOB = UUID(int=1), UUID(int=2)
HALL = "192.0.2.1"


def caps(of_viewer: int, at_address: int, *trusted: str) -> Caps:
    return Caps("sockets", Most(of_viewer, at_address), Addresses([ip_network(one) for one in trusted]))


def open_all(some: Caps, *who: tuple[UUID, str]) -> ExitStack:
    with ExitStack() as held:
        for viewer, address in who:
            held.enter_context(some.open(viewer, address))
        return held.pop_all()


def test_one_viewer_has_only_so_many_open_wherever_they_are() -> None:
    some = caps(2, 10)
    with open_all(some, (ANN, HALL), (ANN, "192.0.2.2")):
        with pytest.raises(Limited, match="At most 2 sockets by one account"):
            open_all(some, (ANN, "192.0.2.3"))
        open_all(some, (BOB, HALL)).close()


def test_one_address_has_only_so_many_open_whoever_they_are() -> None:
    some = caps(10, 2)
    with open_all(some, (ANN, HALL), (NOBODY, HALL)):
        with pytest.raises(Limited, match="At most 2 sockets from one address"):
            open_all(some, (BOB, HALL))
        open_all(some, (BOB, "192.0.2.2")).close()


def test_what_is_closed_or_was_refused_counts_no_longer() -> None:
    some = caps(1, 2)
    for _ in range(3):
        with open_all(some, (ANN, HALL)), pytest.raises(Limited):
            open_all(some, (ANN, HALL))
    with pytest.raises(ValueError, match="of the block"), some.open(ANN, HALL):
        raise ValueError("of the block")
    open_all(some, (ANN, HALL), (BOB, HALL)).close()
    assert not some._open


def test_nobody_is_counted_by_address_alone() -> None:
    with open_all(caps(1, 3), *[(NOBODY, HALL)] * 3):
        pass


def test_an_address_that_is_trusted_is_not_counted_but_its_viewers_are() -> None:
    some = caps(1, 1, "192.0.2.0/24")
    with open_all(some, *[(NOBODY, HALL)] * 5, (ANN, HALL)), pytest.raises(Limited, match="by one account"):
        open_all(some, (ANN, HALL))


def test_zero_is_no_cap() -> None:
    open_all(caps(0, 0), *[(ANN, HALL)] * 50).close()


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::", True),  # whoever has one has them all
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("testclient", "testclient", True),
        ("testclient", "", False),
    ],
)
def test_which_addresses_count_as_one(one: str, other: str, is_one: bool) -> None:
    addresses = Addresses()
    assert (addresses.group(one) == addresses.group(other)) is is_one


def test_a_range_that_is_trusted_is_known_by_each_name_of_its_addresses() -> None:
    addresses = Addresses([ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])
    assert all(map(addresses.trusts, ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8:1::9"]))
    assert not any(map(addresses.trusts, ["192.0.3.9", "2001:db9::", "", "testclient"]))
