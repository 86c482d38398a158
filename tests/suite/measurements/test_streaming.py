"""Images pass by in batches: what is held in memory at a time, and what the network sees at a time."""

import gc
import tracemalloc

import numpy as np
import pytest
import torch
from torch import Tensor

from normeq.denoisers.open import Denoiser
from normeq.imaging.protocol import KAIR, PAPER
from normeq.suite.measurements import intervals, noise_levels
from normeq.suite.measuring import batches
from normeq.suite.measuring import stream as streaming

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SHAPE = 160, 200
IMAGE_BYTES = 4 * SHAPE[0] * SHAPE[1]  # float32


def denoiser(function=lambda y, sigma: y * 0.9, batched=True):
    return Denoiser("own", "ordinary", "25", "0", "0", function, differentiable=True, batched=batched)


@pytest.fixture
def made_up(monkeypatch):
    """Let ``count`` images made on the fly be the data set; batches of two, as a GPU has larger ones."""

    def choose(count, shape=SHAPE):
        def images(datasets, data_dir, limit):
            rng = np.random.default_rng(0)
            return (("d", f"{n}", rng.random(shape, np.float32)) for n in range(count))

        monkeypatch.setattr(streaming, "test_images", images)
        monkeypatch.setattr(streaming, "batch_pixels", lambda *_: 2 * shape[0] * shape[1])

    choose(1)
    list(levels(1, 1))  # what is imported and kept once is no growth
    return choose


def tensors():
    return [found for found in gc.get_objects() if type(found) is Tensor]


def tensor_bytes(without):
    known = {id(tensor) for tensor in without}
    storages = (tensor.untyped_storage() for tensor in tensors() if id(tensor) not in known)
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def most_held(rows):
    """Most bytes that tensors and NumPy hold at a time, looked at after every row; rows are let go."""
    gc.collect()
    before = tensors()
    held = []
    tracemalloc.start()  # NumPy tells it of its arrays, PyTorch does not
    try:
        for _ in rows:
            held.append(tracemalloc.get_traced_memory()[0] + tensor_bytes(before))
    finally:
        tracemalloc.stop()
    return max(held), len(held)


def levels(count, draws):
    sigmas = [5 * n for n in range(1, count + 1)]
    return noise_levels.evaluate(denoiser(), ["d"], sigmas, draws, device=CPU)


def test_memory_does_not_grow_with_noise_levels_and_draws(made_up):
    made_up(2)
    few, rows = most_held(levels(2, 1))
    assert rows == 4 and 4 * IMAGE_BYTES < few < 40 * IMAGE_BYTES  # two clean and two noisy images at least
    many, rows = most_held(levels(10, 3))
    assert rows == 60 and many < few + IMAGE_BYTES


def test_memory_does_not_grow_with_intervals(made_up):
    made_up(2)

    def measure(count):
        ranges = [(0, n) for n in range(1, count + 1)]
        return intervals.evaluate(denoiser(), ["d"], 25, ranges, 1, device=CPU)

    few, _ = most_held(measure(2))
    many, rows = most_held(measure(12))
    assert rows == 24 and many < few + IMAGE_BYTES


def test_memory_does_not_grow_with_images(made_up):
    made_up(4)
    few, _ = most_held(levels(1, 1))
    made_up(16)
    many, rows = most_held(levels(1, 1))
    assert rows == 16 and many < few + IMAGE_BYTES


def test_our_networks_get_batches_on_a_gpu_and_nothing_else_does():
    assert batches.batch_pixels(denoiser(), CUDA) >= 13 * 321 * 481
    assert batches.batch_pixels(denoiser(batched=False), CUDA) == 1  # may mix the images of a batch
    assert batches.batch_pixels(denoiser(), CPU) == 1  # slower there


@pytest.mark.parametrize("protocol", [PAPER, KAIR], ids=lambda protocol: protocol.name)
def test_the_network_sees_whole_batches_with_the_noise_of_each_image(made_up, protocol):
    made_up(5, (12, 16))
    clean = [image for _, _, image in streaming.test_images([], "", None)]
    seen = []

    def function(y, sigma):
        seen.append(y[:, 0].numpy().copy())
        return y

    rows = noise_levels.evaluate(denoiser(function), ["d"], [5, 50], 2, device=CPU, protocol=protocol)
    assert len(list(rows)) == 5 * 4
    assert [len(batch) for batch in seen] == [2] * 4 + [2] * 4 + [1] * 4
    settings = [(5, 0), (5, 1), (50, 0), (50, 1)]  # σ, draw
    for number, batch in enumerate(seen):
        first, (sigma, draw) = 2 * (number // 4), settings[number % 4]
        for n, noisy in enumerate(batch, first):
            np.testing.assert_array_equal(noisy, protocol.noisy(clean[n], sigma, "d", f"{n}", draw))
