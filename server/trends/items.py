"""The two rated items, and how each is turned so that worse is always up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar

from server.trends.readings import HIGHEST, Reading
from server.trends.state import Floats

_Rating = TypeVar("_Rating", float, Floats)


@dataclass(frozen=True, slots=True)
class Item:
    """One rated question. `turned`: higher is better, so the engine sees 10 - rating."""

    field: Literal["craving", "mood"]
    label: str
    turned: bool

    def turn(self, rating: _Rating) -> _Rating:
        """From the reported scale to the engine's (worse is up), or back: it is its own inverse."""
        return HIGHEST - rating if self.turned else rating

    def answers(self, readings: Sequence[Reading]) -> Iterator[tuple[date, float]]:
        """The days on which this item was answered, with the rating as reported."""
        for reading in readings:
            rating = reading.craving if self.field == "craving" else reading.mood
            if rating is not None:
                yield reading.day, float(rating)


CRAVING = Item("craving", "Craving", turned=False)
MOOD = Item("mood", "Mood", turned=True)
