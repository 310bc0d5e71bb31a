"""Markup that others wrote: only what is harmless is kept, and it is cleaned before it is stored."""

import html

import nh3

TAGS = {
    *("p", "br", "hr", "em", "strong", "b", "i", "u", "s", "sub", "sup", "code", "pre", "blockquote", "a"),
    *("ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
SCHEMES = {"http", "https", "mailto"}


def sanitised(text: str) -> str:
    """Text and its structure. No pictures: they would tell a stranger's server who reads."""
    return nh3.clean(text, tags=TAGS, attributes={"a": {"href"}}, url_schemes=SCHEMES).strip()


def as_text(markup: str) -> str:
    """The words alone."""
    return html.unescape(nh3.clean(markup, tags=set())).strip()


def cut(text: str, most: int) -> str:
    """At most so many characters; where some are missing, an ellipsis says so."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
