"""The clinic: its name and day, and its limits."""

from marshmallow import fields

from server.schemas.fields import Body, Instant, Number, TrueOrFalse, whole


class LimitsChange(Body):
    """Each as in the trend engine's thresholds; what is left out stays."""

    h = Number("1", "20", 2, metadata={"description": "Decision limit of the trend detector; lower is more sensitive."})
    craving_severe = Number("0", "10", 1, metadata={"description": "One craving at or above this is an alert."})
    mood_very_low = Number("0", "10", 1, metadata={"description": "One mood at or below this is an alert."})
    use_free_days = whole(1, 90, metadata={"description": "Days reported without use, before use is an alert."})
    silent_days = whole(3, 30, metadata={"description": "The shortest silence that is an alert."})
    silent_chance = Number(
        *("0.001", "0.2", 3),
        metadata={"description": "A silence is one when the patient's own habit makes it no likelier than this."},
    )


class ClinicChange(LimitsChange):
    mfa_required = TrueOrFalse(metadata={"description": "Whether every member needs a second step; admins always do."})


class ClinicOut(ClinicChange):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    zone = fields.String(required=True)
    day_starts_at = fields.Integer(
        required=True, metadata={"description": "The hour of the local clock at which a day begins."}
    )
    limits_version = fields.Integer(required=True)
    limits_since = Instant(required=True, metadata={"description": "When this version of the limits was made."})
