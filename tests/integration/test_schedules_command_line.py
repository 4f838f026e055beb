"""`broadcaster schedule`: what is typed is what is written."""

from sqlalchemy import select

from broadcaster.db.engine import Database
from broadcaster.db.tables import schedule_version
from broadcaster.render.notices import shipped_example

DATABASES = ("sqlite",)
WELSH = {
    "service.cy": "Tip Poulton",
    "area.cy": "Wyre i gyd",
    "instead.cy": "y tip yn Preesall",
    "works.cy": "casgliadau o'r palmant",
    "source.cy": "Tim gwastraff, Cyngor Wyre",
    "reason": "=date",
    "reason.cy": "=date",
}


def versions(desk):
    database = Database(desk.url)
    try:
        with database.read() as tx:
            query = select(schedule_version.c.languages).order_by(schedule_version.c.id)
            return list(tx.execute(query).scalars())
    finally:
        database.close()


def test_a_schedule_is_in_the_languages_that_are_named_and_stays_in_them_until_others_are(desk):
    values = [part for name, text in WELSH.items() for part in ("--set", f"{name}={text}")]
    for name, text in shipped_example("service-disruption").items():
        if name not in WELSH:
            values += ["--set", f"{name}={text}"]
    when = ("--name", "Tip closed", "--start", "2030-01-04T09:00", "--channel", "website")
    made = desk.data_of(
        "schedule", "add", "service-disruption", *when, *values, "--language", "cy", who="officer"
    )
    desk.do("schedule", "change", made["reference"], "--name", "Tip", who="officer")
    desk.do("schedule", "change", made["reference"], "--language", "en", who="officer")
    assert versions(desk) == ["en cy", "en cy", ""]


def test_the_list_says_which_cannot_go_out_because_its_template_is_retired(desk):
    values = [
        part for n, text in shipped_example("service-disruption").items() for part in ("--set", f"{n}={text}")
    ]
    when = ("--name", "Tip closed", "--start", "2030-01-04T09:00", "--channel", "website")
    ref = desk.data_of("schedule", "add", "service-disruption", *when, *values, who="officer")["reference"]
    assert [each["problem"] for each in desk.data_of("schedule", "list", who="officer")] == [""]
    assert "cannot go out" not in desk.do("schedule", "list", who="officer")
    desk.do("template", "retire", "service-disruption", "--reason", "Told by the county", who="admin")
    (listed,) = desk.data_of("schedule", "list", who="officer")
    assert "Told by the county" in listed["problem"]
    assert "cannot go out" in desk.do("schedule", "list", who="officer")
    assert "Told by the county" in desk.refused("schedule", "change", ref, "--name", "Tip", who="officer")
