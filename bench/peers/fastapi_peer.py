"""FastAPI, pydantic and SQLAlchemy, as FastAPI's own guide would have it."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import ARRAY, DateTime, ForeignKey, Numeric, Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ["PEER_DATABASE_URL"], pool_size=16)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Patient(Base):
    __tablename__ = "patient"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    zone: Mapped[str]


class CheckIn(Base):
    __tablename__ = "check_in"
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    zone: Mapped[str]
    form_version: Mapped[str]
    craving: Mapped[float | None] = mapped_column(Numeric(3, 1))
    mood: Mapped[float | None] = mapped_column(Numeric(3, 1))
    used: Mapped[str | None]
    triggers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    note: Mapped[str | None]


class CheckInBody(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    recorded_at: AwareDatetime
    zone: str
    form_version: str
    craving: float | None = Field(None, ge=0, le=10)
    mood: float | None = Field(None, ge=0, le=10)
    used: Literal["yes", "no", "rather_not_say"] | None = None
    triggers: list[str] = []
    note: str | None = Field(None, max_length=2000)


class CheckInOut(CheckInBody):
    id: UUID


class Item(BaseModel):
    kind: str
    id: UUID
    content: CheckInBody


class Items(BaseModel):
    items: list[Item]


def session() -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


Opened = Annotated[Session, Depends(session)]


def caller(opened: Opened, bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> Patient:
    try:
        claims = jwt.decode(bearer.credentials, os.environ["PEER_SECRET"], algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    patient = opened.get(Patient, UUID(claims["sub"]))
    if patient is None:
        raise HTTPException(401)
    return patient


Caller = Annotated[Patient, Depends(caller)]


def store(opened: Session, patient: Patient, check_in_id: UUID, said: dict[str, Any]) -> tuple[CheckIn, bool]:
    check_in = opened.get(CheckIn, (patient.id, check_in_id))
    created = check_in is None
    if check_in is None:
        check_in = CheckIn(patient_id=patient.id, id=check_in_id)
        opened.add(check_in)
    for name, value in said.items():
        setattr(check_in, name, value)
    return check_in, created


@app.put("/v1/check-ins/{check_in_id}", status_code=201)
def put_check_in(check_in_id: UUID, body: CheckInBody, opened: Opened, patient: Caller, answer: Response) -> CheckInOut:
    check_in, created = store(opened, patient, check_in_id, body.model_dump())
    opened.commit()
    if not created:
        answer.status_code = 200
    return CheckInOut.model_validate(check_in)


@app.get("/v1/today")
def today(opened: Opened, patient: Caller) -> dict[str, Any]:
    found = select(CheckIn).filter_by(patient_id=patient.id).order_by(CheckIn.recorded_at.desc()).limit(14)
    return {"zone": patient.zone, "last_days": [CheckInOut.model_validate(one) for one in opened.scalars(found)]}


@app.post("/v1/sync")
def sync(body: Items, opened: Opened, patient: Caller) -> dict[str, Any]:
    results = []
    for item in body.items:
        _, created = store(opened, patient, item.id, item.content.model_dump())
        results.append({"id": str(item.id), "created": created})
    opened.commit()
    return {"items": results}
