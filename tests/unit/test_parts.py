"""What each process loads: a part is built, and its libraries are imported, when it is first asked for."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from broadcaster.bootstrap import build
from broadcaster.parts.shared import part
from broadcaster.settings import Settings

LOOKING_BACK = "report, alarms, people"
NOT_FOR_LOOKING_BACK = ("PIL", "jinja2", "tweepy", "requests", "celery", "psycopg", "alembic", "phonenumbers")


def test_looking_back_loads_no_channel_no_renderer_no_queue_and_no_other_database(tmp_path):
    code = f"""if True:
        import sys
        from operator import attrgetter
        from broadcaster.bootstrap import build
        from broadcaster.db.schema import check_schema
        from broadcaster.settings import Settings
        parts = build(Settings(data_dir={str(tmp_path)!r}), channels={{}})
        attrgetter(*{LOOKING_BACK.split(", ")!r})(parts)
        print([name for name in {NOT_FOR_LOOKING_BACK!r} if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_part_can_be_built_and_is_built_once(tmp_path):
    parts = build(Settings(data_dir=tmp_path), channels={})
    rooms = [vars(room).items() for room in type(parts).__mro__]
    names = [name for room in rooms for name, found in room if isinstance(found, part)]
    assert len(names) > 20
    assert all(getattr(parts, name) is getattr(parts, name) for name in names)
    parts.database.close()


class Slow:
    """Built slowly, as what imports a library first."""

    def __init__(self, building):
        self.building = building

    @part
    def made(self):
        time.sleep(0.05)
        return object()


def test_threads_that_ask_at_once_get_the_same_part(tmp_path):
    parts = build(Settings(data_dir=tmp_path), channels={})
    slow = Slow(parts.building)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: slow.made, range(4)))
    assert len(found) == 1
    parts.database.close()
