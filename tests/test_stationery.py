"""Stationery: what is in a letter, in which language, and what people cannot put into it."""

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from jinja2 import UndefinedError
from jinja2.meta import find_undeclared_variables

from models import Letter
from resolvers import stationery
from resolvers.letters import OCCASIONS
from resolvers.stationery import FACT_MOST, HERE, SUBJECT_MOST, Letterhead, nearest

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEMPLATES = sorted(file.name.removesuffix(".j2") for file in HERE.glob("*.*.j2"))
INVITATION = {
    "inviter": "Ann",
    "network": "Halden",
    "community": "",
    "token": "plenary_invitation_secret",
    "expires_at": AT.isoformat(),
}


def letter(template: str = "invitation", locale: str = "en", email: str = "ann@example.com") -> Letter:
    return Letter(id=UUID(int=1), template=template, locale=locale, email=email, created_at=AT, due_at=AT)


def parts(message: EmailMessage) -> tuple[str, str]:
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert page is not None
    return text.get_content(), page.get_content()


def invitation(app_url: str = "", locale: str = "en", **facts: Any) -> tuple[EmailMessage, str, str]:
    message = stationery.written(Letterhead(app_url=app_url), letter(locale=locale), INVITATION | facts)
    return message, *parts(message)


def facts_of(template: str) -> dict[str, Any]:
    """Something for whatever it asks for."""
    environment = stationery._environment(is_page=True)
    names = find_undeclared_variables(environment.parse((HERE / f"{template}.j2").read_text()))
    return {name: AT.isoformat() if name.endswith("_at") else "UTC" for name in names - {"link", "locale"}}


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("app_url", ["", "https://app.example.com"])
def test_each_letter_has_a_subject_a_text_and_a_page_in_its_language(template: str, app_url: str) -> None:
    name, locale = template.split(".")
    message = stationery.written(Letterhead(app_url=app_url), letter(name, locale), facts_of(template))
    assert message["Content-Language"] == locale
    text, page = parts(message)
    assert message["Subject"].strip()
    assert text.strip()
    assert f'<html lang="{locale}">' in page
    assert "\n\n\n" not in text
    assert re.search(r"(?:src|href)=\"(?!https://app\.example\.com/)", page) is None, "it loads nothing, and leads home"


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_letter_is_there_in_english_for_an_occasion(template: str) -> None:
    name = template.split(".", maxsplit=1)[0]
    assert f"{name}.en" in TEMPLATES
    assert name in OCCASIONS


@pytest.mark.parametrize("name", OCCASIONS)
def test_each_occasion_has_its_letter(name: str) -> None:
    assert f"{name}.en" in TEMPLATES


@pytest.mark.parametrize(
    ("asked", "spoken"), [("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("fr", "en"), ("", "en"), ("../x", "en")]
)
def test_a_language_that_is_not_spoken_is_english(asked: str, spoken: str) -> None:
    assert nearest(asked) == spoken


def test_a_letter_that_is_not_translated_is_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    message = stationery.written(Letterhead(), letter(locale="fr"), INVITATION)
    assert message["Subject"] == "Ann invites you to Halden"


def test_in_german() -> None:
    message, text, page = invitation(locale="de")
    assert message["Subject"] == "Ann lädt Sie zu Halden ein"
    assert "02.03.2026, 09:00 UTC" in text
    assert "02.03.2026, 09:00 UTC" in page


def test_a_secret_in_an_address_stands_where_browsers_keep_it_to_themselves() -> None:
    _, text, page = invitation("https://app.example.com/")
    url = "https://app.example.com/invitation#plenary_invitation_secret"
    assert url in text
    assert f'href="{url}"' in page


@pytest.mark.parametrize("name", ["inviter", "network", "community"])
@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\x00"])
def test_nobody_puts_a_header_into_a_letter(name: str, breaks: str) -> None:
    evil = f"Eve{breaks}Bcc: victim@example.com{breaks}{breaks}<html>"
    message, text, _ = invitation(**{name: evil})
    assert message["Bcc"] is None
    raw = message.as_bytes()
    assert re.search(rb"^Bcc:", raw, re.MULTILINE) is None
    assert re.search(r"^Bcc:", text, re.MULTILINE) is None


def test_what_people_write_is_no_encoded_word_in_a_header() -> None:
    message, _, _ = invitation(inviter="ö =?utf-8?q?=E2=80=AE=0A?=", network="=?utf-8?q?=FF=FE?=")
    assert message["Subject"] == "ö = ?utf-8?q?=E2=80=AE=0A?= invites you to = ?utf-8?q?=FF=FE?="
    assert message.as_bytes().isascii()


def test_a_header_names_whom_the_letter_is_for_and_nobody_else() -> None:
    with pytest.raises(ValueError, match="somebody else"):
        stationery.written(Letterhead(), letter(email="=?utf-8?q?bob?=@example.com"), INVITATION)


def test_what_people_write_is_no_markup() -> None:
    evil = '<img src=x onerror=alert(1)>"&'
    _, text, page = invitation(inviter=evil, network="{{ token }}")
    assert "<img" not in page
    assert "&lt;img" in page
    assert evil in text
    assert "“{{ token }}”" in text


def test_what_people_write_is_bounded_and_seen() -> None:
    message, text, page = invitation(inviter="x" * 10_000, network="a\u202eb\u200bc")
    assert len(message["Subject"]) <= SUBJECT_MOST
    for one in (text, page):
        assert "x" * FACT_MOST not in one
        assert "a b c" in one


def test_what_is_missing_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(UndefinedError):
        stationery.written(Letterhead(), letter(), {"inviter": "Ann"})


def test_the_same_letter_is_the_same_to_the_byte() -> None:
    one, other = (stationery.written(Letterhead(), letter(), INVITATION).as_bytes() for _ in range(2))
    assert one == other
    assert all(len(line) <= 998 for line in one.splitlines())
    assert one.isascii()


@pytest.mark.parametrize(
    ("email", "to"), [("ann@bücher.example", "ann@xn--bcher-kva.example"), ("jörg@example.com", "jörg@example.com")]
)
def test_addresses_in_any_script(email: str, to: str) -> None:
    message = stationery.written(Letterhead(), letter(email=email), INVITATION)
    assert message["To"].addresses[0].addr_spec == to
    assert message.as_bytes()


def test_a_moment_is_told_in_the_zone_that_is_named() -> None:
    facts = {"title": "T", "network": "N", "zone": "Europe/Brussels", "task": "t"} | {"due_at": AT.isoformat()}
    message = stationery.written(Letterhead(), letter("task_due"), facts)
    assert "2026-03-02 10:00 CET" in parts(message)[0]
    assert message["Date"].datetime - AT == timedelta()
