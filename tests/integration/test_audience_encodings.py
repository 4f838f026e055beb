"""Audiences from files in any encoding: no number is lost, and what is no list is refused."""

import codecs

import pytest

from broadcaster.domain.errors import Invalid
from tests.integration.audience_files import GOOD, counts, csv_file, many, number, stored

DATABASES = ("sqlite",)

TABLE = f"Größe;Mobile\nMüller;{number(1)}\nŠkoda;{number(2)}\nZoë;{number(3)}\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TABLE.encode(), "utf-8"),
        (TABLE.encode("utf-8-sig"), "utf-8-sig"),
        (TABLE.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"), "utf-16"),
        (TABLE.encode("utf-32"), "utf-32"),
        (TABLE.encode("utf-16-le"), "utf-16-le"),
        (TABLE.encode("utf-16-be"), "utf-16-be"),
        (TABLE.replace("\n", "\r\n").encode("cp1252"), "cp1252"),
        (TABLE.replace("\n", "\r").encode(), "utf-8"),
    ],
)
def test_any_encoding_is_read(database, import_csv, tmp_path, content, encoding):
    result = import_csv(csv_file(tmp_path, content))
    assert [n for n, _ in stored(database)] == [number(1), number(2), number(3)]
    assert (result.encoding, result.column, result.problems) == (encoding, "Mobile", 0)


@pytest.mark.parametrize(
    "encoding", ["latin_1", "cp1250", "mac_roman", "cp850", "cp1251", "gb18030", "shift_jis"]
)
def test_whatever_the_old_encoding_no_number_is_lost(database, import_csv, tmp_path, encoding):
    name = {"cp1251": "Щербаков", "gb18030": "张伟", "shift_jis": "表示ソ"}.get(encoding, "Müller é")
    lines = ["name,mobile", *(f"{name},{number(n)}" for n in range(50))]
    result = import_csv(csv_file(tmp_path, "\n".join(lines).encode(encoding)))
    assert [n for n, _ in stored(database)] == [number(n) for n in range(50)]
    assert result.problems == 0


def test_a_byte_that_is_not_utf8_far_down_is_noticed(import_csv, tmp_path):
    path = many(tmp_path, 2000)
    with path.open("ab") as file:
        file.write("Zoë\n".encode("cp1252"))
    result = import_csv(path)
    assert (result.encoding, result.count, result.problems) == ("cp1252", 2000, 1)


def test_letters_of_another_alphabet_tell_their_encoding(import_csv, tmp_path):
    table = f"имя,mobile\nЩербаков Иван Петрович,{GOOD}\nЖуков Юрий,{number(2)}\n"
    path = csv_file(tmp_path, table.encode("cp1251"))
    assert (import_csv(path).encoding, import_csv(path).column) == ("cp1251", "mobile")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "file is empty"),
        (b"\n\n", "no rows"),
        (b"PK\x03\x04rest", "spreadsheet, not a CSV"),
        (b"name,town\nann,York\n", "No column with phone numbers"),
    ],
)
def test_a_file_that_is_no_list_is_refused(database, import_csv, tmp_path, content, words):
    with pytest.raises(Invalid, match=words):
        import_csv(csv_file(tmp_path, content))
    assert counts(database) == (0, 0, 0, 0)
