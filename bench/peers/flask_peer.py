"""Flask, Flask-SQLAlchemy, marshmallow and Flask-JWT-Extended, as their own guides would have it."""

import os
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Flask, jsonify, request
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required
from flask_sqlalchemy import SQLAlchemy
from marshmallow import Schema, fields, validate
from sqlalchemy import ARRAY, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

RATING = validate.Range(0, 10)


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
jwt = JWTManager()


class Patient(db.Model):  # type: ignore[name-defined,misc]
    id: Mapped[UUID] = mapped_column(primary_key=True)
    zone: Mapped[str]


class CheckIn(db.Model):  # type: ignore[name-defined,misc]
    patient_id: Mapped[UUID] = mapped_column(db.ForeignKey("patient.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(db.DateTime(timezone=True), index=True)
    zone: Mapped[str]
    form_version: Mapped[str]
    craving: Mapped[float | None] = mapped_column(db.Numeric(3, 1))
    mood: Mapped[float | None] = mapped_column(db.Numeric(3, 1))
    used: Mapped[str | None]
    triggers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    note: Mapped[str | None]


class CheckInSchema(Schema):
    id = fields.UUID(dump_only=True)
    recorded_at = fields.AwareDateTime(required=True)
    zone = fields.String(required=True)
    form_version = fields.String(required=True)
    craving = fields.Float(validate=RATING)
    mood = fields.Float(validate=RATING)
    used = fields.String(validate=validate.OneOf(("yes", "no", "rather_not_say")))
    triggers = fields.List(fields.String())
    note = fields.String(validate=validate.Length(max=2000))


class ItemSchema(Schema):
    kind = fields.String(required=True)
    id = fields.UUID(required=True)
    content = fields.Nested(CheckInSchema, required=True)


class BatchSchema(Schema):
    items = fields.List(fields.Nested(ItemSchema), required=True)


schema, batch = CheckInSchema(), BatchSchema()
app = Flask(__name__)
app.config.update(
    SQLALCHEMY_DATABASE_URI=os.environ["PEER_DATABASE_URL"],
    JWT_SECRET_KEY=os.environ["PEER_SECRET"],
    JWT_ENCODE_NBF=False,
)
db.init_app(app)
jwt.init_app(app)


def caller() -> Any:
    return db.get_or_404(Patient, UUID(get_jwt_identity()))


def store(patient: Any, said: dict[str, Any]) -> tuple[Any, bool]:
    check_in = db.session.get(CheckIn, (patient.id, said["id"]))
    created = check_in is None
    if check_in is None:
        check_in = CheckIn(patient_id=patient.id)
        db.session.add(check_in)
    for name, value in said.items():
        setattr(check_in, name, value)
    return check_in, created


@app.put("/v1/check-ins/<uuid:check_in_id>")
@jwt_required()
def put_check_in(check_in_id: UUID) -> Any:
    patient = caller()
    check_in, created = store(patient, {**schema.load(request.get_json()), "id": check_in_id})
    db.session.commit()
    return jsonify(schema.dump(check_in)), 201 if created else 200


@app.get("/v1/today")
@jwt_required()
def today() -> Any:
    patient = caller()
    found = db.select(CheckIn).filter_by(patient_id=patient.id).order_by(CheckIn.recorded_at.desc()).limit(14)
    return jsonify(zone=patient.zone, last_days=schema.dump(db.session.scalars(found), many=True))


@app.post("/v1/sync")
@jwt_required()
def sync() -> Any:
    patient = caller()
    items = batch.load(request.get_json())["items"]
    results = [
        {"id": str(item["id"]), "created": store(patient, {**item["content"], "id": item["id"]})[1]} for item in items
    ]
    db.session.commit()
    return jsonify(items=results)
