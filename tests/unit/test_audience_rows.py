"""Reading rows and columns out of lines, and single numbers: no files, no database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.domain.audience import MAX_LINE_CHARS, find_layout, read_rows
from broadcaster.domain.errors import Invalid
from broadcaster.service.audience_file import e164


def is_number(cell):
    return cell.strip().lstrip("+").isdecimal() and len(cell.strip()) > 8


def layout(*lines, column=""):
    return find_layout([f"{line}\n" for line in lines], is_number, column)


NUMBER = "+447700900001"


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends():
    lines = ['"Smith, J",1\n', '"5"" pipe",2\n', '"one\n', 'two",3\n', "last,4\n"]
    assert list(read_rows(lines, ",")) == [
        (1, ["Smith, J", "1"]),
        (2, ['5" pipe', "2"]),
        (3, ["one\ntwo", "3"]),
        (5, ["last", "4"]),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_row_only():
    lines = ["a,1\n", '"b,2\n', *(f"c,{n}\n" for n in range(30))]
    rows = list(read_rows(lines, ","))
    assert [no for no, cells in rows if isinstance(cells, str)] == [2]
    assert [cells for _, cells in rows[2:]] == [["c", str(n)] for n in range(30)]


def test_a_quote_that_the_next_quote_seems_to_close_costs_its_own_row_only():
    rows = list(read_rows(['"a,1\n', '"b",2\n'], ","))
    assert rows == [(1, "the quotation marks in the row do not pair up"), (2, ["b", "2"])]


@given(st.lists(st.text(st.sampled_from('ab,";|\t\0 1'), max_size=12), max_size=30))
def test_whatever_the_lines_every_row_without_quotes_is_read_as_it_stands(texts):
    rows = list(read_rows([f"{text}\n" for text in texts], ","))
    numbers = [no for no, _ in rows]
    assert numbers == sorted(set(numbers))
    read = dict(rows)
    for no, text in enumerate(texts, 1):
        if no in read and '"' not in text and "\0" not in text:
            assert read[no] == text.split(",")


@given(st.lists(st.text(st.sampled_from("ab1 "), max_size=8), min_size=1, max_size=20))
def test_lines_without_quotes_are_never_lost(texts):
    assert [cells for _, cells in read_rows([f"{t}\n" for t in texts], ",")] == [[t] for t in texts]


def test_a_line_without_end_is_one_bad_row():
    rows = list(read_rows(["x" * MAX_LINE_CHARS, f"{NUMBER}\n"], ","))
    assert rows == [(1, "the row is longer than 10,000 characters"), (2, [NUMBER])]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_lines(sign):
    found = layout(sign.join(["name", "phone"]), sign.join(["Smith J", NUMBER]))
    assert (found.delimiter, found.number_at, found.width) == (sign, 1, 2)


def test_commas_inside_names_do_not_win_over_semicolons():
    assert layout("name;phone", f"Smith, J;{NUMBER}", f"Brown, K;{NUMBER}").delimiter == ";"


def test_excels_own_line_names_the_delimiter_and_is_no_row():
    found = layout("sep=|", "name|phone", f"a,b|{NUMBER}")
    assert (found.delimiter, found.header_row, found.column) == ("|", 2, "phone")


@pytest.mark.parametrize(
    "name",
    ["Mobile", " PHONE ", "Contact_Number", "contact number", "TEL.", "msisdn", "Telephone-No", "number"],
)
def test_the_column_is_found_by_its_name(name):
    found = layout(f"id,{name},other", f"123456789,{NUMBER},447700900009")
    assert (found.column, found.number_at, found.header_row) == (name.strip(), 1, 1)


def test_a_mobile_is_preferred_to_another_phone():
    assert layout("phone,mobile", f"{NUMBER},{NUMBER}").column == "mobile"


def test_without_a_known_name_the_column_is_found_by_what_is_in_it():
    assert layout("who,where", f"ann,{NUMBER}", f"bob,{NUMBER}").column == "where"


def test_without_a_header_the_first_row_counts():
    found = layout(f"ann,{NUMBER}", f"bob,{NUMBER}")
    assert (found.header_row, found.column, found.number_at) == (0, "2", 1)


def test_numbers_of_customers_do_not_win_over_phone_numbers():
    assert layout("who,where", f"1000000001,{NUMBER}", f"1000000002,{NUMBER}").column == "where"


def test_the_column_with_the_language_is_found():
    assert layout("phone,Preferred Language", f"{NUMBER},cy").language_at == 1
    assert layout("phone,name", f"{NUMBER},cy").language_at is None


@pytest.mark.parametrize(("column", "at"), [("Home", 1), ("home", 1), ("2", 1), ("1", 0)])
def test_the_column_can_be_chosen(column, at):
    assert layout("mobile,Home", f"{NUMBER},{NUMBER}", column=column).number_at == at


def test_a_column_that_is_not_there_gets_the_nearest_name():
    with pytest.raises(Invalid, match=r'There is no column "mobil".*Did you mean "mobile"'):
        layout("mobile,name", f"{NUMBER},ann", column="mobil")


def test_a_file_without_a_header_shows_none_of_its_numbers():
    with pytest.raises(Invalid, match="place, 1 to 2") as caught:
        layout(f"{NUMBER},ann", column="mobile")
    assert "7700" not in str(caught.value)


@pytest.mark.parametrize("lines", [[], ["", "  "], [",,"]])
def test_a_file_without_rows_is_refused(lines):
    with pytest.raises(Invalid, match="no rows"):
        layout(*lines)


def test_a_file_without_numbers_is_refused():
    with pytest.raises(Invalid, match="No column with phone numbers"):
        layout("name,town", "ann,York")


@pytest.mark.parametrize(
    "cell",
    [
        "+447700900123",
        "07700 900123",
        "7700900123",  # a spreadsheet dropped the zero
        "447700900123",  # or the plus
        "00447700900123",
        "+44 (0)7700 900-123",
        "447700900123.0",
        '="07700900123"',
        "'07700900123",
        "\u202a+447700900123\u202c",
        "\u00a007700\u00a0900123 ",
        "٠٧٧٠٠٩٠٠١٢٣",
    ],
)
def test_one_number_however_it_is_written(cell):
    assert e164(cell, "GB") == "+447700900123"


def test_a_number_of_another_country_is_read_by_its_code_or_by_the_region():
    assert e164("+33 6 12 34 56 78", "GB") == "+33612345678"
    assert e164("06 12 34 56 78", "FR") == "+33612345678"


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "there is no phone number"),
        ("7.7009E+11", "a spreadsheet has turned the number into a power of ten"),
        ("7,7009e11", "a spreadsheet has turned the number into a power of ten"),
        ("0800 FLOWERS", "letters among the digits"),
        ("07700900123 or 07700900456", "letters among the digits"),
        ("07700900123/07700900456", "is not a phone number"),
        ("0770090012345678", "ending in 678 is too long"),
        ("077009", "too short"),
        ("0770", "too short"),
        ("900123", "lacks its area code"),
        ("+999700900123", "not a phone number"),
        ("07700900123#12", "has an extension"),
        ("770090000000", "ending in 000 is too long"),
        ("-", "is not a phone number"),
    ],
)
def test_a_cell_that_is_no_number_is_refused_without_being_shown(cell, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        e164(cell, "GB")
    digits = "".join(filter(str.isdecimal, cell))
    for start in range(len(digits) - 3):
        assert digits[start : start + 4] not in str(caught.value)
