"""A notice template as a file: what is written reads as what it was."""

from dataclasses import replace

import pytest

from broadcaster.render.notice_toml import notice_toml
from broadcaster.render.notices import read_notice, shipped_notice, shipped_notices


@pytest.mark.parametrize("name", sorted(shipped_notices()))
def test_a_template_written_as_a_file_reads_the_same(name):
    template = shipped_notice(name)
    assert read_notice(notice_toml(template).encode(), name=name, file="x").sha256 == template.sha256


def test_a_file_keeps_quotes_backslashes_and_line_ends_of_a_wording():
    area = '((area)) "quoted" \\n C:\\new """ \x7f\n\nend'
    odd = replace(shipped_notice("flood"), wording={**shipped_notice("flood").wording, "area": area})
    assert read_notice(notice_toml(odd).encode(), name="flood", file="x") == odd
