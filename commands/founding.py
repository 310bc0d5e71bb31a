"""What no operation can do, because nobody is there yet to do it: a network and its first member."""

from models import Account, Kind, Member, Network, NetworkKind, NetworkRole
from realtime import topics
from resolvers import accounts
from resolvers.session import Transaction


async def network(
    tx: Transaction, name: str, kind: NetworkKind = NetworkKind.INTRANET, *, hybrid: bool = False
) -> Network:
    """The network of this name, made if there is none."""
    found: Network | None = await tx.find(Network, Network.name == name)
    return found or await tx.add(Network(name=name, kind=kind, hybrid=hybrid))


async def account(tx: Transaction, *, email: str, name: str, password_hash: str) -> Account:
    """The account of this e-mail, made if there is none."""
    found: Account | None = await tx.find(Account, Account.email == email)
    return found or await accounts.create(tx, email=email, name=name, password_hash=password_hash)


async def member(tx: Transaction, within: Network, whose: Account, *, name: str, role: NetworkRole) -> Member:
    joined = Member(network_id=within.id, principal_id=whose.principal_id, name=name, role=role)
    await tx.add(joined)
    tx.announce([topics.person(whose.principal_id)], Kind.RIGHTS, joined)
    return joined
