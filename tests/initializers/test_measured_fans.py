"""Computed fans of every kind of layer against the variances that layers show when run."""

import pytest

from benchmarks.measure_fans import CASES, measurements


@pytest.fixture(scope="module")
def measured():
    return list(measurements())


def test_every_case_is_measured(measured):
    assert {one.module for one in measured} == set(CASES)
    assert len(measured) == 56


def test_forward_and_backward_variances_agree_with_the_fans(measured):
    wrong = {
        f"{one.module} {one.layer.name}": (
            one.layer.fan_in,
            one.fan_in,
            one.layer.fan_out,
            one.fan_out,
        )
        for one in measured
        if one.fan_in != pytest.approx(one.layer.fan_in, rel=0.015)
        or one.fan_out != pytest.approx(one.layer.fan_out, rel=0.015)
    }
    assert not wrong


def test_torch_s_own_count_fails_where_it_is_known_to(measured):
    """The comparison has power: torch's fans of these layers are far off what is measured."""
    off = {
        one.module
        for one in measured
        if one.torch_fans[0] != pytest.approx(one.fan_in, rel=0.1)
        or one.torch_fans[1] != pytest.approx(one.fan_out, rel=0.1)
    }
    assert "ConvTranspose2d(64, 32, 3)" in off
    assert "Conv2d(64, 128, 3, groups=64), depthwise" in off
    assert "MultiheadAttention(96, 4)" in off
    assert "LSTM(64, 96)" in off
    assert "Linear(256, 128)" not in off
