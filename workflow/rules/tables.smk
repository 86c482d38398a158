TABLED = [kind for kind in ("noise_levels", "intervals") if kind in EXPERIMENT.measurements()]
TABLED_FILES = [f"results/{NAME}/{kind}.csv" for kind in TABLED]
# Table -> the measurement it shows, and whether published values stand beside it.
TABLES_OF = {
    "matched_noise": ("noise_levels", True),
    "generalisation": ("noise_levels", False),
    "variance": ("noise_levels", False),
    "intervals": ("intervals", False),
    "comparisons": ("noise_levels", False),
    "protocols": ("protocols", False),
    "tuning": ("tuning", True),
    "filters": ("filters", True),
    "certificate": ("certificate", False),
}
# Table -> why there is none; empty where there is.
NO_TABLE = {table: lacking(kind) for table, (kind, _) in TABLES_OF.items()}
if not EXPERIMENT.compares_variants():
    NO_TABLE["comparisons"] = "the config has no network in several variants"
# What the config asks for and nobody can be shown in.
for kind in EXPERIMENT.measurements():
    if lacking(kind) and workflow.is_main_process:
        print(f"normeq: {lacking(kind)}; what shows it is left out", file=sys.stderr)
TABLES = [
    *(
        f"results/{NAME}/{kind}.csv"
        for kind in MEASUREMENTS
        if MEASUREMENTS[kind] == "csv" and not lacking(kind)
    ),
    *(f"results/{NAME}/tables/{table}.md" for table in TABLES_OF if not NO_TABLE[table]),
]


rule record_config:
    # The config as it was used, every default written out.
    input:
        lambda wildcards: again(CONFIG_RECORD, not EXPERIMENT.is_recorded()),
    output:
        CONFIG_RECORD,
    log:
        f"logs/{NAME}/record_config.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=5,
    params:
        text=config_record,
    shell:
        "printf '%s' {params.text:q} > {output:q} 2> {log:q}"


rule collect:
    # The long table: one row per measurement, of all denoisers.
    input:
        parts=long_table,
    output:
        table=report(
            f"results/{NAME}/{{kind}}.csv",
            caption="../report/long_table.rst",
            category="Measurements",
            labels={"measured": "{kind}"},
        ),
        made=stamp("{kind}"),
    log:
        f"logs/{NAME}/collect_{{kind}}.log",
    wildcard_constraints:
        kind="|".join(kind for kind in MEASUREMENTS if MEASUREMENTS[kind] == "csv"),
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        key=lambda wildcards: key(wildcards.kind, wildcards.kind),
    shell:
        "normeq collect {output.table:q} {input.parts:q} > {log:q} 2>&1 && echo {params.key} > {output.made:q}"


for table, (kind, with_published) in TABLES_OF.items():

    rule:
        name:
            f"table_{table}"
        input:
            shown=made_of(
                shown(kind),
                f"table_{table}",
                key(table, kind, published=with_published),
                NO_TABLE[table],
            ),
        output:
            multiext(f"results/{NAME}/tables/{table}", ".csv", ".tex"),
            made=stamp(f"table_{table}"),
            shown=report(
                f"results/{NAME}/tables/{table}.md",
                caption=f"../report/{table}.rst",
                category="Tables",
            ),
        log:
            f"logs/{NAME}/table_{table}.log",
        conda:
            "../../environment.yml"
        resources:
            gpu=0,
            mem_mb=2000,
            runtime=30,
        params:
            command=table.replace("_", "-"),
            published=published_option if with_published else [],
            folder=subpath(output.shown, parent=True),
            key=key(table, kind, published=with_published),
        shell:
            "normeq table {params.command} {input.shown:q} {params.published:q} --out-dir {params.folder:q}"
            " > {log:q} 2>&1 && echo {params.key} > {output.made:q}"


rule metrics:
    # The headline numbers as small JSON, for `dvc metrics diff` between revisions.
    input:
        made_of(TABLED_FILES, "metrics", key("metrics", *TABLED)),
    output:
        metrics=f"results/{NAME}/metrics.json",
        made=stamp("metrics"),
    log:
        f"logs/{NAME}/metrics.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        key=key("metrics", *TABLED),
    shell:
        "normeq metrics {input:q} --out {output.metrics:q} > {log:q} 2>&1 && echo {params.key} > {output.made:q}"
