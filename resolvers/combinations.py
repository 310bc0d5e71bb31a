"""Combinations: which communities there may be, and in which networks (table D1)."""

from models import Admits, JoinPolicy, Network, NetworkKind, Visibility
from resolvers.errors import Flaw, Invalid
from resolvers.form import Form

# Table D1: which ways of joining go with whom a community admits and how far it is seen. Anything else is refused.
LEGAL: dict[tuple[Admits, Visibility], tuple[JoinPolicy, ...]] = {
    (Admits.INTERNALS, Visibility.OPEN): (JoinPolicy.OPEN, JoinPolicy.REQUEST),
    (Admits.INTERNALS, Visibility.PRIVATE): (JoinPolicy.REQUEST, JoinPolicy.INVITE),
    (Admits.INTERNALS, Visibility.HIDDEN): (JoinPolicy.INVITE,),
    (Admits.GUESTS, Visibility.PRIVATE): (JoinPolicy.REQUEST, JoinPolicy.INVITE),
    (Admits.GUESTS, Visibility.HIDDEN): (JoinPolicy.INVITE,),
    (Admits.EXTERNALS, Visibility.OPEN): (JoinPolicy.OPEN, JoinPolicy.REQUEST),
    (Admits.EXTERNALS, Visibility.PRIVATE): (JoinPolicy.REQUEST, JoinPolicy.INVITE),
    (Admits.EXTERNALS, Visibility.HIDDEN): (JoinPolicy.INVITE,),
}
# In networks of which kinds a community may admit whom; in a hybrid one, anybody.
AT_HOME: dict[Admits, frozenset[NetworkKind]] = {
    Admits.INTERNALS: frozenset(NetworkKind),
    Admits.GUESTS: frozenset(),
    Admits.EXTERNALS: frozenset({NetworkKind.EXTRANET, NetworkKind.PUBLIC, NetworkKind.EVENT}),
}


def lawful(check: Form, admits: Admits, visibility: Visibility, join_policy: JoinPolicy | None) -> JoinPolicy:
    """The join policy, or the widest that goes with the rest; a flaw for what table D1 does not have."""
    legal = LEGAL.get((admits, visibility), ())
    if not legal:
        check.flaw("visibility", f"a community that admits {admits.lower()} cannot be {visibility.lower()}")
    elif join_policy and join_policy not in legal:
        check.flaw("joinPolicy", f"here one can join by {' or '.join(legal)} only")
    return join_policy or next(iter(legal), JoinPolicy.INVITE)


def is_at_home(network: Network, admits: Admits) -> bool:
    return network.hybrid or network.kind in AT_HOME[admits]


def check_at_home(network: Network, admits: Admits) -> None:
    """Table D1, as far as it is about the network. Whoever makes a community or changes whom it admits asks this."""
    if not is_at_home(network, admits):
        place = f"a hybrid network, and this is an {network.kind.lower()} that is none"
        raise Invalid(Flaw(f"A community that admits {admits.lower()} needs {place}.", ("input", "admits")))
