"""Networks to be folded."""

import torch
from torch import nn

from normeq.nn import build_network
from normeq.nn.variants import VARIANTS

SMALL = {
    "fdncnn": {"depth": 4, "channels": 6},
    "drunet": {"widths": (4, 6, 8, 8), "blocks": 1},
    "dncnn": {"depth": 4, "channels": 6},
}
CASES = [(a, v) for a in SMALL for v in VARIANTS if (a, v) != ("dncnn", "norm")]


def network(architecture, variant, **options):
    torch.manual_seed(0)
    return alive(build_network(architecture, variant, **SMALL[architecture], **options).double())


def alive(net):
    for module in net.modules():  # statistics and gains that folding has to take along
        if getattr(module, "running_var", None) is not None:
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            if hasattr(module, "running_mean"):
                module.running_mean.normal_()
                torch.nn.init.normal_(module.bias)
        if hasattr(module, "a"):
            torch.nn.init.constant_(module.a, 0.3)
    return net.eval()


def conv():
    return nn.Conv2d(2, 2, 3, padding=1)


class Calls(nn.Module):
    """A class of one's own, which calls what is in a sequence as ``how`` says."""

    def __init__(self, how, *layers):
        super().__init__()
        self.how, self.layers, self.calls = how, nn.Sequential(*layers), 0

    def forward(self, x, more=None):
        self.calls += 1
        return self.how(self.layers, x, more)
