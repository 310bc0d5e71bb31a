"""What a client carries for us is unreadable, and refused if altered."""

import pytest

from resolvers.cipher import BLOCK, NONCE, Cipher, from_text, to_text


@pytest.fixture
def cipher() -> Cipher:
    return Cipher("a secret")


def test_what_is_sealed_is_opened_for_the_same_purpose_only(cipher: Cipher):
    sealed = cipher.seal("feed", b"content")
    assert cipher.open("feed", sealed) == b"content"
    with pytest.raises(ValueError, match="not sealed here"):
        cipher.open("page", sealed)
    with pytest.raises(ValueError, match="not sealed here"):
        Cipher("another secret").open("feed", sealed)
    assert Cipher("a secret").open("feed", sealed) == b"content"


def test_equal_contents_do_not_look_equal(cipher: Cipher):
    sealed = [cipher.seal("feed", b"content") for _ in range(50)]
    assert len(set(sealed)) == 50
    assert len({one[:NONCE] for one in sealed}) == 50
    assert not any(b"content" in one for one in sealed)


def test_whatever_was_altered_is_refused(cipher: Cipher):
    sealed = cipher.seal("feed", b"content")
    altered = [sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :] for n in range(len(sealed))]
    cut = [sealed[:n] for n in range(len(sealed))]
    for one in [*altered, *cut, sealed + b"\0", b""]:
        with pytest.raises(ValueError, match=r".+"):
            cipher.open("feed", one)


@pytest.mark.parametrize("value", [None, "token", ["Topic", "ab", None], {"a": 1}, ["é", 1.5, True]], ids=repr)
def test_a_value_comes_back_as_it_was(cipher: Cipher, value):
    assert cipher.open_json("page", cipher.seal_json("page", value)) == value


def test_the_length_of_a_sealed_value_tells_little(cipher: Cipher):
    lengths = {len(cipher.seal_json("page", "x" * n)) for n in range(BLOCK - 2)}
    assert len(lengths) == 1
    assert {len(cipher.seal_json("page", "x" * n)) for n in range(BLOCK - 1, 2 * BLOCK - 2)} != lengths


def test_text_stands_for_bytes_and_fits_an_address(cipher: Cipher):
    for n in range(9):
        text = to_text(bytes(range(250, 250 - n, -1)))
        assert from_text(text) == bytes(range(250, 250 - n, -1))
        assert not set(text) & set("+/= ")


@pytest.mark.parametrize("text", ["a", "é", "not base 64!", "AAA=A", "\x00", "\ud800"], ids=ascii)
def test_other_text_is_refused(text: str):
    with pytest.raises(ValueError, match=r".+"):
        from_text(text)
