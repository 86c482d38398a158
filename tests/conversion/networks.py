"""Networks of every kind to be converted, and what is asked of their twins."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """One activation for two places, a scaled skip, an option."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(channels, channels, 3, padding=2, dilation=2, groups=2)

    def forward(self, x, share=0.25):
        return self.act(x + share * self.second(self.act(self.norm(self.first(x)))))


class UNet(nn.Module):
    """Functions beside modules: activations, padding, pooling, dropout, interpolation, skips."""

    image_channels = 3

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.body = nn.Sequential(Block(8), Block(8))
        self.down = nn.Conv2d(8, 12, 2, 2)
        self.up = nn.ConvTranspose2d(12, 8, 4, 2, 1)
        self.blocks = nn.ModuleList([nn.Conv2d(16, 16, 1) for _ in range(2)])
        self.tail = nn.Conv2d(16, 3, 3, padding=1, padding_mode="replicate")

    def forward(self, y, sigma=None, *, details=False):
        x = F.gelu(self.head(y))
        z = self.down(F.pad(self.body(x), (1, 1, 1, 1)))
        z = F.dropout(z, 0.2, self.training)
        z = F.interpolate(self.up(z), size=y.shape[2:], mode="bilinear")
        z = torch.cat([z, F.avg_pool2d(x, 3, 1, 1)], dim=1)
        for block in self.blocks:
            z = block(z).relu() + z
        return y - self.tail(z)


def mlp():
    return nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Dropout(), nn.Linear(8, 5), nn.LeakyReLU(0.1))


def classifier():
    return nn.Sequential(
        nn.Conv2d(1, 5, 3, 2, 1), nn.BatchNorm2d(5), nn.PReLU(5), nn.MaxPool2d(2, padding=1),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(20, 6), nn.ReLU(), nn.Linear(6, 3),
    )  # fmt: skip


def signals():
    return nn.Sequential(
        nn.ConstantPad1d((2, 1), 0.0), nn.Conv1d(2, 4, 4, groups=2), nn.ELU(), nn.BatchNorm1d(4),
        nn.ConvTranspose1d(4, 3, 3, 2, 1, 1), nn.ReLU(), nn.AvgPool1d(3, 2, 1), nn.Upsample(scale_factor=2),
    )  # fmt: skip


def volumes():
    return nn.Sequential(
        nn.Conv3d(1, 4, 3, padding="same", padding_mode="circular"), nn.Mish(), nn.AvgPool3d(2, padding=1),
        nn.BatchNorm3d(4, affine=False), nn.ConvTranspose3d(4, 1, 2, 2),
    )  # fmt: skip


def shuffled():
    return nn.Sequential(
        nn.PixelUnshuffle(2), nn.ZeroPad2d(1), nn.Conv2d(4, 8, 3), nn.ReLU6(), nn.ChannelShuffle(2),
        nn.Conv2d(8, 4, 1), nn.PixelShuffle(2), nn.ReflectionPad2d(1), nn.Identity(),
    )  # fmt: skip


NETWORKS = {
    "block": (lambda: Block(6), (2, 6, 7, 5)),
    "unet": (UNet, (2, 3, 9, 12)),
    "mlp": (mlp, (3, 6)),
    "tokens": (mlp, (2, 7, 6)),
    "classifier": (classifier, (2, 1, 11, 10)),
    "signals": (signals, (2, 2, 9)),
    "volumes": (volumes, (1, 1, 4, 4, 4)),
    "shuffled": (shuffled, (1, 1, 6, 8)),
    "one layer": (lambda: nn.Conv2d(3, 2, 5, padding=(2, 1)), (1, 3, 4, 4)),
}


each = pytest.mark.parametrize("name", NETWORKS)


def made(name):
    """A network with statistics that are not those of its beginning, in evaluation mode."""
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    network = make()
    for part in network.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return network.eval(), shape


def follows(network, shape, scale=3.0, shift=-7.0):
    y = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    network = copy.deepcopy(network).double()
    torch.testing.assert_close(network(scale * y + shift), scale * network(y) + shift, rtol=1e-9, atol=1e-9)


class Function(nn.Module):
    """A forward of one function."""

    def __init__(self, function, channels=4):
        super().__init__()
        self.conv = nn.Conv2d(2, channels, 1)
        self.factor = nn.Parameter(torch.ones(1))
        self.function = [function]  # (no part of the trace)

    def forward(self, x):
        return self.function[0](self.conv(x), self)
