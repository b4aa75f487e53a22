"""Small transformers as their authors write them, for the published starts."""

import torch
from torch import nn
from torch.nn import functional

WIDTH, HEADS, DEPTH, TOKENS, LENGTH = 64, 4, 2, 50, 12


def attend(query, key, value, *, scale=None):
    batch, length, _ = query.shape
    split = (one.view(batch, length, HEADS, -1).transpose(1, 2) for one in (query, key, value))
    mixed = functional.scaled_dot_product_attention(*split, scale=scale)
    return mixed.transpose(1, 2).reshape(batch, length, -1)


class GptBlock(nn.Module):
    """Pre-norm, queries, keys and values in one layer: GPT-2, nanoGPT."""

    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn = nn.ModuleDict(
            {"c_attn": nn.Linear(WIDTH, 3 * WIDTH), "c_proj": nn.Linear(WIDTH, WIDTH)}
        )
        self.mlp = nn.ModuleDict(
            {"c_fc": nn.Linear(WIDTH, 4 * WIDTH), "c_proj": nn.Linear(4 * WIDTH, WIDTH)}
        )

    def forward(self, x):
        query, key, value = self.attn["c_attn"](self.ln_1(x)).split(WIDTH, dim=2)
        x = x + self.attn["c_proj"](attend(query, key, value))
        return x + self.mlp["c_proj"](functional.gelu(self.mlp["c_fc"](self.ln_2(x))))


class Gpt(nn.Module):
    def __init__(self, depth=DEPTH, *, tied=True):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(TOKENS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.h = nn.ModuleList(GptBlock() for _ in range(depth))
        self.ln_f, self.lm_head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, TOKENS, bias=False)
        if tied:
            self.wte.weight = self.lm_head.weight

    def forward(self, tokens):
        places = torch.arange(0, tokens.size(1), device=tokens.device)
        x = self.wte(tokens) + self.wpe(places)
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


class ParallelBlock(GptBlock):
    """Both branches read the same signal: GPT-J, GPT-NeoX."""

    def forward(self, x):
        query, key, value = self.attn["c_attn"](self.ln_1(x)).split(WIDTH, dim=2)
        inner = functional.gelu(self.mlp["c_fc"](self.ln_2(x)))
        return x + self.attn["c_proj"](attend(query, key, value)) + self.mlp["c_proj"](inner)


class Neox(Gpt):
    def __init__(self, depth=DEPTH):
        super().__init__(depth, tied=False)
        self.h = nn.ModuleList(ParallelBlock() for _ in range(depth))


class LlamaBlock(nn.Module):
    """Gated, without biases: Llama."""

    def __init__(self):
        super().__init__()
        self.attention_norm, self.ffn_norm = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.w1, self.w3 = (nn.Linear(WIDTH, 2 * WIDTH, bias=False) for _ in range(2))
        self.w2 = nn.Linear(2 * WIDTH, WIDTH, bias=False)

    def forward(self, x):
        inner = self.attention_norm(x)
        x = x + self.wo(attend(self.wq(inner), self.wk(inner), self.wv(inner)))
        inner = self.ffn_norm(x)
        return x + self.w2(functional.silu(self.w1(inner)) * self.w3(inner))


class Llama(nn.Module):
    def __init__(self, depth=DEPTH):
        super().__init__()
        self.tok_embeddings = nn.Embedding(TOKENS, WIDTH)
        self.layers = nn.ModuleDict({str(index): LlamaBlock() for index in range(depth)})
        self.norm, self.output = nn.RMSNorm(WIDTH), nn.Linear(WIDTH, TOKENS, bias=False)

    def forward(self, tokens):
        x = self.tok_embeddings(tokens)
        for block in self.layers.values():
            x = block(x)
        return self.output(self.norm(x))


class BertLayer(nn.Module):
    """Post-norm: BERT."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.dense, self.norm = nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH)
        self.intermediate, self.output = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.last = nn.LayerNorm(WIDTH)

    def forward(self, x):
        mixed = self.dense(attend(self.query(x), self.key(x), self.value(x)))
        x = self.norm(mixed + x)
        return self.last(self.output(functional.gelu(self.intermediate(x))) + x)


class Bert(nn.Module):
    def __init__(self, depth=DEPTH):
        super().__init__()
        self.word_embeddings = nn.Embedding(TOKENS, WIDTH, padding_idx=0)
        self.position_embeddings = nn.Embedding(LENGTH, WIDTH)
        self.register_buffer("position_ids", torch.arange(LENGTH)[None], persistent=False)
        self.norm = nn.LayerNorm(WIDTH)
        self.layer = nn.ModuleList(BertLayer() for _ in range(depth))
        self.classifier = nn.Linear(WIDTH, 3)

    def forward(self, tokens):
        places = self.position_ids[:, : tokens.size(1)]
        x = self.norm(self.word_embeddings(tokens) + self.position_embeddings(places))
        for layer in self.layer:
            x = layer(x)
        return self.classifier(x[:, 0])


class T5Block(nn.Module):
    """Attention that divides by nothing, and is biased by places; no biases of layers: T5."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.wi = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.wo = nn.Linear(4 * WIDTH, WIDTH, bias=False)
        self.norm, self.last = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)

    def forward(self, x, bias):
        inner = self.norm(x)
        batch, length, _ = inner.shape
        query, key, value = (
            one(inner).view(batch, length, HEADS, -1).transpose(1, 2)
            for one in (self.q, self.k, self.v)
        )
        weights = torch.softmax(query @ key.transpose(2, 3) + bias, -1)
        x = x + self.o((weights @ value).transpose(1, 2).reshape(batch, length, -1))
        return x + self.wo(torch.relu(self.wi(self.last(x))))


class T5(nn.Module):
    def __init__(self, depth=DEPTH):
        super().__init__()
        self.shared, self.relative_attention_bias = (
            nn.Embedding(TOKENS, WIDTH), nn.Embedding(32, HEADS)
        )  # fmt: skip
        self.block = nn.ModuleList(T5Block() for _ in range(depth))
        self.register_buffer("buckets", torch.arange(LENGTH)[:, None] % 7 + torch.arange(LENGTH))
        self.norm, self.lm_head = nn.RMSNorm(WIDTH), nn.Linear(WIDTH, TOKENS, bias=False)

    def forward(self, tokens):
        x = self.shared(tokens)
        bias = self.relative_attention_bias(self.buckets).permute(2, 0, 1)[None]
        for block in self.block:
            x = block(x, bias)
        return self.lm_head(self.norm(x))


class VitBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential()
        self.mlp.add_module("fc1", nn.Linear(WIDTH, 4 * WIDTH))
        self.mlp.add_module("act", nn.GELU())
        self.mlp.add_module("fc2", nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        query, key, value = self.qkv(self.norm1(x)).chunk(3, dim=-1)
        x = x + self.proj(attend(query, key, value))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """A class token, and positions that are parameters of their own, as in timm."""

    def __init__(self, depth=DEPTH):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, 17, WIDTH))
        self.patch_embed = nn.Conv2d(3, WIDTH, 4, stride=4)
        self.blocks = nn.ModuleList(VitBlock() for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 10)

    def forward(self, images):
        x = self.patch_embed(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])
