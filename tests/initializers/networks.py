"""Networks that say nothing about themselves: no `activation_after`, no `nn.Sequential`."""

import torch
from torch import nn
from torch.nn import functional


class Mixed(nn.Module):
    """Every layer under another activation, applied in every way there is."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(64, 64)
        self.convolution = nn.Conv2d(1, 32, 3, padding=1)
        self.norm = nn.GroupNorm(4, 32)
        self.gelu = nn.GELU()
        self.pool = nn.MaxPool2d(8)
        self.sigmoid = nn.Linear(32, 40)
        self.method = nn.Linear(40, 40)
        self.leaky = nn.Linear(40, 40)
        self.learned = nn.Linear(40, 40)
        self.slope = nn.PReLU()
        self.swish = nn.Linear(40, 40)
        self.squared = nn.Linear(40, 40)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(40, 30)

    def forward(self, inputs):
        signal = torch.tanh(self.stem(inputs)).view(inputs.shape[0], 1, 8, 8)
        signal = self.pool(self.gelu(self.norm(self.convolution(signal)))).flatten(1)
        signal = torch.sigmoid(self.sigmoid(signal))
        signal = self.method(signal).relu()
        signal = functional.leaky_relu(self.leaky(signal), negative_slope=0.2)
        signal = self.slope(self.learned(signal))
        before = self.swish(signal)
        signal = before * torch.sigmoid(before)
        signal = functional.relu(self.squared(self.drop(signal))) ** 2
        return self.head(signal)


def convolution(channels, to):
    return nn.Conv2d(channels, to, 3, padding=1, bias=False)


class PreActivationBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.one = nn.BatchNorm2d(width), convolution(width, width)
        self.norm2, self.two = nn.BatchNorm2d(width), convolution(width, width)

    def forward(self, signal):
        inner = self.one(functional.relu(self.norm1(signal)))
        return signal + self.two(functional.relu(self.norm2(inner)))


class PreActivation(nn.Module):
    def __init__(self, width=8, depth=2):
        super().__init__()
        self.stem = convolution(1, width)
        self.blocks = nn.ModuleList(PreActivationBlock(width) for _ in range(depth))
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 3)

    def forward(self, inputs):
        signal = self.stem(inputs)
        for block in self.blocks:
            signal = block(signal)
        return self.head(functional.relu(self.norm(signal)).mean((2, 3)))


class PostActivationBlock(nn.Module):
    """As in the first residual networks; the norms can be left out, as Fixup does."""

    def __init__(self, width, to, *, norm=True):
        super().__init__()
        self.one, self.two = convolution(width, to), convolution(to, to)
        self.norm1 = nn.BatchNorm2d(to) if norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(to) if norm else nn.Identity()
        self.around = convolution(width, to) if width != to else nn.Identity()

    def forward(self, signal):
        inner = functional.relu(self.norm1(self.one(signal)))
        return functional.relu(self.norm2(self.two(inner)) + self.around(signal))


class PostActivation(nn.Module):
    def __init__(self, width=8, *, norm=True):
        super().__init__()
        self.stem = convolution(1, width)
        self.first = PostActivationBlock(width, width, norm=norm)
        self.second = PostActivationBlock(width, 2 * width, norm=norm)
        self.head = nn.Linear(2 * width, 3)

    def forward(self, inputs):
        signal = functional.relu(self.stem(inputs))
        return self.head(self.second(self.first(signal)).mean((2, 3)))


def forward(function, **modules):
    """Return a network of these modules whose forward is `function(modules, inputs)`."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            for name, module in modules.items():
                self.add_module(name, module)

        def forward(self, inputs):
            return function(self, inputs)

    return Network()
