"""What the pictures of a collection show, in one word: "ape", "punk", "bear".

The paper counts 356 themes over its 1,000 collections and does not say how. Here the theme is the
one that the source names; else the last word of the collection's name that is a known subject,
since in English the noun stands last ("Bored Ape Yacht Club", "moonbirdpunks" are punks, not
birds); else the name itself without what only numbers or advertises it, so that the series of one
project share a theme.

>>> theme_of_name("Cool Cats V2"), theme_of_name("DystoApez"), theme_of_name("Azuki")
('cat', 'ape', 'azuki')
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from traitlens.records import CollectionInfo

# The subjects that several names of the NFT1000 collections share, and their other words.
_SUBJECTS: dict[str, str] = {
    "alien": "martian",
    "angel": "",
    "ape": "hape bape",
    "avatar": "",
    "axolotl": "axolittle",
    "bat": "deathbat",
    "bear": "koala",
    "bee": "hornet",
    "bird": "birb crow eagle falcon parrot pigeon chicken rooster phoenix",
    "boy": "guy dude lad man men",
    "bull": "cow",
    "cat": "kitty kitten kat neko maneki whisker",
    "chad": "",
    "deer": "moose",
    "demon": "devil imp oni",
    "dino": "dinosaur raptor saur rex",
    "dog": "doge doggie doggy shiba inu puppy pup pug hound canine mutt corgi husky floki pitbull",
    "doodle": "",
    "dragon": "wyvern",
    "duck": "duckling ducky",
    "elephant": "",
    "fairy": "pixie",
    "fish": "fishy shark whale dolphin squid octopus lobster lobstar crab",
    "flower": "",
    "food": "potato potatoe lemon strawberry banana corn noodle bean pumpkin donut bread",
    "fox": "foxy",
    "frog": "toad froggy croak",
    "ghost": "ghostly spirit spook spooky spookie ghoul boo yurei",
    "girl": "grl chick waifu lady geisha sister queen princess",
    "goat": "",
    "goblin": "gobbler ogre orc troll",
    "goon": "goonie",
    "gorilla": "kong",
    "head": "",
    "hedgehog": "hedgie hedz",
    "hero": "superhero supers",
    "horse": "stallion donkey mule",
    "human": "humanoid people citizen",
    "kaiju": "godzilla godjira",
    "kangaroo": "roo",
    "kid": "baby child",
    "lion": "",
    "lizard": "gecko crecodile crocodile",
    "llama": "alpaca alpacadabra",
    "mfer": "",
    "monkey": "chimp monke primate chimper",
    "monster": "beast creature",
    "mouse": "mice rat raccoon hamster meerkat quokka",
    "mummy": "",
    "mushroom": "shroom",
    "ninja": "",
    "noun": "",
    "owl": "moonbird moonbirdie hoot",
    "panda": "",
    "penguin": "pudgy pudgie",
    "pepe": "",
    "pig": "boar",
    "pirate": "picaroon",
    "punk": "phunk punx pvnk",
    "rabbit": "bunny bunni",
    "rebel": "",
    "rhino": "",
    "robot": "bot droid mecha meka",
    "samurai": "ronin",
    "seal": "",
    "sheep": "lamb",
    "skeleton": "skull bone cranium",
    "sloth": "slotie",
    "snail": "",
    "tiger": "puma",
    "turtle": "",
    "unicorn": "",
    "vampire": "vampiress",
    "viking": "thor",
    "weirdo": "",
    "witch": "wizard coven",
    "wolf": "wulf coyote",
    "woman": "women",
    "yeti": "",
    "zombie": "undead",
}
_THEME = {word: theme for theme, words in _SUBJECTS.items() for word in (theme, *words.split())}
# Who says less than what stands beside it: "GOBLIN GRLZ" are goblins, "TheAlienBoy" an alien.
_PERSONS = frozenset({"avatar", "boy", "flower", "girl", "head", "hero", "human", "kid", "woman"})
# A short word is too often the end of another: "combat", "abbot".
_MIN_PART = 4
_SHORT_ENDINGS = frozenset({"ape", "cat", "dog", "kid"})
_NO_COMPOUNDS = frozenset(
    {"ahead", "cape", "drape", "escape", "grape", "landscape", "shape", "steampunk", "tape", "vape"}
)

# What is grown on to a subject: "goblintown", "alienfrens", "apekidsclub".
_APPENDED = (
    "town",
    "club",
    "clan",
    "fren",
    "fam",
    "gang",
    "squad",
    "society",
    "token",
    "yc",
    "nft",
)

# What stands after these is whose or where it is: "Women From Venus", "Groupies by Ozzy".
_BEFORE = re.compile(r"\b(?:by|from|in|on)\b")
_WORD = re.compile(r"[a-z][a-z0134]*[a-z0134]|[a-z]+|[0-9]+[a-z]{3,}|[0-9]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z](?!\b))|(?<=[A-Z])(?=[A-Z][a-z]{2})|(?<=[0-9]x)(?=[A-Z])")
_DIGITS_AS_LETTERS = str.maketrans("0134", "oiea")  # "Gh0sts"
# What numbers or advertises a collection and says nothing of its pictures.
_EMPTY = frozenset(
    {"the", "a", "an", "of", "and", "x", "v", "s", "0x"}
    | {"nft", "nfts", "official", "collection", "token", "tokens", "genesis", "gen", "series"}
    | {
        "season",
        "generation",
        "edition",
        "project",
        "club",
        "society",
        "yacht",
        "country",
        "social",
    }
    | {"secret", "verse", "city", "town", "dao", "i", "ii", "iii", "iv"}
    | {"vi", "new", "one", "wtf", "evolution"}
)


def theme_of(info: CollectionInfo) -> tuple[str, str]:
    """Return the theme of a collection and where it is from: "source" or "name"."""
    said = " ".join((info.theme or "").split()).lower()
    return (said, "source") if said else (theme_of_name(info.name), "name")


def theme_of_name(name: str) -> str:
    """Return the theme that a collection's name says; the name's own words when it says none."""
    spaced = _HUMP.sub(" ", name).lower()
    front = _BEFORE.split(spaced)[0]
    known = _themes(_WORD.findall(front)) or _themes(_WORD.findall(spaced))
    if known:
        return next((theme for theme in reversed(known) if theme not in _PERSONS), known[-1])
    words = (word.rstrip("0123456789") for word in re.findall(r"[^\W_]+", spaced))
    telling = [word for word in words if word and word not in _EMPTY]
    return " ".join(telling) or " ".join(spaced.split()) or name


def _themes(words: list[str]) -> list[str]:
    return [theme for word in words if (theme := _theme_of_word(word))]


def _theme_of_word(word: str) -> str | None:
    forms = [*_singulars(word)]
    if any(letter.isdigit() for letter in word) and len(word) >= _MIN_PART:
        forms += _singulars(word.translate(_DIGITS_AS_LETTERS))
    forms += [
        stem
        for form in [*forms]
        for appended in _APPENDED
        if form.endswith(appended) and len(form) > len(appended) + 2
        for stem in _singulars(form.removesuffix(appended))
    ]
    exact = (_THEME[form] for form in forms if form in _THEME)
    compounds = [form for form in forms if form not in _NO_COMPOUNDS]
    parts = (
        part
        for ending in (True, False)
        for form in compounds
        for part in _parts(form, ending=ending)
    )
    return next(exact, None) or next((_THEME[part] for part in parts if part in _THEME), None)


def _parts(word: str, *, ending: bool) -> Iterator[str]:
    """Yield what a compound may end or begin with, the longest first: "moonbear", "fishyfam"."""
    for length in range(len(word) - 1, 2, -1):
        part = word[-length:] if ending else word[:length]
        if length >= _MIN_PART or (ending and part in _SHORT_ENDINGS):
            yield part


def _singulars(word: str) -> Iterator[str]:
    """Yield what a word may be the plural of, as names write it: "apes", "apez", "bunnies"."""
    yield word
    for ending in ("s", "z", "x", "es", "ez"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word.removesuffix(ending)
    for ending in ("ies", "iez"):
        if word.endswith(ending) and len(word) > 4:
            yield word.removesuffix(ending) + "y"
    if word.endswith(("ves", "vez")):
        yield word[:-3] + "f"
