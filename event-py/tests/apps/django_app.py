"""A shop in Django, in one file: `gunicorn django_app:application`, or `uvicorn django_app:asgi_application`."""

import os

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

import event_py.django

settings.configure(
    ALLOWED_HOSTS=["*"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=["event_py.django.EventMiddleware", "django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
    EVENT_PY={
        "url": os.environ["COLLECTOR"],
        "source": "django",
        "skip": ["/health"],
        "session_id": lambda request: request.headers.get("X-Visit"),
        "fields": "django_app.fields",
    },
)


def fields(request):
    return {"language": request.headers.get("Accept-Language", "none")}


def order(request, number):
    if number > 900:
        raise Http404("no such order")
    request.events.track("order", "viewed", {"number": number}, session_id=request.headers.get("X-Visit"))
    return JsonResponse({"number": number})


async def order_later(request, number):
    event_py.django.client().track("order", "viewed", {"number": number})
    return JsonResponse({"number": number})


def broken(request):
    raise KeyError("a customer's name")


def export(request):
    return StreamingHttpResponse(f"{number}\n" for number in range(1_000))


def health(request):
    return HttpResponse("ok")


urlpatterns = [
    path("orders/<int:number>", order),
    path("later/<int:number>", order_later),
    path("broken", broken),
    path("export", export),
    path("health", health),
]

django.setup()
application = get_wsgi_application()
asgi_application = event_py.django.lifespan(get_asgi_application())
