"""Fields that take what they mean and nothing that merely looks like it."""

import re
from collections.abc import Mapping, Sized
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, cast

from marshmallow import Schema, ValidationError, fields, validate

from server.languages import Phrase, say

INVALID_RATING = "A rating is a number from 0 to 10 in steps of 0.1."
INVALID_DAY = "A local day is written as in 2026-05-03."
INVALID_WALL_TIME = "A time of the clock is written as in 20:00."
INVALID_INSTANT = "An instant is written as in 2026-05-03T21:14:00+02:00, with its offset."
FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
HOURS_MINUTES = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", re.ASCII)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


class Body(Schema):
    """A JSON body: unknown fields are errors (marshmallow's default, said aloud)."""

    class Meta:
        unknown = "raise"

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Most of what is answered is a dict, which says it at once; marshmallow looks for dots in the name first."""
        return obj[attr] if type(obj) is dict and attr in obj else super().get_attribute(obj, attr, default)

    def dump_whole(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """As dump, of what holds every field: marshmallow would ask of each whether, and where, it is."""
        return {name: field._serialize(said[name], name, said) for name, field in self.dump_fields.items()}  # noqa: SLF001  # as marshmallow does


class Rows(fields.List[dict[str, Any]]):
    """A list of dicts that each hold every field."""

    def __init__(self, of: type[Body], **kwargs: Any) -> None:
        super().__init__(fields.Nested(of), **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> list[dict[str, Any]]:
        schema = cast(Body, cast(fields.Nested, self.inner).schema)
        return [schema.dump_whole(row) for row in value]


class Text(fields.String):
    """A JSON string; not a number that could be written as one. NUL is refused: PostgreSQL cannot keep it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Not a text.")
        if "\x00" in value:
            raise ValidationError("A text cannot hold the character U+0000.")
        return value


class Said(fields.String):
    """A sentence of ours, in the language of whoever asks."""

    def _serialize(self, value: str | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else say(value)


class Rating(fields.Field[Decimal]):
    """A JSON number from 0 to 10 in steps of 0.1; never a text, never a truth value."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValidationError(INVALID_RATING)
        try:
            rating = Decimal(str(value))
            if not (0 <= rating <= 10) or rating != round(rating, 1):
                raise ValidationError(INVALID_RATING)
        except InvalidOperation as error:
            raise ValidationError(INVALID_RATING) from error
        return round(rating, 1)

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **kwargs: Any) -> float | int | None:
        if value is None:
            return None
        return int(value) if value == int(value) else float(value)


class Number(fields.Field[Decimal]):
    """A JSON number between two, with so many decimal places at most; never a text, never a truth value."""

    def __init__(self, low: str, high: str, places: int, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(minimum=float(low), maximum=float(high))
        super().__init__(**kwargs)
        self.low, self.high, self.places = Decimal(low), Decimal(high), places

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        invalid = f"Must be a number from {self.low} to {self.high}, with up to {self.places} decimal places."
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValidationError(invalid)
        try:
            number = Decimal(str(value))
            if not (self.low <= number <= self.high) or number != round(number, self.places):
                raise ValidationError(invalid)
        except InvalidOperation as error:
            raise ValidationError(invalid) from error
        return round(number, self.places)

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **kwargs: Any) -> float | None:
        return None if value is None else float(value)


class Instant(fields.Field[datetime]):
    """RFC 3339 with an offset; read with the offset that was sent."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        # fromisoformat alone also takes week dates, a comma, and a NUL at the end.
        if not isinstance(value, str) or not RFC_3339.fullmatch(value):
            raise ValidationError(INVALID_INSTANT)
        try:
            instant = datetime.fromisoformat(value.upper())
        except ValueError as error:
            raise ValidationError(INVALID_INSTANT) from error
        # The first and the last year cannot be moved to another zone.
        if instant.tzinfo is None or not 1900 < instant.year < 9000:
            raise ValidationError(INVALID_INSTANT)
        return instant

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat().replace("+00:00", "Z")


class Day(fields.Date):
    """A local day, YYYY-MM-DD, far enough from the ends of the calendar to count days from it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not FULL_DATE.fullmatch(value):
            raise ValidationError(INVALID_DAY)
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise ValidationError(INVALID_DAY) from error
        if not 1900 < day.year < 9000:
            raise ValidationError(INVALID_DAY)
        return day


class WallTime(fields.Field[time]):
    """By somebody's wall clock, HH:MM."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(example="20:00", pattern=HOURS_MINUTES.pattern)
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> time:
        if not isinstance(value, str) or not HOURS_MINUTES.fullmatch(value):
            raise ValidationError(INVALID_WALL_TIME)
        return time.fromisoformat(value)

    def _serialize(self, value: time | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:%H:%M}"


class Choice(fields.Field[StrEnum]):
    """One of the values of a StrEnum."""

    def __init__(self, values: type[StrEnum], **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {})["enum"] = [member.value for member in values]
        super().__init__(**kwargs)
        self.values = values

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> StrEnum:
        try:
            return self.values(value)
        except ValueError as error:
            allowed = ", ".join(member.value for member in self.values)
            raise ValidationError(Phrase("Must be one of: %(allowed)s.", allowed=allowed)) from error

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else str(value)


class TrueOrFalse(fields.Boolean):
    """JSON's true or false; never a 1 that could be one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Length(validate.Length):
    """As marshmallow's, in a sentence that can be translated."""

    def _format_error(self, value: Sized, message: str) -> str:  # as marshmallow calls it
        if self.min:
            return Phrase("Must have %(low)d to %(high)d characters.", low=self.min, high=self.max)
        return Phrase("Must have %(high)d characters at most.", high=self.max)


def text(longest: int, *, shortest: int = 1, **kwargs: Any) -> Text:
    return Text(validate=Length(min=shortest, max=longest), **kwargs)


def email_address(**kwargs: Any) -> Text:
    # ASCII and no quotes: what every mail server takes.
    plain = validate.Regexp(r"^[!#-~]+(?!\n)$", error="Not an email address that every mail server takes.")
    rules = [validate.Email(), plain, validate.Length(max=254)]
    return Text(validate=rules, metadata={"format": "email"}, **kwargs)


def language_tag(**kwargs: Any) -> Text:
    rule = validate.Regexp(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*(?!\n)$")
    return Text(validate=[rule, validate.Length(max=35)], metadata={"example": "en"}, **kwargs)


def whole(low: int, high: int, **kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(low, high), **kwargs)


def secret(**kwargs: Any) -> Text:
    return Text(load_only=True, metadata={"format": "password"}, validate=validate.Length(min=1, max=256), **kwargs)
