"""What `celery -A worker.celery` finds: the app for the settings in the environment."""

from broadcaster.settings import Settings
from worker.app import make_app

app = make_app(Settings.load())
