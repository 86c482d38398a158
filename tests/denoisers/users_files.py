"""Files of a user, written for a test."""

import numpy as np
import torch


def write(folder, files):
    """Text, arrays (.npy) and what torch.save takes, by their paths."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, str):
            path.write_text(text)
        elif isinstance(text, np.ndarray):
            np.save(path, text)
        else:
            torch.save(text, path)
