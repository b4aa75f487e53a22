"""A small GPT of torch's own layers."""

import torch
from torch import nn


class GPT(nn.Module):
    def __init__(self, letters, length, width=64, depth=2):
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, width), nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(width, letters)

    def forward(self, ids):
        length = ids.shape[1]
        later = torch.ones(length, length, dtype=torch.bool, device=ids.device).triu(1)
        places = self.places(torch.arange(length, device=ids.device))
        return self.head(self.blocks(self.letters(ids) + places, mask=later))
