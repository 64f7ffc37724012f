"""Django REST framework in one file: model, serializer, views; the token read as in the others."""

import os
import uuid
from typing import Any

import django
import jwt
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from psycopg.conninfo import conninfo_to_dict

place = conninfo_to_dict(os.environ["PEER_DATABASE_URL"].replace("postgresql+psycopg", "postgresql"))
settings.configure(
    SECRET_KEY=os.environ["PEER_SECRET"],
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": place["dbname"],
            "USER": place["user"],
            "PASSWORD": place["password"],
            "HOST": place["host"],
            "PORT": place.get("port", ""),
            "OPTIONS": {"options": place["options"]},
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
)
django.setup()

from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.db import models, transaction  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import authentication, exceptions, serializers, views  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402


class Patient(models.Model):
    id = models.UUIDField(primary_key=True)
    zone = models.TextField()
    is_authenticated = True

    class Meta:
        app_label = "peer"
        db_table = "patient"


class CheckIn(models.Model):
    pk = models.CompositePrimaryKey("patient_id", "id")
    patient = models.ForeignKey(Patient, models.CASCADE)
    id = models.UUIDField()
    recorded_at = models.DateTimeField()
    zone = models.TextField()
    form_version = models.TextField()
    craving = models.DecimalField(max_digits=3, decimal_places=1, null=True)
    mood = models.DecimalField(max_digits=3, decimal_places=1, null=True)
    used = models.TextField(null=True)
    triggers = ArrayField(models.TextField(), default=list)
    note = models.TextField(null=True)

    class Meta:
        app_label = "peer"
        db_table = "check_in"


class CheckInSerializer(serializers.ModelSerializer[CheckIn]):
    id = serializers.UUIDField(required=False)
    craving = serializers.DecimalField(3, 1, min_value=0, max_value=10, required=False)
    mood = serializers.DecimalField(3, 1, min_value=0, max_value=10, required=False)
    used = serializers.ChoiceField(["yes", "no", "rather_not_say"], required=False)
    note = serializers.CharField(max_length=2000, required=False)

    class Meta:
        model = CheckIn
        fields = ("id", "recorded_at", "zone", "form_version", "craving", "mood", "used", "triggers", "note")


class ItemSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.UUIDField()
    content = CheckInSerializer()


class Bearer(authentication.BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Patient, None]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, os.environ["PEER_SECRET"], algorithms=["HS256"])
            return Patient.objects.get(pk=claims["sub"]), None
        except (jwt.InvalidTokenError, Patient.DoesNotExist) as error:
            raise exceptions.AuthenticationFailed from error


def store(patient: Any, check_in_id: uuid.UUID, said: dict[str, Any]) -> tuple[CheckIn, bool]:
    return CheckIn.objects.update_or_create(patient=patient, id=check_in_id, defaults=said)


class Put(views.APIView):
    authentication_classes = (Bearer,)

    def put(self, request: Request, check_in_id: uuid.UUID) -> Response:
        body = CheckInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        check_in, created = store(request.user, check_in_id, body.validated_data)
        return Response(CheckInSerializer(check_in).data, 201 if created else 200)


class Today(views.APIView):
    authentication_classes = (Bearer,)

    def get(self, request: Request) -> Response:
        found = CheckIn.objects.filter(patient=request.user).order_by("-recorded_at")[:14]
        return Response({"zone": request.user.zone, "last_days": CheckInSerializer(found, many=True).data})


class Sync(views.APIView):
    authentication_classes = (Bearer,)

    def post(self, request: Request) -> Response:
        body = ItemSerializer(data=request.data["items"], many=True)
        body.is_valid(raise_exception=True)
        results = []
        with transaction.atomic():
            for item in body.validated_data:
                _, created = store(request.user, item["id"], item["content"])
                results.append({"id": str(item["id"]), "created": created})
        return Response({"items": results})


urlpatterns = [
    path("v1/check-ins/<uuid:check_in_id>", Put.as_view()),
    path("v1/today", Today.as_view()),
    path("v1/sync", Sync.as_view()),
]
app = WSGIHandler()
