"""GraphiQL without the internet: our page, GraphiQL's own files from an installed package, and ready tabs."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from web.tabs import ready_tabs

HERE = Path(__file__).parent
# Only its files are taken: Starlette finds the package without importing it, and so without Django.
PACKAGE = ("graphene_django_graphiql_static", "static/graphene_django_graphiql_static")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def routes(demo: Path) -> list[BaseRoute]:
    """For development only: the tabs tell the tokens of the demo."""

    async def home(_request: Request) -> RedirectResponse:
        return RedirectResponse("graphiql")

    async def page(_request: Request) -> FileResponse:
        return FileResponse(HERE / "graphiql.html", headers=HEADERS)

    def tabs(_request: Request) -> JSONResponse:
        return JSONResponse({"tabs": ready_tabs(demo)}, headers=HEADERS)

    return [
        Route("/", home),
        Route("/graphiql", page),
        Route("/graphiql/tabs.json", tabs),
        Mount("/graphiql/assets", StaticFiles(directory=HERE / "assets")),
        Mount("/graphiql/package", StaticFiles(packages=[PACKAGE])),
    ]
