"""Records say who a token is."""

from traitlens.records import CollectionInfo, storable, token_uid


def test_a_token_of_a_contract_has_a_caip_19_identifier() -> None:
    info = CollectionInfo(name="punks", contract="0xBC4C", chain_id="eip155:137")
    assert token_uid(info, "7") == "eip155:137/erc721:0xbc4c/7"
    several = CollectionInfo(name="items", contract="0xBC4C", standard="erc1155")
    assert token_uid(several, "7") == "eip155:1/erc1155:0xbc4c/7"


def test_a_token_of_a_folder_has_an_identifier_of_the_same_shape() -> None:
    info = CollectionInfo(name="new_york ~1")
    assert token_uid(info, "a/b") == "local:files/folder:new%5Fyork%20%7E1/a%2Fb"


def test_a_lone_surrogate_becomes_storable() -> None:
    assert storable("a\ud800b") == "a?b"
