"""Random configs: from the schema, valid and broken, and traps of YAML."""

from __future__ import annotations

import copy
import os
import random
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fault_kinds.processes import Trial
from fault_kinds.project import (
    CONFIG,
    Yard,
)
from fault_kinds.workflow import snakemake, workflow
from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve
from normeq.suite.config.schema import schema_of
from normeq.suite.experiment.read import check_networks, read_experiment
from normeq.suite.experiment.settings import Config

SNAKEMAKE = 4
BLOCK = 100
SECONDS = 20  # that reading one config may take
TRAPS = [
    "yes", "no", "on", "~", "null", "1e3", "1e-3", "0o17", "017", "0x1F", "1_000",
    "12:30:45", ".nan", "-.inf",
    ".inf", "2024-01-01", "2024-99-99", "=", "<<", "!!python/object/apply:os.system ['true']",
    "!!binary aGk=",
    "!!set {a, b}", "&a [*a]", "*missing", "? [a]", "{a: 1, a: 2}", "'unended", '"\\ud800"', "|\n  text\n",
    "%TAG", "---", "...", "@x", "`x`", "\t- x", "!!int x", "!!float 1e999", "!unknown x",
    "[[[[[[[[[[]]]]]]]]]]", "\ufeffx", "\x00", "\x85",
]  # fmt: skip
NUMBERS = [
    0, -1, 1, 2, 25, 10**6, 10**18, 2**63, 10**400, -(10**30), 0.0, -0.0, 1e-320, 1e308, 25.0, 0.5, -0.5,
]  # fmt: skip
TEXTS = [
    "", " ", "a", "../x", "/etc/passwd", "$(touch pwned)", "a b", "ä", "\u202e", "🙂" * 50, "x" * 5000,
    "{x}", "a\nb", "mine", "mine/a", "mine/../mine/a", "norm", "fdncnn", "skimage-test", "set12",
    "cpu\n", "\ud800",
]  # fmt: skip
JUNK = st.recursive(
    st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", 1, "sigmas"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def of_schema(schema: dict[str, Any]) -> st.SearchStrategy:
    """Values that a schema may allow; now and then one that it does not."""
    if "enum" in schema:
        found = st.sampled_from(schema["enum"])
    elif "const" in schema:
        found = st.just(schema["const"])
    elif "oneOf" in schema:
        found = st.one_of([of_schema(part) for part in schema["oneOf"]])
    else:
        kind = schema.get("type", "string")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            properties = {key: of_schema(part) for key, part in schema.get("properties", {}).items()}
            needed = {key: properties.pop(key) for key in schema.get("required", []) if key in properties}
            found = st.fixed_dictionaries(needed, optional=properties)
        elif kind == "array":
            least = schema.get("minItems", 0)
            most = min(schema.get("maxItems", 9), max(least, 2))
            found = st.lists(of_schema(schema.get("items", {})), min_size=least, max_size=most)
        elif kind in ("integer", "number"):
            low = schema.get("minimum", schema.get("exclusiveMinimum", -300))
            high = schema.get("maximum", schema.get("exclusiveMaximum", max(low, 0) + 60))
            found = st.integers(int(low), int(max(low, high)))
            found = found if kind == "integer" else found | st.floats(low, max(low, high))
        elif kind == "boolean":
            found = st.booleans()
        else:
            found = st.sampled_from(["mine", "mine/a", "x", "a-b", "cpu", "f.py:f", "fdncnn-norm-sigma25"])
    return st.integers(0, 40).flatmap(lambda n: found if n else JUNK)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Every place in a config."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inside for place in places(part, (*path, key)))]


@st.composite
def changed(draw: Any, base: dict[str, Any]) -> Any:
    """A good config with one to three places changed, taken away or added."""
    config = copy.deepcopy(base)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(
            st.sampled_from([place for place in places(config) if place] or [("experiment",)])
        )
        target = config
        for key in above:
            target = target[key]
        how = draw(st.integers(0, 3))
        if how == 0:
            del target[last]
        elif how == 1 and isinstance(target, dict):
            target[draw(st.sampled_from(["unknown", 1, "Sigmas", "", "ä"]))] = draw(JUNK)
        else:
            target[last] = draw(JUNK)
    return config


def written(config: Any) -> bytes:
    return yaml.dump(config, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


@st.composite
def trapped(draw: Any, base: dict[str, Any]) -> bytes:
    """The text of a good config with a trap of YAML in place of a value, or in a line of its own."""
    lines = written(base).decode().splitlines()
    number = draw(st.integers(0, len(lines) - 1))
    trap = draw(st.sampled_from(TRAPS))
    if draw(st.booleans()):
        lines.insert(number, trap)
    else:
        lines[number] = f"{lines[number].partition(':')[0]}: {trap}"
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def configs(count: int, base: dict[str, Any]) -> list[bytes]:
    """So many texts, always the same."""
    good = st.fixed_dictionaries({}).map(lambda _: base)
    text = (
        changed(base).map(written)
        | trapped(base)
        | of_schema(schema_of(Config)).map(written)
        | st.binary(max_size=40)
        | good.map(written)
    )
    found: list[bytes] = []

    @settings(
        max_examples=min(count, BLOCK), database=None, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(text)
    def collect(one: bytes) -> None:
        found.append(one)

    for block in range(-(-count // BLOCK)):
        seed(block)(collect)()
    return found[:count]


def read_as_the_workflow(file: Path, folder: Path, said: Path) -> tuple[int, str]:
    """Read a config as Snakemake and workflow/rules/common.smk do, in a process of its own.

    Returns:
        0; 2 where it was refused in one line; :data:`SNAKEMAKE` where Snakemake's own reading failed with a
        traceback; or anything else. And what was said.
    """
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.chdir(folder)
            signal.alarm(SECONDS)
            status = _read(file)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, said.read_text(encoding="utf-8", errors="replace") if said.exists() else ""


def _read(file: Path) -> int:
    from snakemake.common.configfile import load_configfile
    from snakemake.exceptions import WorkflowError

    try:
        config = load_configfile(str(file))
    except WorkflowError as error:  # Snakemake prints it
        print(error, flush=True)
        return 2
    except Exception:  # and of this its traceback, before it calls anything of ours
        traceback.print_exc()
        return SNAKEMAKE
    try:
        experiment = read_experiment(resolve(config, schema_of(Config)))
        check_networks(experiment)
        for kind in experiment.measurements:
            experiment.parts(kind)
            experiment.settings_json(kind)
        experiment.record().encode()
    except NormeqError as error:
        print(f"normeq: error: {error}", flush=True)
        return 2 if "\n" not in str(error) else 3
    return 0


THEIRS = "random config, Snakemake's own reading"  # of which it shows tracebacks


def bad_configs(yard: Yard, rng: random.Random, count: int, sample: int) -> Iterator[Trial]:
    """Random configs, read by the functions of the workflow; some of them by ``snakemake -n`` itself."""
    texts = configs(count, CONFIG)
    with yard.fresh() as folder:
        for number, text in enumerate(texts):
            file = folder / "random.yaml"
            file.write_bytes(text)
            said = folder / "said.txt"
            said.unlink(missing_ok=True)
            began = time.monotonic()
            status, words = read_as_the_workflow(file, folder, said)
            trial = Trial("random config", "the workflow's functions", refused=status == 2)
            if status == SNAKEMAKE:
                trial.group, trial.what = THEIRS, "files that are no text, days that are none"
            trial.traceback = status not in (0, 2)
            trial.seconds = time.monotonic() - began
            if trial.traceback and status != SNAKEMAKE:
                kept = Path(tempfile.gettempdir()) / f"faults-config-{number}.yaml"
                kept.write_bytes(text)
                trial.note = f"{kept}: {words[-700:]}"
            yield trial
        workflow(folder)
        for number in range(sample):
            (folder / "random.yaml").write_bytes(texts[number * len(texts) // max(sample, 1)])
            began = time.monotonic()
            done = snakemake(folder, "-n", config="random.yaml")
            trial = Trial("random config", "snakemake -n", refused=done.returncode != 0)
            trial.traceback = "Traceback (most recent" in done.stdout + done.stderr
            trial.seconds = time.monotonic() - began
            trial.note = (done.stdout + done.stderr)[-700:] if trial.traceback else ""
            yield trial
