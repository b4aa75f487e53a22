"""What a user of Lightning would write: two groups of rates, a warm-up, dropout of nothing."""

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from initsweep.adapters.lightning import SweepCallback, report_test


def rows(seed, count=60):
    draws = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 8, generator=draws)
    return TensorDataset(inputs, (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0).long())


def make_net():
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))


class Module(LightningModule):
    def __init__(self, rate=None):
        super().__init__()
        self.net, self.rate, self.used = make_net(), rate, []

    def forward(self, inputs):
        return self.net(inputs)

    def step(self, batch, name):
        outputs = self(batch[0])
        loss = cross_entropy(outputs, batch[1])
        self.log_dict(
            {
                f"{name}_loss": loss,
                f"{name}_acc": (outputs.argmax(1) == batch[1]).float().mean(),
            }
        )
        return loss

    def training_step(self, batch, index):
        self.used.append([group["lr"] for group in self.optimizers().param_groups])
        return self.step(batch, "train")

    def validation_step(self, batch, index):
        self.step(batch, "val")

    def test_step(self, batch, index):
        self.step(batch, "test")

    def configure_optimizers(self):
        first, _, last = self.net
        rate = 0.001 if self.rate is None else self.rate
        groups = [{"params": first.parameters()}, {"params": last.parameters(), "lr": 3 * rate}]
        optimizer = torch.optim.SGD(groups, lr=rate)
        warm = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": warm, "interval": "epoch"}}


def fit(run, module, **settings):
    settings = {
        "max_epochs": 3,
        "callbacks": [SweepCallback(run, "val_loss", "val_acc")],
    } | settings
    trainer = Trainer(
        default_root_dir=run.folder,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )
    trainer.fit(module, DataLoader(rows(1), 20), DataLoader(rows(2), 60))
    return trainer


def train(run):
    module = Module(run.options.get("rate"))
    trainer = fit(run, module)
    report_test(run, trainer, module, DataLoader(rows(3), 60), "test_loss", "test_acc")
    return module


def train_looked_at(run):
    def loss(outputs, batch):
        return cross_entropy(outputs, batch[1])

    fit(run, Module(), callbacks=[SweepCallback(run, example_loss=loss)])
