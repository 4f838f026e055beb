"""A page of the public site is read while the next publication puts another one in its place."""

import asyncio

import pytest
from starlette.staticfiles import StaticFiles

from broadcaster.web.site import PublicSite
from tests.integration.test_web import ask

DATABASES = ("sqlite",)

OLD, NEW = "x" * 10, "A flood warning. " * 5_000


class Published(StaticFiles):
    """Puts another page there once the first was found."""

    after = OLD

    def lookup_path(self, path):
        found = super().lookup_path(path)
        fresh = self.directory / "fresh"
        fresh.write_text(self.after)
        fresh.replace(self.directory / "index.html")
        return found


class Site(PublicSite, Published):
    pass


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (NEW, OLD)])
def test_a_reader_gets_all_of_one_page_while_another_takes_its_place(tmp_path, before, after):
    (tmp_path / "index.html").write_text(before)
    site = Site(directory=tmp_path)
    site.after = after
    answer = asyncio.run(ask(site, "/index.html"))
    assert answer.status == 200
    assert answer.body.decode() in {before, after}
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.headers["cache-control"].startswith("max-age=30")
