"""Stationery: what a letter looks like, in the reader's language, as text and as a page.

Each letter is a file, `<template>.<locale>.j2`, with three blocks: `subject`, `text` and `html`. English is what there
must be; another language is more such files, and what has none in it is written in English.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from email_validator import validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from models import Letter
from resolvers.form import ENCODED

ENGLISH = "en"
FACT_MOST, SUBJECT_MOST = 200, 150
HERE = Path(__file__).parent
AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}  # nobody's holiday notes come back


@dataclass(frozen=True)
class Letterhead:
    """What all letters have in common: who sends them, where their links lead, the language of those with no other."""

    sender: str = "Plenary <plenary@localhost>"
    app_url: str = ""
    locale: str = ENGLISH

    def link(self, path: str, secret: str = "") -> str:
        """A place in the front end; empty if nobody has said where that is.

        A secret stands behind a #: browsers keep that to themselves.
        """
        if not self.app_url:
            return ""
        return f"{self.app_url.rstrip('/')}/{path}" + (f"#{quote(secret, safe='')}" if secret else "")


def locales() -> frozenset[str]:
    """The languages in which there is anything."""
    return frozenset(file.name.split(".")[1] for file in HERE.glob("*.*.j2") if not file.name.startswith("layout"))


def nearest(locale: str) -> str:
    """The language of ours that comes nearest: `de` for `de-AT`, English for what we do not speak."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in locales() else ENGLISH


def sender(text: str) -> str:
    """Somebody who sends letters; ValueError if it is not one address, with a name before it or without."""
    header = EmailMessage(SMTP)
    try:
        header["From"] = text
        (one,) = header["From"].addresses
        validate_email(one.addr_spec, check_deliverability=False, test_environment=True)
        one.addr_spec.encode("ascii")  # others many servers refuse, and with it each letter
    except (ValueError, IndexError):
        raise ValueError("must be one address in ASCII, as in Plenary <plenary@example.com>") from None
    return text


def written(head: Letterhead, letter: Letter, facts: Mapping[str, Any]) -> EmailMessage:
    """The message. The same letter gives the same message each time, to the letter."""
    known = {name: line(value) if isinstance(value, str) else value for name, value in facts.items()}
    known |= {"link": head.link}
    email = validate_email(letter.email, check_deliverability=False)
    message = EmailMessage(SMTP if email.ascii_email else SMTPUTF8)
    message["From"] = head.sender
    message["To"] = to = email.ascii_email or email.normalized
    if [one.addr_spec for one in message["To"].addresses] != [to]:
        raise ValueError("the header would name somebody else")
    message["Subject"] = line(_block(letter, "subject", known).replace(ENCODED, "= ?"), SUBJECT_MOST)
    message["Date"] = format_datetime(letter.created_at)
    message["Message-ID"] = f"<{letter.id.hex}@{message['From'].addresses[0].domain}>"
    for name, value in AUTOMATIC.items():
        message[name] = value
    message.set_content(_block(letter, "text", known).strip() + "\n", cte="quoted-printable")
    page = _template(letter, is_page=True).render(known, locale=letter.locale)
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    message["Content-Language"] = letter.locale  # sooner it would be the text's alone
    message.set_boundary(letter.id.hex)
    return message


def line(text: str, most: int = FACT_MOST) -> str:
    """On one line, of bounded length, with nothing that is not seen: people write names and titles."""
    plain = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _block(letter: Letter, name: str, known: Mapping[str, Any]) -> str:
    template = _template(letter, is_page=False)
    return "".join(template.blocks[name](template.new_context(dict(known))))


def _template(letter: Letter, *, is_page: bool) -> Template:
    names = [f"{letter.template}.{locale}.j2" for locale in (letter.locale, ENGLISH)]
    return _environment(is_page=is_page).select_template(names)


@cache
def _environment(*, is_page: bool) -> Environment:
    """On a page everything is escaped that does not stand in a template. What is missing is an error, never a gap."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=is_page,  # noqa: S701 - the other one writes text, where nothing is markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    return environment


def _moment(value: str, zone: str = "UTC", form: str = "%Y-%m-%d %H:%M %Z") -> str:
    return datetime.fromisoformat(value).astimezone(ZoneInfo(zone)).strftime(form)
