"""Options of entries and of users' functions."""

import pytest

from initsweep.core.errors import ParamsError
from initsweep.core.options import Options, check_arguments, parse_options


class Sample(Options):
    rate: float
    label: str = "x"


class Bare(Options):
    pass


def takes(first, second, rate, *, label="x"):
    pass


def takes_anything(first, second, **options):
    pass


def test_options_become_the_fields():
    assert parse_options(Sample, {"rate": 1, "label": "y"}, "room.sample") == Sample(
        rate=1.0, label="y"
    )


def test_all_mistakes_are_told_at_once_under_the_full_key():
    with pytest.raises(ParamsError) as caught:
        parse_options(Sample, {"rate": float("nan"), "labl": "y"}, "room.sample")
    first, second = str(caught.value).split("\n  ")
    assert first.startswith("room.sample.rate: input should be a finite number, received nan")
    assert second.startswith("room.sample.labl: unknown key. Did you mean 'label'?")


def test_an_entry_without_options_says_so():
    with pytest.raises(ParamsError, match=r"^room\.bare\.rate: unknown key; .*takes no options"):
        parse_options(Bare, {"rate": 1}, "room.bare")


@pytest.mark.parametrize(
    ("function", "options"),
    [(takes, {"rate": 1}), (takes, {"rate": 1, "label": "y"}), (takes_anything, {"rate": 1})],
)
def test_callabl_with_these_options(function, options):
    check_arguments(function, "a, b", options, "room.mine")


@pytest.mark.parametrize(
    ("function", "form", "options", "message"),
    [
        (takes, "a, b", {"rtae": 1}, r"room\.mine\.rtae: unknown key, received 1\. Did .* 'rate'"),
        (takes, "a, b", {"first": 1}, r"room\.mine\.first: unknown key"),
        (takes, "a, b", {}, r"room\.mine: it is called as \(a, b, \*\*options\).*'rate'"),
        (takes_anything, "a", {}, "missing a required argument: 'second'"),
        (takes_anything, "a, b, c", {}, "too many positional arguments"),
    ],
)
def test_not_callabl_with_these_options(function, form, options, message):
    with pytest.raises(ParamsError, match=message):
        check_arguments(function, form, options, "room.mine")
