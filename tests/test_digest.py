"""A collection's digest keeps what judging it needs."""

from dataclasses import replace

import numpy as np

from tests.helpers import drawn_token, rejected_token
from traitlens.digest import Digest, key_of
from traitlens.records import Trait

RED, BLUE, PIN = Trait("Hat", "Red"), Trait("Hat", "Blue"), Trait("Pin", "Star")


def test_a_row_keeps_its_traits_in_order_and_its_keys() -> None:
    first = replace(drawn_token("apes", 0), traits=(BLUE, RED), perceptual_hash="00000000000000ff")
    second = replace(drawn_token("apes", 1), traits=(RED, PIN, PIN))
    digest = Digest.of([first, second, rejected_token("apes", 2)])
    assert len(digest) == 3
    assert digest.kept.tolist() == [True, True, False]
    assert digest.reasons == (None, None, "broken picture")
    assert [digest.vocabulary[number] for number in digest.traits_of(1)] == [RED, PIN, PIN]
    assert digest.uid_keys[0] == key_of(first.token_uid)
    assert int(digest.media_keys[0]) == int((first.sha256 or "")[:16], 16)
    assert digest.perceptual.tolist() == [255, 0, 0]


def test_a_trait_counts_once_a_kept_token() -> None:
    tokens = [
        replace(drawn_token("apes", 0), traits=(RED, PIN, PIN)),
        replace(drawn_token("apes", 1), traits=(BLUE, PIN)),
        replace(rejected_token("apes", 2), traits=(RED,)),
    ]
    digest = Digest.of(tokens)
    counts = dict(zip(digest.vocabulary, digest.trait_counts().tolist(), strict=True))
    assert counts == {RED: 1, PIN: 2, BLUE: 1}


def test_equal_sets_of_traits_have_one_key_whatever_their_order() -> None:
    rows = [(RED, PIN), (PIN, RED), (RED, PIN, PIN), (BLUE, PIN), ()]
    tokens = [replace(drawn_token("apes", n), traits=traits) for n, traits in enumerate(rows)]
    keys = Digest.of(tokens).trait_set_keys()
    assert keys[0] == keys[1]
    assert len(set(keys.tolist())) == 4


def test_a_digest_of_nothing_is_empty() -> None:
    digest = Digest.of([])
    assert len(digest) == 0
    assert digest.trait_counts().dtype == np.int64
    assert digest.trait_counts().size == digest.trait_set_keys().size == 0
