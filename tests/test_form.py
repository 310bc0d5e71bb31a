"""The form of input: all that is wrong is said at once, by the path of the argument."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from resolvers.errors import Invalid
from resolvers.form import Form, form


def flaws(check) -> list[tuple[str, ...]]:
    """The fields that a check finds fault with."""
    try:
        with form() as checks:
            check(checks)
    except Invalid as invalid:
        return [flaw.field for flaw in invalid.flaws]
    return []


@pytest.mark.parametrize(
    ("value", "least", "is_good"),
    [
        ("x", 1, True),
        (" x ", 1, True),
        ("", 1, False),
        (" \n\t", 1, False),
        ("", 0, True),
        ("xxxxx", 1, True),
        ("xxxxxx", 1, False),
        (" xxxxx ", 1, True),
        ("x", 2, False),
        ("a\x00b", 1, False),
        ("a\ud83db", 1, False),
        ("\U0001f600" * 5, 1, True),
    ],
    ids=ascii,
)
def test_a_text_has_a_length_and_only_what_can_be_stored(value: str, least: int, is_good: bool):
    assert flaws(lambda check: check.text("title", value, most=5, least=least)) == (
        [] if is_good else [("input", "title")]
    )


def test_a_text_comes_back_without_the_white_space_around_it():
    assert Form().text("title", " a  b\n", most=5) == "a  b"


def test_tags_come_back_in_lower_case_sorted_and_each_once():
    assert Form().tags("tags", ["Water", " acme", "WATER ", "two\n words", "two  words"]) == [
        "acme",
        "two words",
        "water",
    ]


@pytest.mark.parametrize(
    "values", [["x"] * 21, ["x" * 51], [""], ["a", " "], ["a\x00"], ["İ" * 26]], ids=lambda v: ascii(v)[:12]
)
def test_tags_that_are_too_many_or_not_of_the_form_are_refused(values: list[str]):
    assert set(flaws(lambda check: check.tags("tags", values))) == {("input", "tags")}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, None),
        (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC)),
        (datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 3, 2, 7, tzinfo=UTC)),
    ],
    ids=["none", "utc", "zone"],
)
def test_a_moment_comes_back_in_utc(value, stored):
    moment = Form().moment("dueAt", value)
    assert (moment, moment and moment.utcoffset()) == (stored, stored and timedelta(0))


@pytest.mark.parametrize(
    "value",
    [datetime(2026, 3, 2, 9), datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))],  # noqa: DTZ001
    ids=["no zone", "before the first year"],
)
def test_a_moment_has_a_time_zone_and_lies_within_time(value):
    assert flaws(lambda check: check.moment("dueAt", value)) == [("input", "dueAt")]


@pytest.mark.parametrize(
    ("value", "is_good"),
    [("ann@example.com", True), ("Ann@Example.COM", True), ("ann", False), ("", False), ("a@b@c.de", False)],
)
def test_an_address_has_the_form_of_one(value: str, is_good: bool):
    assert flaws(lambda check: check.email("email", value)) == ([] if is_good else [("input", "email")])


def test_an_address_comes_back_in_lower_case():
    assert Form().email("email", "Ann@Example.COM") == "ann@example.com"


@pytest.mark.parametrize(("length", "is_good"), [(9, False), (10, True), (200, True), (201, False)])
def test_a_password_has_a_length_and_its_white_space_counts(length: int, is_good: bool):
    assert flaws(lambda check: check.password("password", " " * length)) == ([] if is_good else [("input", "password")])


def test_what_is_optional_is_checked_when_it_is_there():
    assert flaws(lambda check: check.optional(check.text, "title", None, most=1)) == []
    assert flaws(lambda check: check.optional(check.text, "title", "xx", most=1)) == [("input", "title")]


def test_all_that_is_wrong_is_said_at_once():
    def check(checks: Form) -> None:
        checks.text("title", "", most=5)
        checks.text("body", "x" * 6, most=5)
        checks.flaw("", "and in all")

    assert flaws(check) == [("input", "title"), ("input", "body"), ()]
