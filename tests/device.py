"""A client that signs in: it has an address, and remembers the token that it was given."""

from typing import Any

from models import SignIn
from resolvers.context import ViewerKind
from schema.context import Context
from server import Service
from tests.client import Client
from tests.world import PASSWORD, Person, World

SIGN_IN = """mutation ($email: String!, $password: String!) {
  signIn(input: {email: $email, password: $password}) {
    token expiresAt account { id email displayName } problems { code message retryAfter field rule }
  }
}"""
WRONG = "not the password"


class Device(Client):
    """A client at an address, which remembers the token that it was given."""

    row: SignIn | None = None
    kind: ViewerKind | None = None
    token = ""

    def __init__(self, service: Service, address: str = "192.0.2.1") -> None:
        super().__init__(service)
        self.address = address

    def context(self) -> Context:
        context = super().context()
        context.address, context.sign_in, context.token = self.address, self.row, self.token
        context.token_kind = self.kind
        return context

    async def try_to_sign_in(self, email: str, password: str = WRONG) -> Any:
        return await self.payload(SIGN_IN, email=email, password=password)

    async def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.token = (await self.do(SIGN_IN, email=email, password=password))["token"]
        await self.come_back()

    async def come_back(self) -> None:
        """Ask the door anew who the token speaks for."""
        context = self.context()
        await context.sign_in_with(self.token)
        self.viewer, self.row, self.kind = context.viewer, context.sign_in, context.token_kind


async def signed_in(world: World, person: Person, address: str = "192.0.2.1") -> Device:
    device = Device(world.service, address)
    await device.sign_in(person.account.email)
    return device


async def code_of(device: Device, email: str, password: str = WRONG) -> str:
    payload = await device.try_to_sign_in(email, password)
    return str(payload["problems"][0]["code"]) if payload["problems"] else "OK"
