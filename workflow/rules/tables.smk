TABLED = [kind for kind in ("noise_levels", "intervals") if kind in EXPERIMENT.measurements()]
TABLED_FILES = [f"results/{NAME}/{kind}.csv" for kind in TABLED]
TABLES = [
    *(f"results/{NAME}/{kind}.csv" for kind in EXPERIMENT.measurements() if MEASUREMENTS[kind] == "csv"),
    *(f"results/{NAME}/tables/{table.name}.md" for table in tables() if not table.lacking(EXPERIMENT)),
]


rule record_config:
    # The config as it was used, every default written out. Its name changes with it, so that what depends on it is made
    # again when a noise level or a network is taken out, also after a clone, where Snakemake has no record of earlier runs.
    output:
        CONFIG_RECORD,
    log:
        f"logs/{NAME}/record_config.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=100,
        runtime=5,
    params:
        text=config_record,
        folder=subpath(output[0], parent=True),
    shell:
        "(rm -f {params.folder}/config-*.yaml; printf '%s' {params.text:q} > {output}) 2> {log}"


rule collect:
    # The long table: one row per measurement, of all denoisers.
    input:
        parts=parts_of_kind,
        config=CONFIG_RECORD,
    output:
        report(
            f"results/{NAME}/{{kind}}.csv",
            caption="../report/long_table.rst",
            category="Measurements",
            labels={"measured": "{kind}"},
        ),
    log:
        f"logs/{NAME}/collect_{{kind}}.log",
    wildcard_constraints:
        kind="|".join(kind for kind, suffix in MEASUREMENTS.items() if suffix == "csv"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "normeq collect {output} {input.parts} > {log} 2>&1"


for table in tables():

    rule:
        name:
            f"table_{table.name}"
        input:
            shown=shown(table),
            config=CONFIG_RECORD if table.of_parts else [],
            published=PUBLISHED if table.published else [],
        output:
            multiext(f"results/{NAME}/tables/{table.name}", ".csv", ".tex"),
            shown=report(
                f"results/{NAME}/tables/{table.name}.md",
                caption=f"../report/{table.name}.rst",
                category="Tables",
            ),
        log:
            f"logs/{NAME}/table_{table.name}.log",
        conda:
            "../../environment.yml"
        resources:
            mem_mb=1000,
            runtime=30,
        params:
            command=table.command,
            sources=sources(table),
            folder=subpath(output.shown, parent=True),
            published=published_option if table.published else "",
        shell:
            "normeq table {params.command} {params.sources} {params.published}"
            " --out-dir {params.folder} > {log} 2>&1"


rule metrics:
    # The headline numbers as small JSON, for `dvc metrics diff` between revisions.
    input:
        TABLED_FILES,
    output:
        f"results/{NAME}/metrics.json",
    log:
        f"logs/{NAME}/metrics.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "normeq metrics {input} --out {output} > {log} 2>&1"
