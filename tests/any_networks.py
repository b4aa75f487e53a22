"""Small networks in the style of those that people train, each with a batch of its own form."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

EXAMPLES, PLACES, WIDTH, WORDS = 8, 6, 16, 20


def tokens(seed=0, places=PLACES):
    return torch.randint(
        1, WORDS, (EXAMPLES, places), generator=torch.Generator().manual_seed(seed)
    )


def rows(*shape, seed=0):
    return torch.randn(EXAMPLES, *shape, generator=torch.Generator().manual_seed(seed))


class Conv1D(nn.Module):
    """The linear layer of GPT-2, with a weight of (in, out)."""

    def __init__(self, nf, nx):
        super().__init__()
        self.nf = nf
        self.weight = nn.Parameter(torch.empty(nx, nf).normal_(std=0.02))
        self.bias = nn.Parameter(torch.zeros(nf))

    def forward(self, x):
        size_out = (*x.size()[:-1], self.nf)
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(size_out)


class FusedAttention(nn.Module):
    """GPT-2's: queries, keys and values in one product."""

    def __init__(self, width=WIDTH, heads=2):
        super().__init__()
        self.c_attn, self.c_proj = Conv1D(3 * width, width), Conv1D(width, width)
        self.width, self.heads = width, heads

    def forward(self, x):
        query, key, value = self.c_attn(x).split(self.width, dim=2)
        shape = (*query.shape[:-1], self.heads, -1)
        query, key, value = (one.view(shape).transpose(1, 2) for one in (query, key, value))
        out = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.c_proj(out.transpose(1, 2).reshape(*x.shape))


@dataclass
class ModelOutput:
    logits: torch.Tensor
    loss: torch.Tensor | None = None
    hidden: tuple[torch.Tensor, ...] | None = None


class GPT2(nn.Module):
    """A decoder whose head is its table of tokens."""

    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(WORDS, WIDTH), nn.Embedding(PLACES, WIDTH)
        self.ln_1, self.attn = nn.LayerNorm(WIDTH), FusedAttention()
        self.ln_2 = nn.LayerNorm(WIDTH)
        self.c_fc, self.c_proj = Conv1D(4 * WIDTH, WIDTH), Conv1D(WIDTH, 4 * WIDTH)
        self.ln_f, self.lm_head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WORDS, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, input_ids, attention_mask=None, labels=None):
        if input_ids.max() >= WORDS:  # which nothing that reads operations can follow
            raise ValueError("no such token")
        x = self.wte(input_ids) + self.wpe(torch.arange(input_ids.shape[1]))
        x = x if attention_mask is None else x * attention_mask[..., None]
        x = x + self.attn(self.ln_1(x))
        x = x + self.c_proj(functional.gelu(self.c_fc(self.ln_2(x))))
        logits = self.lm_head(self.ln_f(x))
        loss = None
        if labels is not None:
            loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return ModelOutput(logits=logits, loss=loss, hidden=(x,))


