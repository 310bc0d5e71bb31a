"""The index: who listens to which topic, and nothing is left of whoever no longer does."""

import pytest

from realtime.index import Bells, Index
from realtime.topics import Topic

HERE, THERE, NOWHERE = Topic("here"), Topic("there"), Topic("nowhere")


def test_whoever_listens_to_any_of_the_topics_is_found_once():
    index: Index[str] = Index()
    index.add([HERE, THERE], "both")
    index.add([THERE], "one")
    assert index.of([HERE]) == {"both"}
    assert sorted(index.of([HERE, THERE, NOWHERE])) == ["both", "one"]
    assert index.of([NOWHERE]) == index.of([]) == set()


def test_asking_for_a_topic_leaves_nothing_behind():
    index: Index[str] = Index()
    index.of([NOWHERE])
    assert index.topics == {}


def test_whoever_leaves_one_topic_is_found_under_the_others():
    index: Index[str] = Index()
    index.add([HERE, THERE], "both")
    index.add([HERE], "other")
    index.discard([HERE], "both")
    assert (index.of([HERE]), index.of([THERE])) == ({"other"}, {"both"})


def test_a_topic_to_which_nobody_listens_is_forgotten():
    index: Index[str] = Index()
    index.add([HERE, THERE], "both")
    index.discard([HERE, THERE, NOWHERE], "both")
    index.discard([HERE], "both")
    assert index.topics == {}


def test_what_is_found_is_a_copy():
    """Whoever is told may leave meanwhile."""
    index: Index[str] = Index()
    index.add([HERE], "one")
    for listener in index.of([HERE]):
        index.discard([HERE], listener)
    assert index.topics == {}


def test_a_bell_is_rung_for_its_own_topics_and_put_away_also_after_a_failure():
    bells = Bells()

    def fail() -> None:
        with bells.listen([HERE]) as here, bells.listen([THERE]) as there:
            bells.ring([HERE, NOWHERE])
            assert (here.is_set(), there.is_set()) == (True, False)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert bells.topics == {}
