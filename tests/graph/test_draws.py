"""Draws that are turned aside: the numbers of the global generator, which stays where it is."""

import cProfile
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.func import vmap
from torch.nn import functional

from initsweep.graph.torch_generator import draws_by_lane, private_draws

ONES, EMPTY = torch.ones(2, 9, 3, 3), torch.empty(33, 17)
HALF, QUERY = torch.full((9,), 0.5), torch.ones(1, 2, 5, 4)
WAYS = {
    "rand": lambda: torch.rand(5),
    "randn": lambda: torch.randn(40),
    "randint": lambda: torch.randint(3, 9, (7,)),
    "randint below": lambda: torch.randint(9, (7,)),
    "randperm": lambda: torch.randperm(11),
    "rand_like": lambda: torch.rand_like(EMPTY),
    "randint_like": lambda: torch.randint_like(EMPTY, 2, 9),
    "bernoulli": lambda: torch.bernoulli(HALF),
    "multinomial": lambda: torch.multinomial(HALF, 5),
    "normal": lambda: torch.normal(HALF, 1.0),
    "poisson": lambda: torch.poisson(HALF),
    "uniform_": lambda: torch.empty(5).uniform_(),
    "exponential_": lambda: torch.empty(5).exponential_(),
    "orthogonal_": lambda: nn.init.orthogonal_(torch.empty(9, 5)),
    "trunc_normal_": lambda: nn.init.trunc_normal_(torch.empty(9, 5)),
    "dropout": lambda: functional.dropout(ONES),
    "dropout2d": lambda: functional.dropout2d(ONES),
    "alpha_dropout": lambda: functional.alpha_dropout(ONES, training=True),
    "rrelu": lambda: functional.rrelu(-ONES, training=True),
    "attention": lambda: functional.scaled_dot_product_attention(
        QUERY, QUERY, QUERY, dropout_p=0.3
    ),
    "layer": lambda: nn.Linear(5, 6).weight,
    "recurrent": lambda: nn.GRU(4, 5, 2, dropout=0.5)(torch.ones(3, 2, 4))[0],
    "a generator": lambda: torch.rand(5, generator=torch.Generator().manual_seed(4)),
    "elsewhere": lambda: torch.zeros(len(torch.empty(3, device="meta").uniform_())),
}


@pytest.mark.parametrize("draw", WAYS.values(), ids=WAYS)
def test_the_numbers_are_those_of_the_seed_and_the_global_generator_stays(draw):
    torch.manual_seed(7)
    expected = draw()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with private_draws(7):
        assert torch.equal(draw(), expected)
    assert torch.equal(torch.get_rng_state(), before)


LANES = {
    "dropout": lambda x: functional.dropout(functional.dropout(x, 0.3), 0.5),
    "dropout2d": lambda x: functional.dropout2d(x[None, :, :, None]),
    "alpha_dropout": lambda x: functional.alpha_dropout(x, training=True),
    "rand": lambda x: x + torch.rand(7),
    "randint": lambda x: x + torch.randint(9, (7,)),
    "randn_like": lambda x: x + torch.randn_like(x),
    "normal": lambda x: torch.normal(x, 1.0),
    "normal_": lambda x: torch.empty_like(x).normal_(0, 2),
    "bernoulli": lambda x: torch.bernoulli(x.sigmoid()),
    "gumbel": functional.gumbel_softmax,
    "attention": lambda x: functional.scaled_dot_product_attention(
        x[None], x[None], x[None], dropout_p=0.3
    ),
}


def drawn_by_lane(draw, x):
    with draws_by_lane([torch.Generator().manual_seed(lane) for lane in range(len(x))]):
        return vmap(draw, randomness="different")(x)


@pytest.mark.parametrize("draw", LANES.values(), ids=LANES)
def test_each_lane_draws_what_it_would_alone(draw):
    x = torch.randn(4, 5, 7, generator=torch.Generator().manual_seed(3))
    before = torch.get_rng_state()
    for lanes in (1, 3, 4):
        stacked = drawn_by_lane(draw, x[:lanes])
        for lane in range(lanes):
            with private_draws(lane):
                assert torch.equal(stacked[lane], draw(x[lane]))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "draw", [lambda x: x[torch.randperm(5)], lambda x: x.softmax(-1).multinomial(2)]
)
def test_what_cannot_be_drawn_by_lane_is_refused(draw):
    with pytest.raises(RuntimeError, match="draws in a way"):
        drawn_by_lane(draw, torch.ones(3, 5, 7))


