"""Digests to split, made from a few words."""

from collections.abc import Iterable, Sequence

from traitlens.digest import Digest
from traitlens.records import Token, Trait


def token(
    number: int, traits: Sequence[tuple[str, str]], *, pixels: int | None = None, kept: bool = True
) -> Token:
    """Return a token with these traits; `pixels` names its picture, by default its own."""
    return Token(
        token_uid=f"t{number}",
        collection="c",
        token_id=str(number),
        traits=tuple(Trait(kind, value) for kind, value in traits),
        caption="",
        pixels_sha256=f"{(number if pixels is None else pixels) + 1:064x}"[::-1],
        status="kept" if kept else "rejected",
    )


def hats(count: int) -> list[Token]:
    """Return tokens that have nothing in common."""
    return [token(number, [("Hat", f"hat {number}")]) for number in range(count)]


def digest(tokens: Iterable[Token]) -> Digest:
    return Digest.of(tokens)
