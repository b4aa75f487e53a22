"""How warnings and lists of ours reach the user."""

import warnings

from initsweep.core.errors import InitsweepWarning, few, plain_warnings, unheard


def test_our_warnings_are_messages_and_others_are_as_ever():
    usual = warnings.formatwarning
    with plain_warnings():
        ours = warnings.formatwarning("The gain is 1.", InitsweepWarning, "apply.py", 3)
        other = warnings.formatwarning("Old.", DeprecationWarning, "apply.py", 3, "x = old()")
    assert ours == "initsweep: The gain is 1.\n"
    assert other == usual("Old.", DeprecationWarning, "apply.py", 3, "x = old()")
    assert warnings.formatwarning is usual


def test_of_what_is_unheard_a_command_prints_nothing():
    with plain_warnings():
        with unheard():
            assert not warnings.formatwarning("Old.", DeprecationWarning, "library.py", 3)
        assert warnings.formatwarning("Old.", DeprecationWarning, "library.py", 3)


def test_of_many_texts_the_first_few_are_shown():
    assert few([]) == ""
    assert few(["a", "b", "c"]) == "a, b, c"
    assert few(("a", "b", "c"), most=1, between="; ") == "a and 2 more"
    assert few("abcd", between="; ") == "a; b; c and 1 more"
