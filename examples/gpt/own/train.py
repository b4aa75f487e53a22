"""A character-level GPT on the manual that ships with Python, in a plain PyTorch loop."""

from pydoc_data.topics import topics

import torch
from gpt import GPT
from torch.nn.functional import cross_entropy

TEXT = torch.tensor(list("\n".join(topics.values()).encode("ascii", "replace")))
TRAIN, VALIDATION, TEST = TEXT[:320_000], TEXT[320_000:390_000], TEXT[390_000:]


def batch_of(text, starts):
    windows = text[starts[:, None] + torch.arange(33)]
    return windows[:, :-1], windows[:, 1:]


def loss_of(scores, batch):
    return cross_entropy(scores.flatten(0, 1), batch[1].flatten())


def train(run):
    model = run.initialize(GPT(128, 32))
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.learning_rate)
    held_out = torch.arange(0, 69_000, 500)
    validation, test = batch_of(VALIDATION, held_out), batch_of(TEST, held_out)
    run.example_batch(validation, loss_of)
    for epoch in range(run.options["epochs"]):
        for _ in range(run.options["steps"]):
            batch = batch_of(TRAIN, torch.randint(len(TRAIN) - 32, (32,)))
            loss = loss_of(model(batch[0]), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            worth = loss_of(model(validation[0]), validation)
        run.report(epoch=epoch, train_loss=loss, validation_loss=worth)
    if run.is_final:
        with torch.no_grad():
            run.report_test(loss=loss_of(model(test[0]), test), model=model)
