import pytest

from hookline.errors import ConfigError
from hookline.session.environment import interpolate, read_dotenv


def write(folder, text):
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_lines_of_a_dotenv_file_are_read(tmp_path):
    text = """\
# a comment

PLAIN=value
 SPACED = with spaces inside   # and a comment
export EXPORTED=1
HASH=a#b
EMPTY=
SINGLE='$literal # \\n "x"'  # comment
DOUBLE="line\\nbreak \\"quoted\\" # no comment"
"""
    assert read_dotenv(write(tmp_path, text)) == {
        "PLAIN": "value",
        "SPACED": "with spaces inside",
        "EXPORTED": "1",
        "HASH": "a#b",
        "EMPTY": "",
        "SINGLE": '$literal # \\n "x"',
        "DOUBLE": 'line\nbreak "quoted" # no comment',
    }


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")
    assert read_dotenv(path) == {"A": "1", "B": "2"}


def test_an_absent_file_has_no_variables(tmp_path):
    assert read_dotenv(tmp_path / ".env") == {}


@pytest.mark.parametrize("line", ["secret", "A B=secret", "=secret", "A='secret", 'A="secret" secret'])
def test_a_wrong_line_is_named_by_its_number_and_never_shown(tmp_path, line):
    path = write(tmp_path, f"OK=1\n{line}\n")
    with pytest.raises(ConfigError) as raised:
        read_dotenv(path)
    assert str(raised.value).startswith(f"{path}:2: ")
    assert "secret" not in str(raised.value)


def test_an_empty_variable_counts_as_unset_where_a_default_is_given():
    assert interpolate("${A:-x}", {"A": ""}) == "x"
    assert interpolate("${A}", {"A": ""}) == ""


def test_a_missing_variable_raises_its_name():
    with pytest.raises(KeyError, match="NAME"):
        interpolate("a ${NAME} b", {})


def test_a_dollar_alone_is_text():
    assert interpolate("$5 and $NAME and $${X}", {}) == "$5 and $NAME and ${X}"