def test_what_was_done_is_told():
    with private_draws(0) as done:
        torch.ones(3).add(1)
        assert not done.drawn
        functional.dropout(ONES)
        functional.dropout(torch.ones(3, 5).T)
        assert done.drawn == {(ONES.shape, True), ((5, 3), False)}
        assert not done.handled
        torch.manual_seed(3)
        assert done.handled
    assert torch.ops.aten.bernoulli_.float in done.operations


def test_gradients_of_what_was_dropped():
    x = torch.ones(50, requires_grad=True)
    torch.manual_seed(7)
    functional.dropout(x * 2).sum().backward()
    expected, x.grad = x.grad, None
    with private_draws(7):
        functional.dropout(x * 2).sum().backward()
    assert torch.equal(x.grad, expected)


def forked():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        inside = torch.rand(2)
    return torch.cat([inside, torch.rand(2)])


def put_back():
    state = torch.get_rng_state()
    first = torch.rand(2)
    torch.set_rng_state(state)
    return torch.cat([first, torch.rand(2)])


def refused():
    with pytest.raises(RuntimeError):
        torch.default_generator.manual_seed("seven")
    return torch.rand(2)


OWN_SEEDS = {
    "once": lambda: (torch.rand(2), torch.manual_seed(5), torch.rand(2))[2],
    "the seed that the process has": lambda: (torch.manual_seed(42), torch.rand(2))[1],
    "twice the same": lambda: torch.cat(
        [torch.rand(2, generator=torch.manual_seed(5)) for _ in range(2)]
    ),
    "for a while": forked,
    "put back": put_back,
    "refused": refused,
    "read": lambda: torch.tensor(torch.initial_seed()),
}


@pytest.mark.parametrize("own", OWN_SEEDS.values(), ids=OWN_SEEDS)
@pytest.mark.parametrize("drawn", [0, 3])
@pytest.mark.parametrize("profiled", [False, True])
def test_code_that_seeds_itself_is_followed_and_leaves_nothing(own, drawn, profiled):
    torch.manual_seed(7)
    expected, after = own(), torch.rand(3)
    torch.manual_seed(42)
    torch.rand(drawn)
    before = torch.get_rng_state()
    with cProfile.Profile() if profiled else nullcontext():
        listening = sys.getprofile()
        with private_draws(7):
            assert torch.equal(own(), expected)
            with private_draws(1):
                torch.manual_seed(2)
            assert torch.equal(torch.rand(3), after)
        assert sys.getprofile() is listening
    assert torch.equal(torch.get_rng_state(), before)


def test_draws_go_on_where_a_generator_is():
    generator = torch.Generator().manual_seed(7)
    parts = []
    for _ in range(2):
        with private_draws(generator):
            parts.append(torch.rand(2))
    torch.manual_seed(7)
    assert torch.equal(torch.cat(parts), torch.cat([torch.rand(2), torch.rand(2)]))


@pytest.mark.usefixtures("restless_threads")
def test_every_thread_has_its_own():
    def drawn(seed):
        with private_draws(seed):
            first = torch.cat([torch.rand(2) for _ in range(50)])
        with private_draws(seed):
            torch.manual_seed(seed + 1)
            return torch.cat([first, torch.rand(2)])

    expected = [drawn(seed) for seed in range(8)]
    stop = threading.Event()

    def disturb():
        while not stop.is_set():
            torch.manual_seed(0)
            torch.rand(3)

    with ThreadPoolExecutor(5) as pool:
        disturbing = pool.submit(disturb)
        for _ in range(5):
            found = pool.map(drawn, range(8))
            assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
        stop.set()
        disturbing.result()
    assert not torch.utils._python_dispatch._is_in_torch_dispatch_mode
