"""A small convolutional network for images of 8 x 8 pixels, as a Lightning module."""

import torch
from lightning.pytorch import LightningModule
from torch import nn
from torch.nn.functional import cross_entropy


class Net(LightningModule):
    def __init__(self):
        super().__init__()
        first, second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        pooled = (nn.ReLU(), nn.MaxPool2d(2))
        self.net = nn.Sequential(first, *pooled, second, *pooled, nn.Flatten(), nn.Linear(64, 10))

    def forward(self, images):
        return self.net(images)

    @staticmethod
    def loss_of(scores, batch):
        return cross_entropy(scores, batch[1])

    def training_step(self, batch, _, name="train"):
        scores = self(batch[0])
        loss = self.loss_of(scores, batch)
        accuracy = (scores.argmax(1) == batch[1]).float().mean()
        self.log_dict({f"{name}_loss": loss, f"{name}_acc": accuracy}, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        self.training_step(batch, _, "val")

    def test_step(self, batch, _):
        self.training_step(batch, _, "test")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)
