"""Content negotiation: what a client accepts, and which of our types it gets."""

import pytest

from schema import media
from schema.media import GRAPHQL, JSON, STREAM

RELAY = f"{GRAPHQL}, {JSON};q=0.9"
URQL = f"{GRAPHQL}, application/graphql+json, {JSON}, {STREAM}, multipart/mixed"


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (RELAY, GRAPHQL),
        (URQL, GRAPHQL),
        (f"{JSON};q=0.9, {GRAPHQL};q=0.8", JSON),
        (f"{GRAPHQL};q=0, */*", JSON),
        (f"{JSON};q=0, */*;q=0.1", GRAPHQL),
        (f"{GRAPHQL.upper()} ; Q=0.5", GRAPHQL),
        (f"{GRAPHQL};charset=utf-8", GRAPHQL),
        (f"{JSON};q=none", JSON),
        (f"{JSON};q=nan, {GRAPHQL};q=0.5", JSON),
        (f"{JSON};q=2, {GRAPHQL}", GRAPHQL),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        (STREAM, None),
        ("text/html", None),
        ("*/*;q=0", None),
        (f"{JSON};q=0", None),
        (", ,", None),
        (";;;", None),
    ],
)
def test_the_answer_has_the_type_that_the_client_likes_best(header: str | None, answer: str | None):
    assert media.response_type(media.ranges(header)) == answer


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (STREAM, True),
        (URQL, True),
        (f"{STREAM}, {JSON};q=0.5", True),
        (f"{STREAM};q=0.5, {JSON}", False),
        (f"{STREAM};q=0", False),
        ("*/*", False),
        ("text/*", False),
        (f"{STREAM};q=nan, {JSON};q=0.5", True),
        (None, False),
    ],
)
def test_a_stream_is_wanted_where_it_is_named_and_nothing_is_liked_more(header: str | None, wanted: bool):
    assert media.wants_stream(media.ranges(header)) is wanted
