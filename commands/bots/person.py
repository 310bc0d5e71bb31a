"""A person at the API, as any client would be: a token, documents, answers."""

from typing import Any

import httpx

from commands.demo.record import SignIn

UNAUTHENTICATED = 401
SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token problems { message } } }"


class Refused(Exception):
    """The service said no."""


class Person:
    def __init__(self, http: httpx.AsyncClient, sign_in: SignIn) -> None:
        self._http = http
        self._sign_in = sign_in
        self._token = sign_in.token
        self.member_id = sign_in.member_id

    async def ask(self, document: str, **variables: Any) -> Any:
        """The data of a query."""
        answer = await self._post(document, variables)
        if answer.status_code == UNAUTHENTICATED:
            await self._sign_in_anew()
            answer = await self._post(document, variables)
        answer.raise_for_status()
        body = answer.json()
        if body.get("errors"):
            raise Refused(body["errors"][0]["message"])
        return body["data"]

    async def do(self, document: str, **variables: Any) -> Any:
        """The payload of a mutation."""
        (payload,) = (await self.ask(document, **variables)).values()
        if payload["problems"]:
            raise Refused(payload["problems"][0]["message"])
        return payload

    async def _post(self, document: str, variables: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return await self._http.post("/graphql", json={"query": document, "variables": variables}, headers=headers)

    async def _sign_in_anew(self) -> None:
        """A sign-in lasts a month; a demo may last longer."""
        self._token = ""
        wanted = {"email": self._sign_in.email, "password": self._sign_in.password}
        payload = await self.do(SIGN_IN, input=wanted)
        self._token = payload["token"]
