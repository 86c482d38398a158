"""Imported networks compute what the programs compute that wrote the files."""

import hashlib

import pytest
import torch

import normeq
from normeq.denoisers.foreign.layouts import Undecided, recognise
from normeq.denoisers.pretrained import description
from normeq.equivariance.defect import defect
from normeq.nn import build_network, fold
from tests.denoisers.foreign import reference as r
from tests.denoisers.foreign.cases import BY_NAME, CASES

SIZES = [(16, 16), (8, 24), (9, 30), (17, 23), (5, 7)]


def imported(case, tmp_path):
    torch.save(case.state(), tmp_path / f"{case.name}.pth")
    normeq.import_weights(tmp_path / f"{case.name}.pth", tmp_path / "out", **dict(case.asked))
    return normeq.load(str(tmp_path / "out"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_network_on_disk_is_exact(case, tmp_path):
    network = imported(case, tmp_path).double()
    about = description(str(tmp_path / "out"))
    assert (about["imported"]["layout"], about["variant"]) == (case.layout, case.variant)
    assert network.noise_map == (case.sigma is not None)
    state = {key: value.double() for key, value in case.state().items()}
    with torch.no_grad():
        for size in SIZES:
            y = torch.rand(1, case.image, *size, dtype=torch.float64)
            expected = case.forward(state, y, case.sigma)
            error = (network(y, case.sigma) - expected).abs().max() / expected.abs().max()
            assert error < 1e-12, f"{size}: {error}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_folding_changes_nothing(case, tmp_path):
    network = imported(case, tmp_path).double()
    y = torch.rand(1, case.image, 17, 23, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(
            fold(network)(y.clone(), case.sigma), network(y, case.sigma), rtol=1e-11, atol=1e-11
        )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_variant_says_what_it_is_equivariant_to(case, tmp_path):
    network = imported(case, tmp_path).double()
    y = torch.rand(1, case.image, 17, 23, dtype=torch.float64)
    sigma = case.sigma
    to_scale = defect(network, y, 40.0, 0.0, sigma).relative < 1e-9
    to_both = defect(network, y, 40.0, 10.0, sigma).relative < 1e-9
    assert (to_scale, to_both) == (case.variant != "ordinary", case.variant == "norm")


@pytest.mark.parametrize("variant", ["scale", "norm"])
def test_one_file_two_networks(variant, tmp_path):
    """Without the right variant an FDnCNN of the authors would be another network, so it is asked for."""
    case = BY_NAME["authors_fdncnn_gray_blind_norm"]
    torch.save(case.state(), tmp_path / f"fdncnn_{variant}_equiv_sigma25_blind.pth")
    normeq.import_weights(tmp_path / f"fdncnn_{variant}_equiv_sigma25_blind.pth", tmp_path / "out")
    about = description(str(tmp_path / "out"))
    assert (about["variant"], about["imported"]["train_sigma"]) == (variant, "25")


def test_a_batch_is_its_images(tmp_path):
    """The authors extend by the mean of the whole batch; here images do not influence each other."""
    network = imported(BY_NAME["authors_drunet_gray_blind_norm"], tmp_path).double()
    y = torch.rand(2, 1, 9, 11, dtype=torch.float64)
    y[1] += 3
    torch.testing.assert_close(network(y)[1:], network(y[1:]))


WIDTHS = (64, 128, 256, 512)
# The published files: keys and shapes (SHA-256 of their sorted lines), what makes them here, what they are.
PUBLISHED = [
    ("02970f7916db", lambda: r.stack("model", 1, 1, 17, 64), "kair-dncnn", 17),
    ("6dce60dec04f", lambda: r.stack("model", 1, 1, 20, 64), "kair-dncnn", 20),
    ("2919c63c3a9d", lambda: r.stack("model", 1, 1, 17, 64, norm=True), "kair-dncnn", 17),
    ("855b39a513f9", lambda: r.stack("model", 2, 1, 20, 64), "kair-fdncnn", 20),
    ("168cf1ff2f27", lambda: r.stack("model", 1, 1, 7, 64), "kair-ircnn", 7),
    ("94f25082de04", lambda: r.stack("model", 5, 4, 15, 64), "kair-ffdnet", 15),
    ("55e24c7763f9", lambda: r.stack("model", 13, 12, 12, 96), "kair-ffdnet", 12),
    ("d8d00cafd5b3", lambda: r.kair_drunet_state(2, 1, WIDTHS, 4), "kair-drunet", None),
    ("16468330aafd", lambda: r.kair_drunet_state(4, 3, WIDTHS, 4), "kair-drunet", None),
    ("608c09e3326d", lambda: r.authors_fdncnn_state("ordinary", 1, 1, 20, 64), "authors-fdncnn", 20),
    ("a473cad08897", lambda: r.authors_fdncnn_state("norm", 1, 1, 20, 64), "authors-fdncnn", 20),
    ("2b7ec53d4342", lambda: r.authors_fdncnn_state("ordinary", 2, 1, 20, 64), "authors-fdncnn", 20),
    ("7d50f9f85c2d", lambda: r.authors_fdncnn_state("norm", 2, 1, 20, 64), "authors-fdncnn", 20),
    ("c6caa60708dc", lambda: r.authors_drunet_state("ordinary", 1, 1, WIDTHS, 4), "authors-drunet", None),
    ("dd4bec13aaa3", lambda: r.authors_drunet_state("scale", 1, 1, WIDTHS, 4), "authors-drunet", None),
    ("54c0662e020c", lambda: r.authors_drunet_state("norm", 1, 1, WIDTHS, 4), "authors-drunet", None),
    ("507904f488db", lambda: r.authors_drunet_state("ordinary", 2, 1, WIDTHS, 4), "authors-drunet", None),
    ("cb12625a56ce", lambda: r.authors_drunet_state("scale", 2, 1, WIDTHS, 4), "authors-drunet", None),
    ("d44243a4a0fd", lambda: r.authors_drunet_state("norm", 2, 1, WIDTHS, 4), "authors-drunet", None),
    ("d149a416df8e", lambda: r.mohan_state(True, 1, 20, 64), "mohan-dncnn", 20),
    ("429dae2a8f85", lambda: r.mohan_state(False, 1, 20, 64), "mohan-dncnn", 20),
]


@pytest.mark.parametrize(("mark", "make", "layout", "depth"), PUBLISHED)
def test_the_published_files_are_recognised(mark, make, layout, depth):
    with torch.device("meta"):
        shapes = {key: tuple(tensor.shape) for key, tensor in make().items()}
    lines = sorted(f"{key} {'x'.join(map(str, shape))}" for key, shape in shapes.items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12] == mark  # the layout itself
    try:
        found, plan, _ = recognise(shapes, None, "x.pth", None)
    except Undecided:
        found, plan, _ = recognise(shapes, "norm", "x.pth", None)
    assert (found.name, plan.options.get("depth")) == (layout, depth)
    with torch.device("meta"):
        network = build_network(plan.architecture, plan.variant, **plan.options)
    missing = {plan.theirs(key) for key in network.state_dict()} - set(shapes)
    unused = [key for key in shapes if key not in {plan.theirs(key) for key in network.state_dict()}]
    assert not missing and all(plan.unused.fullmatch(key) for key in unused)
