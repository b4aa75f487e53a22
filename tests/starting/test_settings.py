"""The options of `init` that stand for keys of params.yaml."""

import pytest

from initsweep.starting.settings import as_options, values_of


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("loss", {"task.select_by": "loss"}),
        ("accuracy", {"task.select_by": "score", "task.score": "accuracy"}),
        ("my_scores:f1", {"task.select_by": "score", "task.score": "my_scores:f1"}),
    ],
)
def test_what_to_choose_by_is_asked_for_by_name(by, expected):
    assert values_of({"by": by}) == expected


def test_an_unknown_score_is_told_in_the_words_of_the_command_line():
    said = as_options("task.score: received 'f2'. Use auto, accuracy.", {"task.score": "--by"})
    assert said == "--by: received 'f2'. Use auto, accuracy."
