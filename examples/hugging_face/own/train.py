"""A GPT-2 of 0.1 million parameters on the manual that ships with Python, with transformers."""

from pydoc_data.topics import topics

from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from initsweep.adapters.hugging_face import SweepCallback, report_test

TEXT = list("\n".join(topics.values()).encode("ascii", "replace"))
ARGUMENTS = {"num_train_epochs": 3, "per_device_train_batch_size": 32, "warmup_steps": 10}
SIZE = {"vocab_size": 128, "n_positions": 32, "n_embd": 64, "n_layer": 2, "n_head": 4}


def windows(first, last):
    rows = (TEXT[start : start + 32] for start in range(first, last - 32, 400))
    return [{"input_ids": row, "labels": row} for row in rows]


def train(run):
    config = GPT2Config(**SIZE, bos_token_id=0, eos_token_id=0)
    trainer = Trainer(
        GPT2LMHeadModel(config),
        TrainingArguments("out", learning_rate=1e-3, eval_strategy="epoch", **ARGUMENTS),
        train_dataset=windows(0, 320_000),
        eval_dataset=windows(320_000, 390_000),
        callbacks=[SweepCallback(run)],
    )
    trainer.train()
    report_test(run, trainer, windows(390_000, 460_000))
