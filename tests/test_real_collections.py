"""Real collections and odd metadata from the wild, where a folder with them is at hand.

They are no part of this repository: `TRAITLENS_SHARED`, or `../shared`, names the folder.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from traitlens.construction import rows
from traitlens.sources import open_sources, read_traits
from traitlens.standardization import StandardizeConfig
from traitlens.standardization.guard import GuardedStandardizer

SHARED = Path(os.environ.get("TRAITLENS_SHARED", Path(__file__).parents[2] / "shared"))
ZIPS = sorted(SHARED.glob("pfp/*.zip"))
DOCUMENTS = sorted(file for file in SHARED.glob("metadata-corpus/docs/**/*") if file.is_file())

needs_collections = pytest.mark.skipif(not ZIPS, reason=f"no collections in {SHARED}/pfp")
needs_documents = pytest.mark.skipif(not DOCUMENTS, reason=f"no {SHARED}/metadata-corpus")


@needs_collections
def test_the_first_and_last_tokens_of_every_collection_are_kept() -> None:
    with GuardedStandardizer(StandardizeConfig()) as guard:
        for collection in open_sources(ZIPS):
            ends = (*collection.found[:5], *collection.found[-5:])
            raw = (collection.read(found) for found in ends)
            tokens = list(rows(raw, collection.info, pictures=guard.pictures))
            assert len(tokens) == 10
            for token in tokens:
                assert token.status == "kept", (token.token_uid, token.reason)
                assert token.traits
                assert token.name or token.metadata


@needs_collections
def test_repeated_trait_types_of_cryptopunks_are_kept() -> None:
    (punks,) = open_sources([path for path in ZIPS if path.stem == "cryptopunks"])
    most = 0
    for found in punks.found[:200]:
        traits = read_traits(punks.read(found).metadata)
        assert not isinstance(traits, str)
        most = max(most, Counter(trait.trait_type for trait in traits)["Accessory"])
    assert most >= 4


@needs_documents
def test_every_odd_document_is_read_or_has_a_reason() -> None:
    outcomes: Counter[str] = Counter()
    for file in DOCUMENTS:
        try:
            metadata = json.loads(file.read_bytes())
        except ValueError:
            outcomes["broken JSON"] += 1
            continue
        traits = read_traits(metadata)
        outcomes[traits if isinstance(traits, str) else "read"] += 1
        for trait in () if isinstance(traits, str) else traits:
            assert trait.value.encode(), "every value can be stored as UTF-8"
    assert set(outcomes) <= {
        "read",
        "broken JSON",
        "no attributes",
        "metadata is no JSON object",
    }
    assert outcomes["read"] > len(DOCUMENTS) / 2
