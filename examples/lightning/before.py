"""A small convolutional network on scikit-learn's digits, with Lightning."""

import torch
from lightning.pytorch import LightningDataModule, Trainer
from net import Net
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset, random_split


def digits():
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    rows = TensorDataset(images, torch.tensor(labels))
    parts = random_split(rows, [1077, 360, 360], torch.Generator().manual_seed(0))
    return LightningDataModule.from_datasets(*parts, batch_size=60)


def train():
    module, data = Net(), digits()
    trainer = Trainer(
        max_epochs=5,
        logger=False,
        enable_checkpointing=False,
    )
    trainer.fit(module, data)
    trainer.test(module, data)


train()
