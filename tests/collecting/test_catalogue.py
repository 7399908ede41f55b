"""The facts of NFT1000: what is shipped, how it is found, and a list of volumes."""

import re
from pathlib import Path

import pytest

from traitlens.collecting.catalogue import (
    by_name,
    by_size,
    by_volume,
    catalogue,
    find,
    in_split,
    search,
    suggestions,
)
from traitlens.collecting.volumes import Volumes, read_volumes
from traitlens.errors import CollectError

AZUKI = "0xed5af388653567af2f388e6224dc7c4b3241c544"


def test_every_collection_has_its_facts() -> None:
    entries = catalogue()
    assert len(entries) == 1000
    assert all(re.fullmatch("0x[0-9a-f]{40}", entry.contract) for entry in entries)
    assert all(re.fullmatch("[0-9a-f]{64}", entry.sha256) for entry in entries if entry.sha256)
    assert sum(entry.tokens for entry in entries) == 7_572_713
    assert sum(entry.supply for entry in entries) == 7_756_906


def test_what_is_odd_in_the_authors_lists_is_noted() -> None:
    entries = catalogue()
    assert [entry.name for entry in entries if entry.listed_twice] == ["UninterestedUnicorns"]
    unproven = [entry.name for entry in entries if entry.sha256 is None]
    assert unproven == ["UninterestedUnicorns", "Pluto2"]
    assert [entry.name for entry in entries if entry.also == "Etherbananas"] == ["Etherbanullas"]


def test_no_description_or_link_is_shipped() -> None:
    from importlib.resources import files

    text = files("traitlens.collecting").joinpath("nft1000.json").read_text(encoding="utf-8")
    assert "http" not in text
    assert max(len(word) for word in re.findall(r"\w+", text)) == 64  # the checksums


@pytest.mark.parametrize(
    "wanted",
    [
        "BoredApeYachtClub",
        "bored ape yacht-club",
        "0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D",
    ],
)
def test_a_collection_is_found_by_name_and_by_address_however_typed(wanted: str) -> None:
    entry = find(wanted)
    assert entry.name == "BoredApeYachtClub"
    assert (entry.tokens, entry.supply, entry.split) == (10_000, 10_000, "train")
    assert entry.sha256 == "ea1355ed1644a1c8d23b9cd1e5797570af9594c6a331223ae4f55ae9d13805b2"


def test_the_authors_other_name_for_a_collection_is_known() -> None:
    assert find("Etherbananas").name == "Etherbanullas"


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("azuky", "Azuki"),
        ("BoredApe", "BoredApeYachtClub"),
        ("moonbird", "Moonbirds"),
        ("CryptoPunk", "CRYPTOPUNKS"),
        ("yacht club", "Outside Yacht Club"),
    ],
)
def test_a_mistyped_name_gets_near_ones(typed: str, nearest: str) -> None:
    assert nearest in suggestions(typed)
    with pytest.raises(CollectError, match=f"'{typed}' is no collection .* mean .*'{nearest}'"):
        find(typed)


@pytest.mark.parametrize("typed", ["", "   ", "—", "qqqqqqqqqqqqqqq", "../../etc/passwd"])
def test_what_is_like_no_name_gets_told_where_the_names_are(typed: str) -> None:
    assert suggestions(typed) == ()
    with pytest.raises(CollectError, match="`traitlens collections` lists them"):
        find(typed)


def test_a_search_looks_into_names_and_contracts() -> None:
    assert [e.name for e in search("moonbirds", catalogue())] == [
        "Moonbirds",
        "Moonbirds Oddities",
        "AIMoonbirds",
        "Moonbirds2",
        "MoonbirdsMfers",
    ]
    assert [e.name for e in search("0xED5AF388", catalogue())] == ["Azuki"]


def test_a_search_that_finds_nothing_suggests_names() -> None:
    with pytest.raises(CollectError, match=r"no listed collection has 'azzuki' .* 'Azuki'"):
        search("azzuki", catalogue())
    with pytest.raises(CollectError, match="no listed collection has 'CloneX'"):
        search("CloneX", in_split("test", catalogue()))


def test_the_splits_are_the_authors() -> None:
    sizes = [len(in_split(split, catalogue())) for split in ("train", "validation", "test")]
    assert sizes == [800, 50, 150]


def test_the_catalogue_is_put_in_order_by_name_and_by_size() -> None:
    some = [find(name) for name in ("mfers", "Azuki", "Beanz", "BoredApeYachtClub")]
    assert [e.name for e in by_name(some)] == ["Azuki", "Beanz", "BoredApeYachtClub", "mfers"]
    # 19,950 first; the other three have 10,000 each and keep their order.
    assert [e.name for e in by_size(some)] == ["Beanz", "mfers", "Azuki", "BoredApeYachtClub"]


def test_the_catalogue_is_put_in_order_by_volume_and_what_has_none_is_left_out() -> None:
    volumes = {find("mfers").contract: 5.0, AZUKI: 7.0}
    assert [entry.name for entry in by_volume(catalogue(), volumes)] == ["Azuki", "mfers"]


def listed(path: Path, text: str) -> Volumes:
    path.write_text(text, encoding="utf-8")
    return read_volumes(path)


@pytest.mark.parametrize(
    "text",
    [
        f'{AZUKI},"1,234.5"\nmfers,7\n',
        "name,volume\nAzuki,1234.5\nmfers,7\n",
        "\ufeffVolume;Rank;Collection\r\n1234.5;1;azuki\r\n7;2;mfers\r\n",
        "\n\ncontract address\tsales volume\nAzuki\t1234.5\n\nmfers\t7",
    ],
)
def test_a_list_of_volumes_is_read_in_the_forms_that_it_comes_in(tmp_path: Path, text: str) -> None:
    volumes = listed(tmp_path / "volumes.csv", text)
    assert volumes.known == {AZUKI: 1234.5, find("mfers").contract: 7.0}
    assert volumes.unknown == {}


def test_collections_outside_nft1000_are_kept_apart_not_dropped(tmp_path: Path) -> None:
    volumes = listed(tmp_path / "volumes.csv", "Azuki,3\nSome New Apes,9\n")
    assert volumes.known == {AZUKI: 3.0}
    assert volumes.unknown == {"Some New Apes": 9.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Azuki,much\n", "line 1, has the volume 'much'; expected a number"),
        ("name,volume\nAzuki,-1\n", "line 2, has the volume '-1'"),
        ("Azuki,nan\n", "line 1, has the volume 'nan'"),
        ("Azuki,inf\n", "line 1, has the volume 'inf'"),
        ("Azuki;1.234,5\n", "line 1, has the volume '1.234,5'"),
        ("Azuki;12,34\n", "line 1, has the volume '12,34'"),
        ("Azuki,1_000\n", "line 1, has the volume '1_000'"),
        ("Azuki,.\n", "line 1, has the volume '.'"),
        (f"Azuki,1\n{AZUKI},2\n", f"line 2, has '{AZUKI}', which stands above already"),
        ("Azuki\n", "line 1, has 1 columns"),
        ("", "has no rows"),
        ("name,volume\n", "has no rows"),
        ('Azuki,"1\n', "is no CSV"),
    ],
)
def test_a_bad_list_of_volumes_is_refused_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(CollectError, match=said):
        listed(tmp_path / "volumes.csv", text)


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "volumes.csv").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(CollectError, match="is not UTF-8 text"):
        read_volumes(tmp_path / "volumes.csv")
