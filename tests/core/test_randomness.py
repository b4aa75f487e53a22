import numpy as np
import torch

from initsweep.core.randomness import batch_order, numpy_stream, stream_seed, torch_stream


def test_seeds_are_fixed_for_all_time():
    # A change here changes every result that was ever computed.
    assert stream_seed("weights", 0, "head.weight") == 8233195913392777741
    assert stream_seed() != stream_seed("")


def test_neighbouring_addresses_are_different_streams():
    addresses = [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("1",), (1,)]
    assert len({stream_seed(*address) for address in addresses}) == len(addresses)


def test_a_stream_starts_at_the_same_place_every_time():
    first = torch.randn(5, generator=torch_stream("a", 1))
    assert torch.equal(first, torch.randn(5, generator=torch_stream("a", 1)))
    assert not torch.equal(first, torch.randn(5, generator=torch_stream("a", 2)))
    assert np.array_equal(numpy_stream("a").random(3), numpy_stream("a").random(3))


def test_the_global_generator_plays_no_part():
    torch.manual_seed(1)
    first = batch_order(seed=3, epoch=2, n_examples=50)
    torch.manual_seed(2)
    assert torch.equal(first, batch_order(seed=3, epoch=2, n_examples=50))


def test_batch_order_is_a_permutation_that_changes_with_seed_and_epoch():
    order = batch_order(seed=0, epoch=0, n_examples=100)
    assert torch.equal(order.sort().values, torch.arange(100))
    assert not torch.equal(order, batch_order(seed=0, epoch=1, n_examples=100))
    assert not torch.equal(order, batch_order(seed=1, epoch=0, n_examples=100))
