"""Layout of Mohan et al. (bias_free_denoising): DnCNN with batch normalisation, with and without biases."""

from __future__ import annotations

import re

from normeq.denoisers.foreign.layouts import Layout, Plan, Shapes, kernel, numbers, plain_variant

DNCNN = re.compile(
    r"(first_layer|last_layer|hidden_layer_list\.\d+)\.(weight|bias)"
    r"|bn_layer_list\.\d+\.(weight|bias|running_mean|running_var|num_batches_tracked)"
)


def dncnn(shapes: Shapes, variant: str | None) -> Plan | None:
    """y - net(y). Without biases, normalisation divides by √running_var + 1e-5; its means and biases stand
    in the file, but are not used."""
    first, last = kernel(shapes, "first_layer.weight"), kernel(shapes, "last_layer.weight")
    hidden = numbers(shapes, "hidden_layer_list.", ".weight")[-1] + 1
    if first[1] != last[0]:
        return None
    found = plain_variant(shapes, variant, "first_layer")
    names = {0: "first_layer", 2 + 3 * hidden: "last_layer"}
    names |= {2 + 3 * i: f"hidden_layer_list.{i}" for i in range(hidden)}
    names |= {3 + 3 * i: f"bn_layer_list.{i}" for i in range(hidden)}

    def theirs(key: str) -> str:
        _, number, name = key.split(".")
        return f"{names[int(number)]}.{name}"

    options = {
        "depth": hidden + 2, "channels": first[0], "image_channels": last[0], "residual": True,
        "batch_norm": True, "eps": 1e-5,
    }  # fmt: skip
    unused = "num_batches_tracked" if found == "ordinary" else "(num_batches_tracked|bias|running_mean)"
    return Plan("plain", found, options, theirs, re.compile(rf"bn_layer_list\.\d+\.{unused}"))


LAYOUTS = (Layout("mohan-dncnn", "DnCNN of Mohan et al.", DNCNN, dncnn),)
