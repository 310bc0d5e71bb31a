"""Accounts and sign-ins."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from models import NOBODY
from resolvers import accounts, invitations, links, networks, visitors
from resolvers.errors import Flaw, Invalid
from schema.base import Node, node, plain, project
from schema.context import Info
from schema.problems import Payload, mutation

if TYPE_CHECKING:
    from schema.networks import Network
    from schema.visitors import Visit
else:
    Visit = Annotated["Visit", strawberry.lazy("schema.visitors")]
    Network = Annotated["Network", strawberry.lazy("schema.networks")]


@node("A person, whatever networks they belong to. Seen by themselves alone.")
class Account(Node):
    email: str = plain("Where mail reaches them.")
    display_name: str = plain("What they are called where they have given no other name.")


@strawberry.type(description="Whoever is asking.")
class Viewer:
    @strawberry.field(description="Their account; null for a kiosk, a visitor, and an attendee without one.")
    async def account(self, info: Info) -> Account | None:
        account = await accounts.of_viewer(info.context)
        return Account.of(account) if account else None

    @strawberry.field(description="The networks to which they belong.")
    async def networks(self, info: Info) -> list[Network]:
        return [project(network) for network in await networks.of_viewer(info.context)]

    @strawberry.field(description="The boards to which they came by a join code, the newest first.")
    async def visits(self, info: Info) -> list[Visit]:
        return [project(visit) for visit in await visitors.of_viewer(info.context)]

    @strawberry.field(description="When this sign-in ends by itself; null for a kiosk and a visitor.")
    def signed_in_until(self, info: Info) -> datetime | None:
        return info.context.sign_in.expires_at if info.context.sign_in else None


@strawberry.type(description="A new sign-in, or why there is none.")
class SignInPayload(Payload):
    token: str | None = strawberry.field(
        default=None,
        description="For the header `Authorization: Bearer …`. Told once; null when a cookie was asked for.",
    )
    account: Account | None = strawberry.field(
        default=None, description="Whose sign-in it is; null for an attendee without one."
    )
    expires_at: datetime | None = strawberry.field(default=None, description="When it ends by itself.")


@strawberry.type(description="That a link is on its way if there is such an account, or why none can be.")
class RequestSignInLinkPayload(Payload):
    pass


@strawberry.input(description="Who signs in.")
class SignInInput:
    email: str = plain("The account's e-mail address.")
    password: str = plain("The account's password.")
    cookie: bool = strawberry.field(
        default=False, description="Keep the sign-in in a cookie that scripts cannot read, instead of telling a token."
    )


@strawberry.input(description="A new account.")
class SignUpInput:
    token: str = plain("The token of the invitation.")
    name: str = plain("What to be called; at most 100 characters.")
    password: str = plain("Between 10 and 200 characters.")


@strawberry.input(description="A new password for an old one.")
class ChangePasswordInput:
    current_password: str = plain("The password until now.")
    new_password: str = plain("Between 10 and 200 characters.")


Keep = Callable[[str], None]


def keeper(info: Info, *, is_asked: bool) -> Keep | None:
    """What keeps a token in a cookie, if that is asked for."""
    keep = info.context.set_cookie if is_asked else None
    if is_asked and keep is None:
        raise Invalid(Flaw("A cookie can be kept over HTTP only.", ("input", "cookie")))
    return keep


def signed_in(begun: accounts.Begun, keep: Keep | None = None) -> SignInPayload:
    """The token is told, or kept."""
    if keep is not None:
        keep(begun.token)
    return SignInPayload(
        token=begun.token if keep is None else None,
        account=project(begun.account) if isinstance(begun, accounts.Started) else None,
        expires_at=begun.sign_in.expires_at,
    )


@strawberry.type
class AccountMutations:
    @mutation("Sign in with e-mail and password.", once=False)
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:
        keep = keeper(info, is_asked=input.cookie)
        return signed_in(await accounts.sign_in(info.context, email=input.email, password=input.password), keep)

    @mutation(
        "Ask for a link by mail that signs in once, within 15 minutes, by `signInWithLink`. "
        "The answer is the same whether or not there is such an account.",
        once=False,
    )
    async def request_sign_in_link(self, info: Info, email: str, locale: str | None = None) -> RequestSignInLinkPayload:
        await links.request(info.context, email=email, locale=locale)
        return RequestSignInLinkPayload()

    @mutation("Make an account from an invitation, and sign in.", once=False)
    async def sign_up(self, info: Info, input: SignUpInput) -> SignInPayload:
        started = await invitations.sign_up(info.context, token=input.token, name=input.name, password=input.password)
        return signed_in(started)

    @mutation("End this sign-in; its open sockets close.")
    async def sign_out(self, info: Info) -> Account:
        account = await accounts.sign_out(info.context)
        info.context.take_cookie()
        return project(account)

    @mutation("End every sign-in of the account.")
    async def sign_out_everywhere(self, info: Info) -> Account:
        account = await accounts.sign_out_everywhere(info.context)
        info.context.take_cookie()
        return project(account)

    @mutation("Change the password; every other sign-in ends.")
    async def change_password(self, info: Info, input: ChangePasswordInput) -> Account:
        changed = await accounts.change_password(info.context, current=input.current_password, new=input.new_password)
        return Account.of(changed)


@strawberry.type
class AccountQueries:
    @strawberry.field(description="Whoever is asking; null for nobody.")
    def viewer(self, info: Info) -> Viewer | None:
        return Viewer() if info.context.viewer != NOBODY else None
