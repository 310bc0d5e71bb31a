"""Rules of the house that no linter knows."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("schema", "resolvers", "realtime", "models")
PRODUCT = ("server.py", "settings.py", "commands", *FLOORS)
VAGUE = {"utils", "helpers", "common", "services", "managers", "core"}
MACHINERY = {
    "__init__",
    "base",
    "clock",
    "context",
    "errors",
    "limits",
    "live",
    "paging",
    "problems",
    "queues",
    "reports",
    "search",
}
NOT_OURS = {".git", ".venv", "build", "dist", "node_modules", "var"}
REGISTRIES = [
    ".".join(labels)
    for labels in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("docker", "io"),
    ]
]


def modules(*places: str) -> list[Path]:
    """The Python files at these places, as paths from the root, in a stable order."""
    found = [file for place in places for file in (ROOT / place).rglob("*.py")]
    found += [ROOT / place for place in places if place.endswith(".py") and (ROOT / place).is_file()]
    return sorted(file.relative_to(ROOT) for file in found)


def nouns(floor: str) -> set[str]:
    """The names of a floor's modules and packages."""
    return {module.relative_to(floor).parts[0].removesuffix(".py") for module in modules(floor)}


def tree() -> Iterator[Path]:
    """Every file of the project, whether or not git knows it."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            name for name in folders if name not in NOT_OURS and not name.endswith(("_cache", "cache__", ".egg-info"))
        ]
        yield from (Path(folder, name) for name in files)


def lines_with(pattern: str, *places: str) -> list[str]:
    return [
        f"{module}: {line.strip()}"
        for module in modules(*places)
        for line in (ROOT / module).read_text().splitlines()
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize("module", modules(*PRODUCT, "tests"), ids=str)
def test_a_file_has_at_most_400_lines(module):
    assert len((ROOT / module).read_text().splitlines()) <= 400


@pytest.mark.parametrize("module", modules(*PRODUCT), ids=str)
def test_a_module_begins_with_one_sentence(module):
    source = (ROOT / module).read_text()
    if module.name == "__init__.py" and not source:
        return
    docstring = ast.get_docstring(ast.parse(source)) or ""
    opening = docstring.partition("\n\n")[0]
    assert opening.endswith((".", "?", "!")), "a sentence has an end"
    assert re.search(r"[.?!]\s+[A-Z]", opening) is None, "one sentence, then a blank line"


def test_no_module_has_a_name_that_says_nothing():
    named = {module: {module.stem, *module.parent.parts} for module in modules(*PRODUCT, "tests")}
    assert [module for module, names in named.items() if names & VAGUE] == []


def test_a_noun_has_the_same_word_on_every_floor():
    assert (nouns("resolvers") & nouns("schema")) - MACHINERY <= nouns("models")


def test_commit_is_called_in_one_place():
    assert [line.partition(":")[0] for line in lines_with(r"\.commit\(", *PRODUCT)] == ["models/database.py"]


def test_the_environment_is_read_through_the_settings():
    assert lines_with(r"\bos\.(environ|getenv)\b|\bimport (environ|getenv)\b", "commands", *FLOORS) == []


def test_the_server_knows_no_commands():
    assert lines_with(r"^\s*(from|import) commands\b", "server.py", "settings.py") == []


def test_the_lock_file_names_versions_and_hashes_only():
    lock = (ROOT / "requirements.txt").read_text()
    assert "://" not in lock
    assert [line for line in lock.splitlines() if line.startswith("-")] == []


def test_no_file_names_a_registry():
    hosts = re.compile("|".join(map(re.escape, REGISTRIES)).encode())
    assert [file.relative_to(ROOT) for file in tree() if hosts.search(file.read_bytes())] == []
