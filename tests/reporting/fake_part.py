"""A part of an evaluation as nobody has foreseen it, and words that nobody should trust."""

from dataclasses import dataclass
from typing import Any

from traitlens.tables import Column, Table

EVIL = "../../x\x1b[31m\u202e [red]<b>"


@dataclass
class FakePart:
    """A part of two tables that strangers named alike."""

    title: str

    def to_json(self) -> dict[str, Any]:
        return {"title": self.title}

    def tables(self) -> tuple[Table, ...]:
        return (Table(title=self.title, columns=(Column(EVIL),), rows=((EVIL,),)),) * 2
