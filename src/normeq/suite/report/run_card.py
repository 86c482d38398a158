"""A run at a glance: what was trained, and how well it denoises at its own σ."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.analysis.matched_noise import matched_summary
from normeq.suite.claims.spec import read_claims
from normeq.suite.claims.verdict import judge
from normeq.suite.formats.numbers import fixed, signed, with_interval
from normeq.suite.report.runs import run_record
from normeq.suite.results.leaks import LEAK_FREE, with_leak_free
from normeq.suite.results.long_tables import read_noise_levels, train_range
from normeq.suite.results.names import dataset_name, measured_on, protocol_note, variant_name
from normeq.suite.statistics.means import per_image
from normeq.system.files import atomic_path, read_json

KEYS = ["dataset", "sigma"]


def write_run_card(
    out: Path, run: Path, noise_levels: Path, config: Path, published: Path | None = None
) -> None:
    """Write the summary of a training run.

    Args:
        out: Markdown file.
        run: the folder, with ``run.json``.
        noise_levels: long table over noise levels; rows of other denoisers in it are passed over.
        config: with the claims; those of kind ``level`` on this variant are judged on this run alone.
        published: folder of published values.

    Raises:
        NormeqError: a file is missing or malformed, or the table does not hold the run.
    """
    about, record = run_record(run), read_json(run / "run.json")
    claims = [c for c in read_claims(config) if c.kind == "level" and c.variants == (about["variant"],)]
    levels = read_noise_levels(noise_levels)
    if "weights" not in levels or record["weights_sha256"][:8] not in set(levels["weights"]):
        raise NormeqError(f"{noise_levels}: holds no measurement of the weights of {run}")
    levels = levels[levels["weights"] == record["weights_sha256"][:8]]
    table = with_leak_free(levels)
    verdicts = {
        (v["dataset"], v["sigma"]): v
        for v in judge(claims, {"noise_levels": table}, published)
        if v["value"] is not None
    }
    low, high = train_range(table["train_sigma"].iloc[0])
    rows = table[table["sigma"].between(low, high)]
    try:
        card = _card(run, about, record, rows, verdicts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NormeqError(f"{run / 'run.json'} is not the record of a run ({error!r})") from None
    with atomic_path(out) as temporary:
        temporary.write_text(card, encoding="utf-8")


def _card(run: Path, about: dict, record: dict, rows: pd.DataFrame, verdicts: dict) -> str:
    recipe = record["spec"]["recipe"]
    trained = {
        "data": f"{about['dataset']}, pin {record['data']['pin']}",
        "seed": about["seed"],
        "seen": f"{record['pixels'] / 1e6:,.0f} million pixels: {record['steps']:,} steps of "
        f"{recipe['batch']} patches of {recipe['patch']}×{recipe['patch']}",
        "recipe": f"{recipe['optimizer']}, rate {recipe['lr']:g} ({recipe['schedule']}), {recipe['loss']}, "
        f"{recipe['precision']}",
        "time": f"{about['minutes']} on {about['hardware']}",
        "held-out PSNR": "none"
        if about["validation"] is None
        else f"{about['validation']:.2f} dB ({recipe['holdout']} images of the training set, not trained on)",
        "revision": f"{about['revision']}{' with changes' if about['dirty'] else ''}",
        "versions": about["versions"],
        "weights": f"SHA-256 {about['weights']}…",
    }
    head = f"""# {run.name}

{about["network"]}, {variant_name(about["variant"], about["network"])}, trained at σ = {about["sigma"]} (8-bit
units). Config, hardware and hashes: [`run.json`](run.json); loss and held-out PSNR over steps:
[`train.jsonl`](train.jsonl); every measurement, image by image: [`parts/`](parts/).

{_table([{"training": key, "": value} for key, value in trained.items()])}

## At its own noise level

"""
    if rows.empty:
        return head + "It was not measured there.\n"
    means = matched_summary(rows)
    accuracy = []
    for line in means.itertuples():
        verdict = verdicts.get((line.dataset, line.sigma))
        accuracy.append(
            {
                "data set": dataset_name(line.dataset),
                "σ": f"{line.sigma:g}",
                "PSNR (dB) [95 %]": with_interval(line.psnr, line.psnr_low, line.psnr_high),
                "SSIM": fixed(line.ssim, 4),
                "published (dB)": fixed(verdict["published"]) if verdict else "–",
                "difference": signed(verdict["value"]) if verdict else "–",
                "verdict": f"{verdict['verdict']} ({verdict['bound']} {verdict['threshold']:g} dB)"
                if verdict
                else "–",
            }
        )
    psnr, ssim = (per_image(rows, value, KEYS) for value in ("psnr", "ssim"))
    images = psnr.merge(ssim[[*KEYS, "image", "ssim"]], on=[*KEYS, "image"])
    single = [
        {
            "data set": dataset_name(line.dataset),
            "image": line.image,
            "σ": f"{line.sigma:g}",
            "PSNR (dB)": fixed(line.psnr),
            "SSIM": fixed(line.ssim, 4),
        }
        for line in images.itertuples()
        if line.dataset not in LEAK_FREE
    ]
    return f"""{head}{_table(accuracy)}

{measured_on(means)}. {protocol_note(rows)}

<details><summary>Each image</summary>

{_table(single)}

</details>
"""


def _table(rows: list[dict[str, object]]) -> str:
    lines = [" | ".join(rows[0]), " | ".join("---" for _ in rows[0])]
    lines += [" | ".join(str(cell) for cell in row.values()) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
