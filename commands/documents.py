"""Trusted documents: what clients may run by its id."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from commands import checks, settings
from commands.console import fail, say
from commands.means import lent
from models.documents import ID_MOST
from resolvers import documents
from resolvers.context import Context
from resolvers.errors import Conflict
from schema.documents import flaws
from schema.root import build
from server import Settings

BAD_INPUT = 2

app = typer.Typer(name="documents", help="Add, list and remove the documents that clients run by id.")
Files = Annotated[
    list[Path],
    typer.Argument(help="GraphQL documents, or JSON as Relay, Apollo or GraphQL Codegen write it.", exists=True),
]


@app.command()
def add(files: Files) -> None:
    """Trust documents. Each counts under the id of its file, if it has one there, and under its SHA-256."""
    known = settings.read()
    try:
        texts = {id: text for file in files for id, text in read(file).items()}
        asyncio.run(checks.demand(known))
        say(f"{asyncio.run(_add(known, texts))} of {len(texts)} ids are new.")
    except ValueError as error:
        fail(str(error), code=BAD_INPUT)
    except Conflict as conflict:
        fail(conflict.message)


@app.command("list")
def every() -> None:
    """Print the ids of all trusted documents, and how each begins."""
    for document_id, text in asyncio.run(_every(settings.read())):
        say(f"{document_id}  {' '.join(text.split())[:60]}")


@app.command()
def remove(ids: Annotated[list[str], typer.Argument(help="The ids to trust no longer.")]) -> None:
    """Trust documents no longer. Running servers know within ten seconds."""
    gone = asyncio.run(_remove(settings.read(), ids))
    if unknown := [id for id in ids if id not in gone]:
        fail(f"Not trusted anyway: {', '.join(unknown)}.")


async def _add(known: Settings, texts: Mapping[str, str]) -> int:
    async with lent(known) as means:
        return await documents.add(Context(means), texts)


async def _every(known: Settings) -> list[tuple[str, str]]:
    await checks.demand(known)
    async with lent(known) as means:
        return [(row.document_id, row.text) for row in await documents.every(Context(means))]


async def _remove(known: Settings, ids: list[str]) -> set[str]:
    await checks.demand(known)
    async with lent(known) as means:
        return await documents.remove(Context(means), ids)


def read(file: Path) -> dict[str, str]:
    """The documents of a file by id. Raises ValueError for what is no such file, or no document of this schema."""
    try:
        content = file.read_text()
        found = manifest(json.loads(content)) if file.suffix == ".json" else {documents.digest(content): content}
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"{file}: cannot be read: {error}") from error
    for id, text in found.items():
        if wrong := flaws(build(), text):
            raise ValueError(f"{file}: {id} is no document of this schema: {wrong[0]}")
    return found | {documents.digest(text): text for text in found.values()}


def manifest(content: Any) -> dict[str, str]:
    """Ids and texts: one object of them (Relay, GraphQL Codegen), or Apollo's list of operations."""
    if isinstance(content, dict) and content.get("format") == "apollo-persisted-query-manifest":
        content = {entry["id"]: entry["body"] for entry in content["operations"]}
    if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
        raise ValueError("neither an object of ids and documents nor a persisted query manifest")
    if odd := [id for id in content if not id or len(id) > ID_MOST]:
        raise ValueError(f"an id has 1 to {ID_MOST} characters: {odd[0][:20]}…")
    return content
