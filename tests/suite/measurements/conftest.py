"""Images, and a denoiser that says when it is called."""

import numpy as np
import pytest
from skimage.io import imsave

from tests.suite.measurements.counted import SIZES
from tests.synthetic_images import stand_for_data_sets


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three images of two sizes that stand for the data set ``d``."""
    rng = np.random.default_rng(0)
    for name, size in SIZES.items():
        imsave(tmp_path / f"{name}.png", rng.integers(60, 190, size, dtype=np.uint8), check_contrast=False)
    stand_for_data_sets(monkeypatch, lambda name: sorted(tmp_path.glob("*.png")))
    return tmp_path


@pytest.fixture
def own(folder, monkeypatch):
    """A user's denoiser that writes a line whenever it is called."""
    (folder / "mine.py").write_text(
        "def denoise(noisy, sigma):\n"
        f"    open({str(folder / 'calls')!r}, 'a').write(f'{{sigma * 255:g}}\\n')\n"
        "    return noisy * 0.9\n"
    )
    return folder / "mine.py"
