"""An LSTM on the adding problem: the sum of the two numbers of a sequence that are marked."""

import torch
from torch import nn
from torch.nn.functional import mse_loss


class Adder(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.lstm, self.last = nn.LSTM(2, width, batch_first=True), nn.Linear(width, 1)

    def forward(self, sequences):
        return self.last(self.lstm(sequences)[0][:, -1]).squeeze(1)


def sequences(count, length, seed):
    draws = torch.Generator().manual_seed(seed)
    numbers, order = torch.rand(2, count, length, generator=draws)
    marked = order.argsort(1) < 2
    return torch.stack([numbers, marked], 2), (numbers * marked).sum(1)


def train(run):
    train, other, test = (sequences(n, run.options["length"], n) for n in (2000, 500, 501))
    model = run.initialize(Adder())
    optimizer = torch.optim.Adam(model.parameters(), lr=run.learning_rate)
    run.example_batch(other, lambda found, batch: mse_loss(found, batch[1]))
    for _ in range(run.options["epochs"]):
        for rows in torch.randperm(2000).split(50):
            loss = mse_loss(model(train[0][rows]), train[1][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            run.report(train_loss=loss, validation_loss=mse_loss(model(other[0]), other[1]))
    if run.is_final:
        with torch.no_grad():
            losses = (model(test[0]) - test[1]).square()
        run.report_test(loss=losses.mean(), row_losses=losses, model=model)
