"""External series join the bars by when their values became available."""

import msgspec
import numpy as np
import pytest
from columns_data import MONDAY, NS, closes, compute, streamed

from hookline.columns import Bars, Batch, ExternalSeries, Stream, external
from hookline.errors import ConfigError, DataError
from hookline.model import Bar

bars = Bars()
nan = float("nan")


def known(*rows: tuple[int, float]) -> ExternalSeries:
    """Values by seconds after the first bar's start."""
    time = np.array([(MONDAY + second) * NS for second, _ in rows], dtype=np.int64)
    return ExternalSeries(time, np.array([value for _, value in rows], dtype=float))


def same(found: object, expected: list[float]) -> bool:
    return np.array_equal(np.asarray(found), np.array(expected, dtype=float), equal_nan=True)


def test_the_last_value_available_at_the_end_of_the_bar_is_seen() -> None:
    # Bars end at 60, 120, 180 and 240; a value counts from the very end at which it is available.
    given = {"funding": known((61, 1.0), (180, 2.0), (239, 3.0), (240, 4.0), (999, 5.0))}
    series = closes("1 1 1 1")
    assert same(compute(series, external("funding"), external=given)[0], [nan, 1, 2, 4])
    assert same(streamed(series, [external("funding")], given)[0], [nan, 1, 2, 4])


def test_an_unknown_value_ends_a_known_one() -> None:
    given = {"score": known((60, 1.0), (120, nan))}
    assert same(compute(closes("1 1 1"), external("score"), external=given)[0], [1, nan, nan])


def test_on_a_higher_timeframe_the_end_of_its_own_bar_counts() -> None:
    given = {"funding": known((100, 1.0), (200, 2.0))}
    series = closes("1 1 1 1")
    # The first two-minute bar ends at 120; on its third minute the base already knows of the value of 200, it does not.
    column = bars.at("2m").external("funding")
    assert same(compute(series, column, external=given)[0], [nan, 1, 1, 2])
    # With its last minute missing, that bar closes at 180 and still knows only what there was at 120.
    late = {"funding": known((100, 1.0), (170, 2.0))}
    assert same(compute(closes("1 . 1 1"), column, external=late)[0], [nan, 1, 2])
    assert same(streamed(closes("1 . 1 1"), [column], late)[0], [nan, 1, 2])


def test_a_stream_learns_values_as_they_come() -> None:
    stream = Stream([external("funding")], "1m", {"funding": known()})
    series = closes("1 1 1")
    assert same(stream.update(series.bar(0)), [nan])
    stream.learn("funding", (MONDAY + 110) * NS, 0.5)
    stream.learn("funding", (MONDAY + 130) * NS, 0.7)
    assert stream.update(series.bar(1)) == (0.5,)
    assert stream.update(series.bar(2)) == (0.7,)
    with pytest.raises(
        DataError, match="external series 'funding': time must rise, was 2024-01-01T00:02:10Z after"
    ):
        stream.learn("funding", (MONDAY + 130) * NS, 0.7)


@pytest.mark.parametrize(
    "driver",
    [
        lambda c, given: Batch(closes("1 2"), given).compute([c]),
        lambda c, given: Stream([c], "1m", given),
    ],
)
def test_a_missing_series_is_named(driver: object) -> None:
    column = external("fundig") + bars.close
    with pytest.raises(ConfigError) as caught:
        driver(column, {"funding": known()})  # type: ignore[operator]
    rule = "external series 'fundig' must be given under 'external', there are 'funding'"
    assert str(caught.value) == rule


def test_times_that_do_not_rise_are_refused() -> None:
    with pytest.raises(
        DataError, match="row 2: time must rise, was 2024-01-01T00:01:00Z after 2024-01-01T00:01:00Z"
    ):
        known((0, 1.0), (60, 2.0), (60, 3.0))
    with pytest.raises(DataError, match="equally long, were 2 and 1"):
        ExternalSeries(np.array([1, 2]), np.array([1.0]))


def test_a_stream_refuses_bars_that_do_not_belong() -> None:
    stream = Stream([Bars("X").close], "1m")
    first, second = (closes("1 2").bar(index) for index in range(2))
    with pytest.raises(DataError, match="columns of 'X': bars must be of this symbol, was 'Y'"):
        stream.update(msgspec.structs.replace(first, symbol="Y"))
    with pytest.raises(DataError, match="X 1m: a bar must last 1m"):
        stream.update(msgspec.structs.replace(first, end=first.end + 1))
    assert stream.update(second) == (2.0,)
    for again in (first, second):
        with pytest.raises(DataError, match="X 1m: bars must follow one another"):
            stream.update(again)


def test_columns_of_another_symbol_are_refused() -> None:
    with pytest.raises(ValueError, match="columns: must be columns of 'X', were of 'BTC'"):
        Batch(closes("1 2")).compute([Bars("BTC").close])
    with pytest.raises(ValueError, match="columns: must be columns of one symbol, were of 'BTC', 'ETH'"):
        Stream([Bars("BTC").close, Bars("ETH").close], "1m")


def test_unnamed_bars_take_any_symbol() -> None:
    bar = Bar("ANY", MONDAY * NS, (MONDAY + 60) * NS, 1.0, 1.0, 1.0, 1.0, 1.0)
    assert Stream([bars.close], "1m").update(bar) == (1.0,)
