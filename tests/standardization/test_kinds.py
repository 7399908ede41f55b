"""What media are is read from their bytes."""

import pytest

from tests.standardization.samples import encoded, face, sample_media
from traitlens.standardization.kinds import kind_of

KINDS = {"svg/gzip": "svgz", "svg/data-uri": "data"}


@pytest.mark.parametrize("name", sorted(sample_media()))
def test_each_sample_is_known_by_its_bytes(name: str) -> None:
    assert kind_of(sample_media()[name]) == KINDS.get(name, name.partition("/")[0])


@pytest.mark.parametrize(
    "media",
    [
        b"",
        b"\x89PNG",
        b"plain text",
        b"<html><body>404</body></html>",
        b'{"image": "x"}',
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"%PDF-1.7",
        encoded(face(), "TIFF"),
    ],
)
def test_other_bytes_are_nothing_that_can_be_decoded(media: bytes) -> None:
    assert kind_of(media) is None