class RelativeAttention(nn.Module):
    """T5's: a table of relative positions is added to the scores."""

    def __init__(self, heads=2):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.relative_attention_bias = nn.Embedding(2 * PLACES, heads)
        self.heads = heads

    def forward(self, x, memory=None):
        memory = x if memory is None else memory
        shape = (len(x), -1, self.heads, WIDTH // self.heads)
        query = self.q(x).view(shape).transpose(1, 2)
        key = self.k(memory).view(shape).transpose(1, 2)
        value = self.v(memory).view(shape).transpose(1, 2)
        scores = query @ key.transpose(-1, -2)
        places = torch.arange(memory.shape[1])[None] - torch.arange(x.shape[1])[:, None] + PLACES
        scores = scores + self.relative_attention_bias(places).permute(2, 0, 1)[None]
        return self.o((scores.softmax(-1) @ value).transpose(1, 2).reshape(x.shape))


class T5(nn.Module):
    """An encoder and a decoder, with two inputs of different lengths."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Embedding(WORDS, WIDTH)
        self.norms = nn.ModuleList(nn.RMSNorm(WIDTH) for _ in range(4))
        self.encoder, self.decoder, self.cross = (RelativeAttention() for _ in range(3))
        self.lm_head = nn.Linear(WIDTH, WORDS, bias=False)

    def forward(self, input_ids, decoder_input_ids):
        memory = self.shared(input_ids)
        memory = memory + self.encoder(self.norms[0](memory))
        x = self.shared(decoder_input_ids)
        x = x + self.decoder(self.norms[1](x))
        x = x + self.cross(self.norms[2](x), memory)
        return {"logits": self.lm_head(self.norms[3](x))}


class ConvNeXt(nn.Module):
    """A depthwise block behind a layer scale."""

    def __init__(self):
        super().__init__()
        self.stem, self.dwconv = nn.Conv2d(3, 8, 2, 2), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm, self.pwconv1 = nn.LayerNorm(8), nn.Linear(8, 32)
        self.act, self.pwconv2 = nn.GELU(), nn.Linear(32, 8)
        self.gamma = nn.Parameter(1e-6 * torch.ones(8))
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.stem(x)
        inner = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        inner = self.gamma * self.pwconv2(self.act(self.pwconv1(inner)))
        return self.head((x + inner.permute(0, 3, 1, 2)).mean((-2, -1)))


class Grouped(nn.Module):
    """Grouped queries: four heads share two of keys and values, in one product."""

    def __init__(self, dim=WIDTH, heads=4, shared=2):
        super().__init__()
        self.heads, self.shared, self.size = heads, shared, dim // heads
        self.sizes = [dim, shared * self.size, shared * self.size]
        self.inner, self.qkv = nn.Linear(dim, dim), nn.Linear(dim, sum(self.sizes))
        self.out, self.head = nn.Linear(dim, dim), nn.Linear(dim, 4)

    def forward(self, x):
        x = self.inner(x)
        query, key, value = torch.split(self.qkv(x), self.sizes, dim=-1)
        query = query.unflatten(-1, (self.heads, self.size)).transpose(1, 2)
        key, value = (
            one.unflatten(-1, (self.shared, self.size)).transpose(1, 2) for one in (key, value)
        )
        out = functional.scaled_dot_product_attention(query, key, value, enable_gqa=True)
        return self.head(self.out(out.transpose(1, 2).flatten(2)).mean(1))


class Timm(nn.Module):
    """timm's attention, with a class token, in which one reshape parts queries, keys and values."""

    def __init__(self, dim=WIDTH, num_heads=2):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.num_heads, self.head_dim = num_heads, dim // num_heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim, bias=True), nn.Linear(dim, dim)
        self.head = nn.Linear(dim, 4)

    def forward(self, x):
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1)
        B, N, C = x.shape  # noqa: N806 - timm's names
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4)
        query, key, value = qkv.unbind(0)
        scores = (query * self.head_dim**-0.5) @ key.transpose(-2, -1)
        x = (scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(B, N, C)
        return self.head(self.proj(x)[:, 0])


class LoRALinear(nn.Module):
    """A linear layer with a branch of low rank, which starts at zero."""

    def __init__(self, fan_in, fan_out, rank=4):
        super().__init__()
        self.linear = nn.Linear(fan_in, fan_out)
        self.lora_A = nn.Linear(fan_in, rank, bias=False)
        self.lora_B = nn.Linear(rank, fan_out, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x):
        return self.linear(x) + 2.0 * self.lora_B(self.lora_A(x))


class LoRAMatrices(nn.Module):
    """The same, with matrices of its own as in Microsoft's loralib."""

    def __init__(self, fan_in, fan_out, rank=4):
        super().__init__()
        self.linear = nn.Linear(fan_in, fan_out)
        self.lora_A = nn.Parameter(torch.randn(rank, fan_in))
        self.lora_B = nn.Parameter(torch.zeros(fan_out, rank))

    def forward(self, x):
        return self.linear(x) + 2.0 * (x @ self.lora_A.T @ self.lora_B.T)


def adapted(kind):
    return nn.Sequential(kind(WIDTH, 32), nn.ReLU(), kind(32, 4))


class Masked(nn.Module):
    """Takes one dictionary."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(WORDS, WIDTH, padding_idx=0)
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        self.head = nn.Linear(WIDTH, 4)

    def forward(self, batch):
        x, mask = self.table(batch["input_ids"]), batch["attention_mask"]
        x = x + self.attention(x, x, x, key_padding_mask=mask == 0, need_weights=False)[0]
        return self.head((x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.table = nn.Linear(12, WIDTH), nn.Embedding(WORDS, WIDTH)
        self.hidden, self.head = nn.Linear(WIDTH, 32), nn.Linear(32, 4)

    def forward(self, views, extra):
        x = sum(self.image(one) for one in views["images"]) + self.table(extra[0]["text"]).mean(1)
        return self.head(self.hidden(x).relu()), x


class Ragged(nn.Module):
    """Takes a list of sequences of different lengths."""

    def __init__(self):
        super().__init__()
        self.table, self.cell = nn.Embedding(WORDS, WIDTH), nn.GRU(WIDTH, 16, batch_first=True)
        self.hidden, self.head = nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, sequences):
        packed = nn.utils.rnn.pack_sequence(
            [self.table(one) for one in sequences], enforce_sorted=False
        )
        return self.head(self.hidden(self.cell(packed)[1][0]).tanh())


class Numbers(nn.Module):
    """Takes whole numbers alone, several of them side by side."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.EmbeddingBag(WORDS, WIDTH) for _ in range(2))
        self.hidden, self.head = nn.Linear(2 * WIDTH, 32), nn.Linear(32, 4)

    def forward(self, user, item):
        x = torch.cat([table(one) for table, one in zip(self.tables, (user, item), strict=True)], 1)
        return SimpleNamespace(logits=self.head(self.hidden(x).relu()), extras=("kept", x))


@dataclass(frozen=True)
class Case:
    """A network, a batch, and what to compare its outputs with.

    Attributes:
        build: Builds the network.
        batch: What it takes.
        targets: What its answer is compared with by default; None where there is no such thing.
        answer: Where its answer is.
        kept: Parameters that keep their values.
        packed: A layer that holds queries, keys and values.
    """

    build: Any
    batch: Any
    targets: Any = torch.arange(EXAMPLES) % 4
    answer: Any = lambda outputs: outputs
    kept: tuple[str, ...] = ()
    packed: str = ""


def logits(outputs):
    return outputs["logits"] if isinstance(outputs, dict) else outputs.logits


_IDS = {"input_ids": tokens(), "attention_mask": torch.ones(EXAMPLES, PLACES).tril(3)}
CASES = {
    "gpt2, tokens": Case(GPT2, tokens(), tokens(1), logits, packed="attn.c_attn"),
    "gpt2, with labels": Case(GPT2, _IDS | {"labels": tokens()}, tokens(1), logits,
                              packed="attn.c_attn"),
    "t5": Case(T5, (tokens(), tokens(1, 4)), tokens(2, 4), logits),
    "convnext": Case(ConvNeXt, rows(3, 8, 8), kept=("gamma",)),
    "grouped queries": Case(Grouped, rows(PLACES, WIDTH), packed="qkv"),
    "timm": Case(Timm, rows(PLACES, WIDTH), kept=("cls_token",), packed="qkv"),
    "lora": Case(lambda: adapted(LoRALinear), rows(WIDTH),
                 kept=("0.lora_B.weight", "2.lora_B.weight")),
    "lora, matrices": Case(lambda: adapted(LoRAMatrices), rows(WIDTH),
                           kept=("0.lora_B", "2.lora_B")),
    "a dictionary": Case(Masked, _IDS),
    "nested": Case(Nested, ({"images": [rows(12), rows(12, seed=1)]}, ({"text": tokens()},)),
                   answer=lambda outputs: outputs[0]),
    "ragged": Case(Ragged, [torch.arange(1, 3 + n % 4) for n in range(EXAMPLES)]),
    "whole numbers": Case(Numbers, {"user": tokens(), "item": tokens(1)}, answer=logits),
}  # fmt: skip
