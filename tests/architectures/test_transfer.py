"""A trained backbone and a new head: what is loaded, what is frozen, which mistakes are told."""

import copy
import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from initsweep.architectures import build_model
from initsweep.architectures.transfer import head_parameters, transfer_
from initsweep.core.errors import DataError, ParamsError
from initsweep.core.params import Optimizer, Runtime, Training, Transfer
from initsweep.engine.lanes import Lane, Problem, Split
from initsweep.engine.train_lanes import train_lanes
from initsweep.initializers import initialize_

MLP = {"depth": 2, "width": 6, "activation": "relu", "norm": "batch", "residual": False}


def network(n_outputs=3):
    return build_model("mlp", MLP, n_features=4, n_outputs=n_outputs)


@pytest.fixture
def trained(tmp_path):
    """A file of a network with five classes, none of its values as built, and its tensors."""
    state = initialize_(network(5), "he_normal", 3).state_dict()
    generator = torch.Generator().manual_seed(1)
    for name, value in state.items():
        if value.is_floating_point():
            value += torch.rand(value.shape, generator=generator)
        state[name] = value.contiguous()
    save_file(state, tmp_path / "trained.safetensors")
    return tmp_path / "trained.safetensors", state


def settings(file, **changes):
    values = {
        "pretrained": str(file),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "0" * 64,
        "head": "head",
        "frozen": ["hidden.0.*"],
    }
    return Transfer.model_validate_json(json.dumps(values | changes))


def test_all_but_the_head_comes_from_the_file_and_only_what_matches_is_frozen(trained):
    file, state = trained
    model = transfer_(network(), settings(file))
    for name, value in model.state_dict().items():
        if name.startswith("head."):
            assert not value.any()  # waiting for its initializer
        else:
            assert torch.equal(value, state[name])
    frozen = {name for name, one in model.named_parameters() if not one.requires_grad}
    assert frozen == {n for n, _ in model.named_parameters() if n.startswith("hidden.0.")}
    assert head_parameters(model, "head") == {"head.weight", "head.bias"}


def test_a_star_freezes_everything_but_the_head(trained):
    model = transfer_(network(), settings(trained[0], frozen=["*"]))
    assert {n for n, one in model.named_parameters() if one.requires_grad} == {
        "head.weight",
        "head.bias",
    }


def test_frozen_batch_norm_keeps_its_statistics_and_a_copy_of_it_too(trained):
    model = copy.deepcopy(transfer_(network(), settings(trained[0]))).train()
    before = copy.deepcopy(model.state_dict())
    batch = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    model(batch)
    after = model.state_dict()
    assert torch.equal(after["hidden.0.norm.running_mean"], before["hidden.0.norm.running_mean"])
    moved = "hidden.1.norm.running_mean"
    assert not torch.equal(after[moved], before[moved])
    assert isinstance(model.hidden[0].norm, nn.BatchNorm1d)


@pytest.mark.parametrize("engine", ["auto", "torch", "reference"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_no_path_moves_what_is_frozen(trained, default_content, engine, optimizer):
    model = transfer_(network(), settings(trained[0]))
    generator = torch.Generator().manual_seed(0)
    split = Split(
        features=torch.randn(40, 4, generator=generator),
        targets=torch.randint(3, (40,), generator=generator),
    )
    start = {name: one.detach().clone() for name, one in model.named_parameters()}
    start["head.weight"] = torch.randn(3, 6, generator=generator)

    def loss(outputs, targets):
        logs = outputs.log_softmax(-1)
        chosen = targets.expand(outputs.shape[:-1]).unsqueeze(-1)
        return -logs.gather(-1, chosen).squeeze(-1).mean(-1)

    problem = Problem(
        model=model,
        initial_state=lambda seed: start,
        train=split,
        validation=split,
        loss=loss,
        score=loss,
        loss_name="cross_entropy",
        constant_loss=1.1,
    )
    results = train_lanes(
        problem,
        [Lane(learning_rate=0.1, seed=seed) for seed in range(2)],
        training=Training.model_validate(
            default_content["training"] | {"epochs": 3, "batch_size": 10}
        ),
        optimizer=Optimizer.model_validate(
            default_content["optimizer"] | {"name": optimizer, "weight_decay": 0.1}
        ),
        runtime=Runtime(
            device="cpu",
            engine=engine,
            threads=1,
            lanes_per_chunk="auto",
            workers=1,
            keep_every_minutes=5.0,
        ),
        keep_states=True,
    )
    if engine == "auto":
        assert "frozen" in results.engine  # why the kernels do not train it
    for state in results.final_states:
        for name, one in model.named_parameters():
            assert torch.equal(state[name], start[name]) != one.requires_grad, name
        for name, buffer in model.named_buffers():
            assert torch.equal(state[name], buffer) == name.startswith("hidden.0."), name


def test_mistakes_are_named_with_key_value_and_remedy(trained, tmp_path):
    file, state = trained
    pickled = tmp_path / "pickled.pt"
    torch.save(state, pickled)
    lacking = tmp_path / "lacking.safetensors"
    save_file({n: v for n, v in state.items() if n != "hidden.1.linear.weight"}, lacking)
    other = tmp_path / "other.safetensors"
    save_file({**state, "hidden.0.linear.weight": torch.zeros(2, 2), "stem": torch.ones(1)}, other)
    for one, error, parts in (
        (settings(file, head="haed"), ParamsError, ["transfer.head", "'haed'", "mean 'head'"]),
        (settings(file, frozen=["hidn.*"]), ParamsError, ["transfer.frozen", "'hidn.*'"]),
        (settings(file, frozen=["head.*"]), ParamsError, ["outside the head"]),
        (settings(file, sha256="1" * 64), DataError, ["sha256", "has the checksum", "11111"]),
        (settings(tmp_path / "none"), DataError, ["pretrained", "there is no file"]),
        (settings(pickled), DataError, ["no safetensors file", "save_file"]),
        (settings(lacking), DataError, ["it lacks hidden.1.linear.weight"]),
        (
            settings(other),
            DataError,
            ["stem", "hidden.0.linear.weight (2, 2) of torch.float32 instead of (6, 4)"],
        ),
    ):
        with pytest.raises(error) as caught:
            transfer_(network(), one)
        assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_what_a_file_lacks_is_listed_in_order(trained, tmp_path):
    _, state = trained
    file = tmp_path / "headless.safetensors"
    save_file({name: value for name, value in state.items() if name.startswith("head.")}, file)
    with pytest.raises(DataError) as caught:
        transfer_(network(), settings(file))
    listed = str(caught.value).partition("it lacks ")[2].partition(" and ")[0].split(", ")
    assert len(listed) > 3
    assert listed == sorted(listed)
