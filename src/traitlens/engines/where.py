"""The filter language of `--where`: which tokens may be answers at all.

>>> str(parse("collection=cryptopunks and not (hat=beanie or Hat='Cowboy Hat')"))
'collection=cryptopunks AND NOT (hat=beanie OR Hat="Cowboy Hat")'

A comparison is `name=value` or `name!=value`; `NOT` binds tighter than `AND`, and that tighter than
`OR`. Names are `collection`, `token_id` and the trait types. A token matches `Hat=Beanie` when any
of its hats is a beanie, and `Hat!=Beanie` when none is: also when it has no hat at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from traitlens.config import nearest
from traitlens.errors import QueryError

# These names mean a token's own fields, so a trait of such a type cannot be filtered by.
COLLECTION, TOKEN_ID = "collection", "token_id"
FIELDS = (COLLECTION, TOKEN_ID)

MAX_CHARACTERS = 10_000
MAX_DEPTH = 50  # of parentheses and NOTs: the text comes from strangers, the parser recurses

# {name: {value: number of tokens}} over `collection` and the trait types
Vocabulary = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Equals:
    """Some trait of the type `name` (or the field of that name) has the value."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{_quoted(self.name)}={_quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Where

    def __str__(self) -> str:
        if isinstance(self.part, Equals):
            return f"{_quoted(self.part.name)}!={_quoted(self.part.value)}"
        return f"NOT {_grouped(self.part)}"


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple[Where, ...]

    def __post_init__(self) -> None:
        assert len(self.parts) > 1

    def __str__(self) -> str:
        return " AND ".join(map(_grouped, self.parts))


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Where, ...]

    def __post_init__(self) -> None:
        assert len(self.parts) > 1

    def __str__(self) -> str:
        return " OR ".join(map(_grouped, self.parts))


Where = Equals | Not | And | Or


def matches(where: Where, fields: Mapping[str, Collection[str]]) -> bool:
    """Return whether a token with these `fields` (name: its values) satisfies the filter.

    Spelling counts; see `resolve`.
    """
    match where:
        case Equals(name, value):
            return value in fields.get(name, ())
        case Not(part):
            return not matches(part, fields)
        case And(parts):
            return all(matches(part, fields) for part in parts)
        case Or(parts):
            return any(matches(part, fields) for part in parts)


def resolve(where: Where, vocabulary: Vocabulary) -> Where:
    """Return the filter with every name and value as the index spells it.

    Upper and lower case are one; where the index has several spellings, any of them will do. An
    unknown name or value raises QueryError with the nearest known one. A `token_id` is taken as
    it is.
    """
    match where:
        case Equals():
            return _resolve_comparison(where, vocabulary)
        case Not(part):
            return Not(resolve(part, vocabulary))
        case And(parts):
            return And(tuple(resolve(part, vocabulary) for part in parts))
        case Or(parts):
            return Or(tuple(resolve(part, vocabulary) for part in parts))


def _resolve_comparison(where: Equals, vocabulary: Vocabulary) -> Where:
    if where.name.casefold() == TOKEN_ID:
        return Equals(TOKEN_ID, where.value)
    names = _spellings(where.name, vocabulary)
    if not names:
        known = [name for name in vocabulary if name != COLLECTION]
        raise QueryError(f"no token has a trait {where.name!r}; {_hint(where.name, known)}")
    found = [
        Equals(name, value) for name in names for value in _spellings(where.value, vocabulary[name])
    ]
    if not found:
        known = sorted({value for name in names for value in vocabulary[name]})
        raise QueryError(f"{names[0]} has no value {where.value!r}; {_hint(where.value, known)}")
    return found[0] if len(found) == 1 else Or(tuple(found))


def _spellings(name: str, known: Iterable[str]) -> list[str]:
    folded = name.casefold()
    return sorted(other for other in known if other.casefold() == folded)


