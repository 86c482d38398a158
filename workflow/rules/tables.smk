TABLED = [kind for kind in ("noise_levels", "intervals") if kind in EXPERIMENT.measurements]
TABLED_FILES = [f"results/{NAME}/{kind}.csv" for kind in TABLED]
# Table -> why there is none; empty where there is.
NO_TABLE = {table.name: table.lacking(EXPERIMENT) for table in tables()}
# What the config asks for and nobody can be shown in.
for kind in EXPERIMENT.measurements:
    if lacking(kind) and workflow.is_main_process:
        print(f"normeq: {lacking(kind)}; what shows it is left out", file=sys.stderr)
TABLES = [
    *(
        f"results/{NAME}/{kind}.csv"
        for kind, measurement in EXPERIMENT.measurements.items()
        if measurement.columns and not lacking(kind)
    ),
    *(f"results/{NAME}/tables/{table}.md" for table, reason in NO_TABLE.items() if not reason),
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
    # The long table: one row per measurement, of all denoisers. Parts that are not there any more, as in a fresh clone, are taken from
    # the table itself, which is therefore updated in place.
    input:
        long_table,
    output:
        table=report(
            update(f"results/{NAME}/{{kind}}.csv"),
            caption="../report/long_table.rst",
            category="Measurements",
            labels={"measured": "{kind}"},
        ),
        made=update(stamp("{kind}")),
    log:
        f"logs/{NAME}/collect_{{kind}}.log",
    wildcard_constraints:
        kind="|".join(name for name, measurement in all_measurements().items() if measurement.columns),
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        parts=lambda wildcards: parts(wildcards.kind),
        key=lambda wildcards: key(wildcards.kind, wildcards.kind),
    shell:
        "normeq collect {output.table:q} {params.parts:q} --record {output.made:q} --key {params.key} > {log:q} 2>&1"


for one in tables():
    table, kind, with_published = one.name, one.measurement, one.published

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
