"""Settings: what the documents say of them is what the code does, and what makes no sense is refused by name."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from commands.settings import flaws
from resolvers.budgets import Budget
from resolvers.caps import Most
from schema import cost, limits, validation
from server import Settings

ROOT = Path(__file__).parent.parent
LIMITS = (ROOT / "docs" / "limits.md").read_text()
PAGES = (ROOT / "README.md").read_text() + LIMITS + (ROOT / "docs" / "operating.md").read_text()
PAGES += (ROOT / "docs" / "letters.md").read_text()
# Those that have no default to speak of, and what is said instead.
INSTEAD = {
    "broker_url": "the database itself if it is PostgreSQL, else `memory://`",
    "secret_key": "made on first use",
    "trusted_addresses": "none",
    "join_url": "none",
    "app_url": "none",
    "smtp_url": "none",
    "mail_from": "none",
    "allowed_origins": "none",
    "metrics_token": "none",
    "otlp_endpoint": "none",
    "log_format": "`json` in production, `console` in development",
    "log_level": "`info` in production, `warning` in development",
}


def documented() -> dict[str, str]:
    """Each setting with its default, as the tables say."""
    rows = re.findall(r"^\| `PLENARY_(\w+)` \| ([^|]+) \|", PAGES, re.MULTILINE)
    assert len(dict(rows)) == len(rows), "said twice"
    plain = {name.lower(): default.strip() for name, default in rows}
    return {name: text if name in INSTEAD else text.strip("`") for name, text in plain.items()}


def written(default: Any) -> str:
    return ":".join(map(str, default)) if isinstance(default, tuple) else str(default)


def test_every_setting_is_documented_with_its_default() -> None:
    real = {name: INSTEAD.get(name) or written(field.default) for name, field in Settings.model_fields.items()}
    assert documented() == real


def test_what_is_documented_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, default in documented().items():
        if name not in INSTEAD:
            monkeypatch.setenv(f"PLENARY_{name.upper()}", default)
    fields = Settings.model_fields
    assert Settings().model_dump(exclude=set(INSTEAD)) == {
        name: fields[name].default for name in fields if name not in INSTEAD
    }


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("sockets", "3:4", Most(3, 4)),
        ("requests", "0:0", Most(0, 0)),
        ("budget_guest", "5:1", Budget(5, 1)),
        ("budget_guest", "0", Budget(0, 0)),
        ("operation_timeout", "0", 0),
        ("statement_timeout", "2.5", 2.5),
    ],
)
def test_what_settings_mean(monkeypatch: pytest.MonkeyPatch, name: str, value: str, meant: Any) -> None:
    monkeypatch.setenv(f"PLENARY_{name.upper()}", value)
    assert getattr(Settings(), name) == meant


@pytest.mark.parametrize("name", ["sockets", "live_operations", "streams", "requests"])
@pytest.mark.parametrize("value", ["", "5", "5:", "a:b", "-1:5", "5:5:5", "٣:٤", "5: 5", "99999999999:1"])
def test_a_cap_that_is_no_cap_is_refused_with_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"PLENARY_{name.upper()}", value)
    assert refusal() == [
        f"PLENARY_{name.upper()}: must be two numbers: of one account, from one address, as in 100:10000"
    ]


@pytest.mark.parametrize("name", ["anonymous", "guest", "member", "integration"])
@pytest.mark.parametrize("value", ["", "5", "5:0", "0:5", "0:0", "5:1:1", "-5:1", "1e3:5", "2147483648:1", "٣:٤"])
def test_a_budget_that_is_no_budget_is_refused_with_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"PLENARY_BUDGET_{name.upper()}", value)
    (told,) = refusal()
    assert told.startswith(f"PLENARY_BUDGET_{name.upper()}: must be two numbers")
    assert "10000:500" in told


@pytest.mark.parametrize("value", ["-1", "soon", "4000", "nan", "inf"])
def test_a_time_out_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PLENARY_OPERATION_TIMEOUT", value)
    (told,) = refusal()
    assert told.startswith("PLENARY_OPERATION_TIMEOUT: ")


def refusal() -> list[str]:
    with pytest.raises(ValidationError) as error:
        Settings()
    return flaws(error.value)


def test_the_limits_of_documents_are_as_documented() -> None:
    numbers = re.findall(r"^\| ([\d,]+) \|", LIMITS, re.MULTILINE)
    assert [int(number.replace(",", "")) for number in numbers] == [
        limits.TOKENS,
        limits.OPERATIONS,
        limits.DEPTH,
        limits.NESTING,
        limits.ROOT_FIELDS,
        limits.FIELDS,
        limits.SELECTIONS,
        limits.ALIASES,
        limits.DIRECTIVES,
        limits.SPREADS,
        limits.LIST,
        limits.VALUES,
        validation.COMPARISONS,
    ]
    assert validation.ERRORS == 10


def test_the_points_are_as_documented() -> None:
    points = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", LIMITS.partition("## Points")[2], re.MULTILINE))
    assert points["a mutation"].startswith(f"{cost.MUTATION},")
    assert points["a subscription"].startswith(f"{cost.SUBSCRIPTION},")
    assert points["`__schema`, `__type`"] == f"{cost.INTROSPECTION:,}"
    assert points["any other list"].startswith(f"what is selected, times {cost.LISTED};")
    assert points["a report"] == str(cost.WEIGHTS["Query.conferenceReport"])
    assert points["`export` of a board, `ics` of a schedule"] == str(cost.WEIGHTS["Schedule.ics"])
    (free,) = (what for what in points if "joinBoard" in what)
    assert set(re.findall(r"`(\w+)`", free)) == cost.FREE