def _hint(name: str, known: Collection[str]) -> str:
    guess = nearest(name, known)
    if guess:
        return f"did you mean {guess!r}?"
    if not known:
        return "there are none"
    shown = ", ".join(repr(other) for other in sorted(known)[:12])
    return f"there are {shown}" if len(known) <= 12 else f"there are {len(known)}, such as {shown}"


# Reading

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<symbol>\( | \) | != | =)
      | (?P<quoted>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
      | (?P<bare>(?:[^\s()=!"']|!(?!=)) (?:[^\s()=!]|!(?!=))*)""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = ("AND", "OR", "NOT")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "(", ")", "=", "!=", "AND", "OR", "NOT", "word" or "end"
    text: str
    column: int  # from 1


def parse(text: str) -> Where:
    """Return the filter that `text` says; raise QueryError at the column that cannot be read."""
    if len(text) > MAX_CHARACTERS:
        raise QueryError(f"a filter has at most {MAX_CHARACTERS} characters; got {len(text)}")
    return _Parser(text).whole()


class _Parser:
    """Recursive descent, one method a rule; each reads what it names and moves on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *kinds: str) -> _Token | None:
        token = self.next
        if token.kind not in kinds:
            return None
        self.at += 1
        return token

    def fail(self, expected: str) -> NoReturn:
        token = self.next
        found = "the end" if token.kind == "end" else repr(token.text)
        # Two words in a row: somebody has left out the quotes.
        follows = self.at > 0 and self.tokens[self.at - 1].kind == "word" == token.kind
        hint = '; a name or value of several words needs quotes, as in "Blue Beanie"'
        reason = f"expected {expected}, found {found}{hint if follows else ''}"
        raise _error(self.text, token.column, reason)

    def whole(self) -> Where:
        where = self.either()
        if self.next.kind != "end":
            self.fail("AND, OR or the end")
        return where

    def either(self) -> Where:
        parts = [self.both()]
        while self.take("OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self) -> Where:
        parts = [self.one()]
        while self.take("AND"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self) -> Where:
        if self.depth == MAX_DEPTH:
            raise _error(self.text, self.next.column, f"nested deeper than {MAX_DEPTH} levels")
        self.depth += 1
        where = self.negation_group_or_comparison()
        self.depth -= 1
        return where

    def negation_group_or_comparison(self) -> Where:
        if self.take("NOT"):
            return Not(self.one())
        if self.take("("):
            where = self.either()
            if not self.take(")"):
                self.fail('AND, OR or ")"')
            return where
        return self.comparison()

    def comparison(self) -> Where:
        name = self.take("word") or self.fail("a trait type, collection or token_id")
        sign = self.take("=", "!=") or self.fail("= or !=")
        value = self.take("word") or self.fail("a value")
        equals = Equals(name.text, value.text)
        return equals if sign.kind == "=" else Not(equals)


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _error(text, at + 1, "this quote is never closed")
        word, column = found.group(), at + 1
        match found.lastgroup:
            case "symbol":
                tokens.append(_Token(word, word, column))
            case "quoted":
                unescaped = re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL)
                tokens.append(_Token("word", unescaped, column))
            case "bare":
                kind = word.upper() if word.upper() in _KEYWORDS else "word"
                tokens.append(_Token(kind, word, column))
        at = found.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


def _error(text: str, column: int, reason: str) -> QueryError:
    start = max(0, column - 40)
    shown = text[start : start + 80]
    shown = ("…" if start else "") + shown + ("…" if start + 80 < len(text) else "")
    return QueryError(f"cannot read the filter {shown!r} at column {column}: {reason}")


# Writing


def _quoted(word: str) -> str:
    found = _TOKEN.fullmatch(word)
    bare = found is not None and found.lastgroup == "bare"
    # A bare "!" at the end would make "!=" of the "=" that follows.
    if bare and word.upper() not in _KEYWORDS and not word.endswith("!"):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _grouped(part: Where) -> str:
    return f"({part})" if isinstance(part, And | Or) else str(part)
