import copy

import pytest
import torch

from initsweep.engine.evaluate import predict
from initsweep.engine.lanes import Lane
from initsweep.engine.train_lanes import train_lanes


@pytest.mark.parametrize("kind", ["plain", "batch_norm", "dropout"])
def test_final_states_predict_what_training_evaluated(
    make_problem, training, optimizer, runtime, kind
):
    problem = make_problem(kind)
    results = train_lanes(
        problem,
        [Lane(learning_rate=0.05, seed=seed) for seed in range(3)],
        training=training(),
        optimizer=optimizer(),
        runtime=runtime(engine="auto"),
        keep_states=True,
    )
    outputs = predict(problem.model, results.final_states, problem.validation.features)
    assert outputs.shape == (3, 33, 3)
    losses = problem.loss(outputs, problem.validation.targets)
    assert losses.tolist() == pytest.approx(results.validation_loss[:, -1], rel=1e-5)


def test_the_template_is_left_alone(make_problem):
    problem = make_problem("batch_norm")
    model = copy.deepcopy(problem.model).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = {**problem.initial_state(0), **dict(model.named_buffers())}
    outputs = predict(model, [state, state], problem.validation.features)
    assert not outputs.requires_grad
    assert torch.equal(outputs[0], outputs[1])
    assert model.training
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], equal_nan=True, rtol=0, atol=0)
