import pytest

from tests.helpers import ColourEncoder, drawn_dataset
from traitlens.embedding import Embedded
from traitlens.evaluation import FreeTextQuery, embed_beside
from traitlens.reporting import Report, measure_report
from traitlens.store import Dataset


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two collections, of which 40 and 30 tokens are for testing."""
    return drawn_dataset(tmp_path_factory.mktemp("drawn") / "data", {"robots": 400, "owls": 300})


@pytest.fixture(scope="session")
def found(drawn: Dataset) -> list[Embedded]:
    """The test tokens to a perfect encoder and to the baselines."""
    return embed_beside(
        ColourEncoder(),
        drawn,
        split="test",
        baselines=True,
        against=[],
        max_gallery=None,
        seed=0,
        progress=lambda *_: None,
    )


@pytest.fixture(scope="session")
def report(found: list[Embedded]) -> Report:
    """All that can be measured, with two queries and one about tokens that are not there."""
    asked = [("robots", "9"), ("owls", "19"), ("cats", "1")]
    queries = [
        FreeTextQuery(collection=name, token_id=number, query="a shiny red hat", where="here:1")
        for name, number in asked
    ]
    return measure_report(found, queries=queries)
