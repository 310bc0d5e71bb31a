"""What we measure ourselves against: stock Strawberry and bare Starlette, behind the same server.

python -m bench.references strawberry|starlette
"""

import asyncio
import socket
import sys

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache


@strawberry.type
class Viewer:
    @strawberry.field
    def signed_in_until(self) -> str | None:
        return None


@strawberry.type
class Query:
    @strawberry.field
    async def viewer(self) -> Viewer | None:
        return None


async def bare(_request: Request) -> JSONResponse:
    return JSONResponse({"data": {"viewer": None}})


def strawberry_app() -> Starlette:
    caches = [lambda: ParserCache(maxsize=200), lambda: ValidationCache(maxsize=200)]
    schema = strawberry.Schema(query=Query, extensions=caches)
    return Starlette(routes=[Route("/graphql", GraphQL(schema, graphql_ide=None))])


def starlette_app() -> Starlette:
    return Starlette(routes=[Route("/graphql", bare, methods=["POST"])])


async def main() -> None:
    app = {"strawberry": strawberry_app, "starlette": starlette_app}[sys.argv[1]]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        await uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).serve([listener])


if __name__ == "__main__":
    if sys.platform != "win32":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
