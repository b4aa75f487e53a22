"""What a user of transformers would write: a small network of images with their trainer."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import Trainer, TrainingArguments

from initsweep.adapters.hugging_face import SweepCallback, arguments, report_test

SETTINGS = {"num_train_epochs": 3, "per_device_train_batch_size": 20, "lr_scheduler_type": "linear",
            "optim": "sgd", "max_grad_norm": 0.0, "weight_decay": 0.0}  # fmt: skip


def rows(seed, count=60):
    draws = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 8, generator=draws)
    targets = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0).long()
    return [{"x": one, "labels": label} for one, label in zip(inputs, targets, strict=True)]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, x, labels=None):
        logits = self.last(self.first(x).relu())
        return {"loss": cross_entropy(logits, labels), "logits": logits}


class InOrder(Trainer):
    """A trainer that takes rows in their order, and remembers its rates."""

    used: list[float]

    def _get_train_sampler(self, *_):
        return torch.utils.data.SequentialSampler(self.train_dataset)

    def training_step(self, *given):
        self.used.append([group["lr"] for group in self.optimizer.param_groups])
        return super().training_step(*given)


def accuracy(predicted):
    return {"accuracy": (predicted.predictions.argmax(1) == predicted.label_ids).mean().item()}


def make_trainer(run, args, callback=None, *, of=InOrder, **settings):
    trainer = of(
        **{"model": Net()} | settings,
        args=args,
        train_dataset=rows(1),
        eval_dataset=rows(2),
        compute_metrics=accuracy,
        callbacks=[callback or SweepCallback(run, validation_score="eval_accuracy")],
    )
    trainer.used = []
    return trainer


def train(run):
    """Train with the arguments that a run gives, or with those of a script before it knew runs."""
    if run.options.get("own"):
        args = TrainingArguments(
            str(run.folder / "elsewhere"), seed=42, eval_strategy="epoch", logging_steps=1,
            report_to="none", learning_rate=0.01, save_strategy="no", use_cpu=True, **SETTINGS,
        )  # fmt: skip
    else:
        args = arguments(run, output_dir="elsewhere", learning_rate=7.0, seed=42, **SETTINGS)
    trainer = make_trainer(run, args)
    trainer.train()
    report_test(run, trainer, rows(3), score="test_accuracy")
    return trainer
