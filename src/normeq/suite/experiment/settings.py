"""The whole config as typed settings, and what is made from them: the schema (workflow/schemas) and the page
of all keys (docs/config.md).

What networks, recipes, measurements and claims can be is read from where it is declared: signatures of the
architectures, fields of the recipe, the register of measurements, the kinds of claim.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import Field, create_model

from normeq.imaging.noise import noise_names
from normeq.imaging.protocol import PRESETS
from normeq.nn.affine import Constraint
from normeq.nn.build import ARCHITECTURES
from normeq.nn.depth import LEAST_DEPTH
from normeq.nn.variants import VARIANTS
from normeq.suite.claims.registry import claim_schema
from normeq.suite.claims.spec import TrainSigma
from normeq.suite.config.reference import reference
from normeq.suite.config.schema import schema_of
from normeq.suite.config.settings import LeftOut, Settings, unique
from normeq.suite.measuring.registry import all_measurements
from normeq.training.recipes import NAMES
from normeq.training.spec import GREATEST_SEED, NAME, Recipe

HEADER = "# Made by `make schema` from typed settings (normeq.suite.experiment.settings); do not edit.\n"
PAGE = """# Every key of a config

Made by `make schema` from the typed settings; do not edit. What configs there are, and examples:
[`config/README.md`](../config/README.md). A key without a default, shown as –, may be left out. Of networks
and recipes the meaning says what is then taken: for each architecture, and where no preset says otherwise.

