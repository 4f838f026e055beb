"""What `celery -A worker.celery` finds: the app for the settings in the environment."""

from broadcaster.domain.errors import Problem
from broadcaster.settings import Settings
from worker.app import make_app

try:
    app = make_app(Settings.load())
except Problem as problem:  # a sentence instead of Celery's traceback
    raise SystemExit(str(problem)) from problem
