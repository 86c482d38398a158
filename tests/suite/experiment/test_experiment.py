"""Names of files change with what decides the content, and with nothing else; who is measured and shown."""

from dataclasses import replace

from normeq.suite.measuring.options import settings_from
from normeq.suite.measuring.registry import all_measurements
from tests.suite.experiment.configs import CONFIG, DEFAULT, RECIPE, read


def test_other_data_make_other_runs_and_measurements(monkeypatch):
    before = read()
    monkeypatch.setattr("normeq.suite.data.registry.pin", lambda name, data_dir=None: f"changed {name}")
    after = read()
    assert not before.runs.keys() & after.runs.keys()
    assert before.part("noise_levels", "runs/x") != after.part("noise_levels", "runs/x")


def test_a_measurement_is_named_by_its_settings_alone():
    before, after = read(), read(evaluate__noise_levels__sigmas=[5, 7, 25], title="another", device="cpu")
    assert before.part("noise_levels", "runs/x") != after.part("noise_levels", "runs/x")
    assert before.part("intervals", "runs/x") == after.part("intervals", "runs/x")
    assert before.record() != after.record()
    assert before.record() == read(device="cpu", gpu=0).record()


def test_numbers_spelled_otherwise_are_the_same_config():
    before = read(evaluate__noise_levels__sigmas=[5, 25])
    after = read(evaluate__noise_levels__sigmas=[5.0, 25.0], train__recipe=RECIPE | {"steps": 600.0})
    assert before.record() == after.record() and before.runs == after.runs
    assert before.part("noise_levels", "runs/x") == after.part("noise_levels", "runs/x")


def test_measuring_on_the_cpu_too_is_another_certificate():
    part, less = (
        read(evaluate__certificate=DEFAULT["evaluate"]["certificate"] | more).part("certificate", "runs/x")
        for more in ({"also_cpu": True}, {"also_cpu": False})
    )
    assert part == read(evaluate__certificate__classical=[]).part("certificate", "runs/x") != less


def test_a_measurement_with_new_content_gets_a_new_name(monkeypatch):
    before = {kind: read().part(kind, "runs/x") for kind in ("filters", "examples")}
    newer = {
        name: replace(kind, revision=99) if name == "filters" else kind
        for name, kind in all_measurements().items()
    }
    monkeypatch.setattr("normeq.suite.experiment.experiment.all_measurements", lambda: newer)
    assert read().part("filters", "runs/x") != before["filters"]
    assert read().part("examples", "runs/x") == before["examples"]


def test_what_is_measured_far_from_zero_has_a_name_of_its_own_where_the_mean_is_taken_out(monkeypatch):
    def names():
        found = read(trained=["fdncnn-norm-sigma25", "fdncnn-wrapped-sigma25"])
        kinds = ("heatmap", "noise_levels", "certificate")
        return {(kind, folder): found.part(kind, folder) for kind in kinds for folder in found.measured}

    before = names()
    monkeypatch.setattr("normeq.suite.experiment.experiment.FAR", 32.0)
    after = names()
    changed = {(kind, folder) for kind, folder in before if before[kind, folder] != after[kind, folder]}
    assert {kind for kind, _ in changed} == {"heatmap", "certificate"}
    assert all("-norm-" in folder for _, folder in changed) and len(changed) == 4


def test_users_denoisers_are_one_more_row_but_have_no_filters():
    experiment = read(denoisers={"mine": "own.py:denoise"})
    assert experiment.denoisers["embedded/denoisers/mine"] == "mine=own.py:denoise"
    for kind, count in {"noise_levels": 5, "intervals": 5, "examples": 5, "gallery": 5, "filters": 4}.items():
        assert len(experiment.parts(kind)) == count


def test_pictures_show_one_seed_and_level():
    experiment = read(train__sigmas=[25, 50], train__seeds=[0, 1])
    assert len(experiment.parts("noise_levels")) == 16
    assert len(experiment.parts("examples")) == 4


def test_every_network_is_in_the_pictures_of_ranges_and_the_first_in_others():
    told = CONFIG["networks"][0] | {"name": "told", "noise_map": True, "sigmas": [[1, 50]]}
    experiment = read(networks=[*CONFIG["networks"], told], train__seeds=[0, 1], variants=["norm", "scale"])
    for kind, names in (
        ("heatmap", {"tiny", "told"}),
        ("interval_pictures", {"tiny", "told"}),
        ("examples", {"tiny"}),
    ):
        shown = [
            experiment.runs[folder.removeprefix("runs/")]
            for folder in experiment.shown(all_measurements()[kind].of)
        ]
        assert {spec.network["name"] for spec in shown} == names and {spec.seed for spec in shown} == {0}
        assert len(shown) == 2 * len(names)


def test_settings_reach_the_command_line_unchanged():
    moved = {"datasets": ["skimage-test"], "sigma": 15, "intervals": [[-1, 1]]}
    experiment = read(evaluate__gallery__intervals=moved, evaluate__gallery__size=64)
    for name, kind in experiment.measurements.items():
        assert settings_from(kind, {}, experiment.settings_json(name)) == experiment.settings(name)
    assert experiment.settings("gallery").intervals.intervals == [(-1, 1)]


def test_the_source_file_of_a_users_denoiser(tmp_path, monkeypatch):
    experiment = read(
        denoisers={"a": "own/code.py:f", "b": "own.code:f", "c": "scipy.ndimage:gaussian_filter"}
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/code.py").write_text("f = abs")
    found = [experiment.source_file(f"embedded/denoisers/{name}") for name in "abc"]
    assert found == ["own/code.py", "own/code.py", None]


def test_a_users_denoiser_is_measured_anew_when_its_file_changes(tmp_path, monkeypatch):
    experiment = read(denoisers={"mine": "own.py:f"})
    monkeypatch.chdir(tmp_path)
    names = set()
    for text in ("f = abs", "f = min"):
        (tmp_path / "own.py").write_text(text)
        names.add(experiment.part("noise_levels", "embedded/denoisers/mine"))
    assert len(names) == 2
