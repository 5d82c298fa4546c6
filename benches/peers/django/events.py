"""A collector of events as many write it: Django judges and enqueues, Celery stores, Redis is between them.

One file: `gunicorn events:application` serves, `celery -A events worker` stores, `python events.py` makes the table.
An answer means that the events are in Redis; they are in PostgreSQL when a worker has come to them.
"""

import json
import os
from urllib.parse import unquote, urlsplit

import django
from celery import Celery
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import JsonResponse
from django.urls import path
from jsonschema import Draft202012Validator

DATABASE = urlsplit(os.environ["PEER_POSTGRES"])

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE.path.lstrip("/"),
            "USER": unquote(DATABASE.username or ""),
            "PASSWORD": unquote(DATABASE.password or ""),
            "HOST": DATABASE.hostname or "",
            "PORT": str(DATABASE.port or ""),
            "CONN_MAX_AGE": 600,
        }
    },
    DATA_UPLOAD_MAX_MEMORY_SIZE=5 * 1024 * 1024,
    INSTALLED_APPS=[],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # says how long an answer is
    ROOT_URLCONF=__name__,
    USE_TZ=True,
)
django.setup()

queue = Celery("events", broker=os.environ["PEER_REDIS"])
queue.conf.task_ignore_result = True


class Event(models.Model):
    """An event, once."""

    id = models.CharField(primary_key=True, max_length=128)
    category = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    session_id = models.CharField(max_length=128, null=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    data = models.JSONField()

    class Meta:
        app_label = "peer"
        db_table = "peer_django_event"
        indexes = [
            models.Index(fields=["session_id", "occurred_at"], name="peer_session"),
            models.Index(fields=["category", "name", "occurred_at"], name="peer_type"),
        ]


VALIDATOR = Draft202012Validator(json.loads(os.environ["PEER_SCHEMA"])["schema"])


@queue.task
def store(events):
    """Stores what was judged; what is there already stays."""
    fields = ("id", "category", "name", "session_id", "occurred_at", "data")
    rows = [Event(**{field: event.get(field) for field in fields}) for event in events]
    Event.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


def collect(request):
    """`POST /v1/events`: one event or an array."""
    body = json.loads(request.body)
    events = body if isinstance(body, list) else [body]
    good, results = [], []
    for event in events:
        error = next(VALIDATOR.iter_errors(event.get("data")), None)
        if error is None:
            good.append(event)
            results.append({"id": event["id"], "status": "accepted"})
        else:
            results.append({"id": event.get("id"), "status": "rejected", "error": list(error.absolute_schema_path)})
    if good:
        store.delay(good)
    return JsonResponse({"results": results})


def count(request):
    """`GET /count`: how many are stored."""
    return JsonResponse({"count": Event.objects.count()})


urlpatterns = [path("v1/events", collect), path("count", count)]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS peer_django_event")
    with connection.schema_editor() as editor:
        editor.create_model(Event)