"""
TrainSigmas = Annotated[
    list[TrainSigma],
    unique("Training noise levels: one number for a fixed level, or [low, high] drawn uniformly per patch."),
]
VariantNames = Annotated[
    list[Literal[tuple(VARIANTS)]], unique("Which kinds of a network are trained.", least=0)
]
Seeds = Annotated[list[Annotated[int, Field(ge=0, le=GREATEST_SEED)]], unique("One training per seed.")]
Missing = Literal["train", "skip"]
Whole = Annotated[int, Field(ge=1)]
NoiseName = Literal[noise_names()]


def described(cls: type) -> dict[str, str]:
    """What the docstring of a class says of each of its ``Args`` or ``Attributes``."""
    text = inspect.cleandoc(cls.__doc__ or "")
    found: dict[str, str] = {}
    section = re.search(r"^(?:Args|Attributes):\n((?:    .*\n?|\n)+)", text, flags=re.M)
    for entry in re.split(r"\n    (?! )", "\n" + section[1] if section else "")[1:]:
        names, _, words = entry.partition(":")
        for name in names.split(","):
            found[name.strip()] = " ".join(words.replace("``", "").split())
    return found


def _network(recipe: type[Settings]) -> type[Settings]:
    """A network: the options of all architectures by their signatures; which one has which is asked when
    it is built."""
    options: dict[str, Any] = {}
    of: dict[str, dict[str, Any]] = {}  # option -> architecture -> default
    for architecture, cls in ARCHITECTURES.items():
        words = described(cls)
        for name, parameter in inspect.signature(cls, eval_str=True).parameters.items():
            if name == "variant":
                continue
            of.setdefault(name, {})[architecture] = parameter.default
            if name not in options:
                options[name] = _option(parameter.annotation), words.get(name, "")
    gray = Annotated[int, Field(ge=1, le=1)]
    options["image_channels"] = gray, "images are trained on and measured in gray."
    options["depth"] = Annotated[int, Field(ge=LEAST_DEPTH)], options["depth"][1]
    made = {
        name: (
            Annotated[kind | None, Field(description=f"{words} ({_defaults(of[name])})".strip()), LeftOut()],
            None,
        )
        for name, (kind, words) in options.items()
    }
    return create_model(
        "Network",
        __base__=Settings,
        name=(
            Annotated[
                str, Field(pattern=f"^{NAME}$", description="Its name in folders, tables and figures.")
            ],
            ...,
        ),
        architecture=(
            Annotated[Literal[tuple(ARCHITECTURES)], Field(description="Which network of normeq.nn.")],
            ...,
        ),
        **made,
        constraint=(
            Annotated[
                Constraint | None,
                Field(description="How kernels are made to sum to one (variant norm)."),
                LeftOut(),
            ],
            None,
        ),
        variants=(
            Annotated[VariantNames | None, LeftOut()],
            None,
        ),
        recipe=(
            Annotated[
                recipe | None,
                Field(description="What is different from train.recipe."),
                LeftOut(),
            ],
            None,
        ),
        sigmas=(Annotated[TrainSigmas | None, LeftOut()], None),
        seeds=(Annotated[Seeds | None, LeftOut()], None),
        missing=(
            Annotated[
                Missing | None,
                Field(
                    description="What to do with it where it is not trained yet, in place of train.missing."
                ),
                LeftOut(),
            ],
            None,
        ),
    )


def _defaults(of: dict[str, Any]) -> str:
    """``fdncnn, dncnn; default 20``, or ``fdncnn: 20, ffdnet: 15`` where defaults differ."""
    words = {name: _yaml(value) for name, value in of.items()}
    if len(set(words.values())) > 1:
        return ", ".join(f"{name}: {text}" for name, text in words.items())
    return f"{', '.join(words)}; default {next(iter(words.values()))}"


def _yaml(value: Any) -> str:
    """A default as a config would say it."""
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")  # YAML takes 1e-05 for a text
    return str(list(value)) if isinstance(value, tuple) else str(value).lower().replace("none", "null")


def _option(annotation: Any) -> Any:
    """Type of an option in a config: whole numbers above 0, positive numbers, lists of whole numbers above 0,
    or as it is."""
    kinds = [part for part in get_args(annotation) if part is not type(None)]
    if type(None) in get_args(annotation) and len(kinds) == 1:
        [annotation] = kinds
    if annotation is int:
        return Whole
    if annotation is float:
        return Annotated[float, Field(gt=0)]
    if annotation is bool or get_origin(annotation) is Literal:
        return annotation
    return Annotated[list[Whole], Field(min_length=1)]


def _recipe() -> type[Settings]:
    """The recipe, from its fields."""
    words = described(Recipe)
    made: dict[str, Any] = {}
    for setting in fields(Recipe):
        bounds = dict(setting.metadata)
        choices = bounds.pop("choices", None)
        kind = Literal[choices] if choices else int if setting.type.startswith("int") else float
        default = "" if setting.default is None else f" Default: {_yaml(setting.default)}."
        made[setting.name] = (
            Annotated[kind | None, Field(description=words[setting.name] + default, **bounds), LeftOut()],
            None,
        )
    return create_model(
        "RecipeSettings",
        __base__=Settings,
        __doc__="See normeq.training.spec.Recipe. Give steps or max_minutes, or a preset that has steps.",
        preset=(
            Annotated[
                Literal[NAMES] | None,
                Field(
                    description="Where to start from (normeq.training.recipes); others replace what it sets."
                ),
                LeftOut(),
            ],
            None,
        ),
        **made,
    )


RecipeSettings = _recipe()
Network = _network(RecipeSettings)


class Train(Settings):
    """How they are trained. One run per network, variant, noise level and seed."""

    dataset: Annotated[str, Field(description="A data set of the registry (`normeq data list`).")]
    sigmas: Annotated[TrainSigmas | None, LeftOut()] = None
    seeds: Seeds = [0]
    noise: Annotated[
        NoiseName | None, Field(description="Type of the noise; gaussian where it is left out."), LeftOut()
    ] = None
    missing: Annotated[
        Missing,
        Field(description="What to do with networks that are not trained yet; skip measures those that are."),
    ] = "train"
    recipe: Annotated[RecipeSettings, Field(json_schema_extra={"minProperties": 1})]


class Data(Settings):
    """Where the images are."""

    dir: Annotated[str, Field(min_length=1, description="Folder of the data sets.")] = "data"
    remote: Annotated[
        str | None,
        Field(
            description="DVC remote to pull from (a name, or the path of a directory remote); null tries "
            "those configured, then the public origins."
        ),
    ] = None


def _evaluate() -> type[Settings]:
    kinds = all_measurements()
    return create_model(
        "Evaluate",
        __base__=Settings,
        __doc__="What is measured. Everything but noise_levels may be left out.",
        protocol=(
            Annotated[
                Literal[tuple(PRESETS)],
                Field(
                    description="Conventions of "
                    + ", ".join(name for name, kind in kinds.items() if kind.follows_protocol)
                    + " (docs/protocol.md, `normeq protocol`): paper clips the output to [0,1]; kair also "
                    "rounds it to 8 bits, and starts the same noise seed for every image."
                ),
            ],
            "paper",
        ),
        noise=(
            Annotated[
                NoiseName | None,
                Field(description="Type of the noise of those; gaussian where it is left out."),
                LeftOut(),
            ],
            None,
        ),
        **{
            name: (kind.settings, ...)
            if name == "noise_levels"
            else (Annotated[kind.settings | None, LeftOut()], None)
            for name, kind in kinds.items()
        },
    )


Evaluate = _evaluate()


class Config(Settings):
    """Which networks are trained on what, and how they are measured. Noise levels (sigma) are in 8-bit units
    everywhere. Unknown keys are refused."""

    experiment: Annotated[
        str,
        Field(
            pattern="^[a-z0-9][a-z0-9_-]*$",
            description="Name of the folders results/<experiment>/ and figures/<experiment>/ (lower case, "
            "digits, - and _).",
        ),
    ]
    title: Annotated[str, Field(description="One line that heads the report.")] = ""
    networks: Annotated[list[Network], Field(description="The networks, each trained in every variant.")] = []
    variants: VariantNames = ["ordinary", "scale", "norm", "wrapped"]
    train: Annotated[Train | None, LeftOut()] = None
    trained: Annotated[
        list[str],
        unique(
            "Pretrained networks by name (`normeq networks`), and imported ones (`normeq import`) by folder, "
            "measured beside the others.",
            least=0,
        ),
    ] = []
    shown: Annotated[
        Literal["all", "trained"],
        Field(
            description="What pictures and costly tables ("
            + ", ".join(name for name, kind in all_measurements().items() if kind.of != "every")
            + ") are of: every variant of the first of `networks` (of each, for "
            + " and ".join(name for name, kind in all_measurements().items() if kind.of == "each")
            + "), of noise levels and of seeds, and `trained`; or `trained` alone. Users' denoisers always."
        ),
    ] = "all"
    denoisers: Annotated[
        dict[str, Annotated[str, Field(pattern="^[^:=]+:[A-Za-z_][A-Za-z0-9_.]*$")]],
        Field(
            description="Your own denoisers, one more row in every table each: NAME: module:callable or "
            "NAME: file.py:callable.",
            json_schema_extra={"propertyNames": {"pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$"}},
        ),
    ] = {}
    evaluate: Evaluate
    claims: Annotated[
        list[Any],
        Field(
            description="Statements about the results, each with its threshold, fixed before the results "
            "exist or marked `stated: after` (docs/claims.md). `kind` says what is measured and which other "
            "keys there are. What is not measured cannot be claimed.",
            json_schema_extra={"items": claim_schema()},
        ),
    ] = []
    data: Annotated[Data, Field(json_schema_extra={"default": {}})] = Data()
    device: Annotated[
        str,
        Field(
            pattern="^(auto|cpu|cuda(:[0-9]+)?)$",
            description="Where networks run. auto takes a GPU where one is usable.",
        ),
    ] = "auto"
    gpu: Annotated[
        Literal["auto", 0, 1],
        Field(
            description="GPUs that a training or evaluation job asks of the scheduler; auto is 1 where this "
            "machine has one."
        ),
    ] = "auto"


def config_schema() -> str:
    """The JSON schema of a config, as YAML."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One experiment of normeq",
    } | schema_of(Config)
    return HEADER + yaml.dump(schema, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=110)


def config_reference() -> str:
    """The page of every key of a config, as Markdown."""
    return PAGE + reference(schema_of(Config))


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


if __name__ == "__main__":
    Path("workflow/schemas/config.schema.yaml").write_text(config_schema(), encoding="utf-8")
    Path("docs/config.md").write_text(config_reference(), encoding="utf-8")
