import pytest

from tests.helpers import drawn_dataset
from traitlens.store import Dataset


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two collections, of which 40 and 30 tokens are for testing."""
    return drawn_dataset(tmp_path_factory.mktemp("drawn") / "data", {"robots": 400, "owls": 300})
