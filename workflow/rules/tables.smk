TABLED = [kind for kind in ("noise_levels", "intervals") if kind in EXPERIMENT.measurements]
TABLED_FILES = [f"results/{NAME}/{kind}.csv" for kind in TABLED]
TABLES = TABLED_FILES + expand(
    f"results/{NAME}/tables/{{table}}.md", table=["matched_noise", "generalisation", "variance"]
)
if "intervals" in TABLED:
    TABLES.append(f"results/{NAME}/tables/intervals.md")
if EXPERIMENT.compares_variants():
    TABLES.append(f"results/{NAME}/tables/comparisons.md")
if "protocols" in EXPERIMENT.measurements:
    TABLES += [f"results/{NAME}/protocols.csv", f"results/{NAME}/tables/protocols.md"]
TABLES += [
    f"results/{NAME}/{file}"
    for kind, files in {
        "heatmap": ["heatmap.csv"],
        "tuning": ["tuning.csv", "tables/tuning.md"],
        "filters": ["tables/filters.md"],
        "certificate": ["certificate.csv", "tables/certificate.md"],
    }.items()
    for file in files
    if kind in EXPERIMENT.measurements
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
        kind="noise_levels|intervals|heatmap|tuning|protocols|certificate",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "normeq collect {output} {input.parts} > {log} 2>&1"


rule table_matched_noise:
    input:
        table=f"results/{NAME}/noise_levels.csv",
        published=PUBLISHED,
    output:
        multiext(f"results/{NAME}/tables/matched_noise", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/matched_noise.md",
            caption="../report/matched_noise.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_matched_noise.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
        published=published_option,
    shell:
        "normeq table matched-noise {input.table} {params.published}"
        " --out-dir {params.folder} > {log} 2>&1"


rule table_generalisation:
    input:
        table=f"results/{NAME}/noise_levels.csv",
    output:
        multiext(f"results/{NAME}/tables/generalisation", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/generalisation.md",
            caption="../report/generalisation.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_generalisation.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
    shell:
        "normeq table generalisation {input.table} --out-dir {params.folder} > {log} 2>&1"


rule table_intervals:
    input:
        table=f"results/{NAME}/intervals.csv",
    output:
        multiext(f"results/{NAME}/tables/intervals", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/intervals.md",
            caption="../report/intervals.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_intervals.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
    shell:
        "normeq table intervals {input.table} --out-dir {params.folder} > {log} 2>&1"


rule table_variance:
    input:
        table=f"results/{NAME}/noise_levels.csv",
    output:
        multiext(f"results/{NAME}/tables/variance", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/variance.md",
            caption="../report/variance.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_variance.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
    shell:
        "normeq table variance {input.table} --out-dir {params.folder} > {log} 2>&1"


rule table_comparisons:
    input:
        table=f"results/{NAME}/noise_levels.csv",
    output:
        multiext(f"results/{NAME}/tables/comparisons", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/comparisons.md",
            caption="../report/comparisons.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_comparisons.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
    shell:
        "normeq table comparisons {input.table} --out-dir {params.folder} > {log} 2>&1"


rule table_protocols:
    input:
        table=f"results/{NAME}/protocols.csv",
    output:
        multiext(f"results/{NAME}/tables/protocols", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/protocols.md",
            caption="../report/protocols.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_protocols.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
    shell:
        "normeq table protocols {input.table} --out-dir {params.folder} > {log} 2>&1"


rule table_tuning:
    input:
        table=f"results/{NAME}/tuning.csv",
        published=PUBLISHED,
    output:
        multiext(f"results/{NAME}/tables/tuning", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/tuning.md",
            caption="../report/tuning.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_tuning.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
        published=published_option,
    shell:
        "normeq table tuning {input.table} {params.published} --out-dir {params.folder} > {log} 2>&1"


rule table_filters:
    input:
        parts=parts("filters"),
        config=CONFIG_RECORD,
        published=PUBLISHED,
    output:
        multiext(f"results/{NAME}/tables/filters", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/filters.md",
            caption="../report/filters.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_filters.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
        published=published_option,
    shell:
        "normeq table filters {input.parts} {params.published} --out-dir {params.folder} > {log} 2>&1"


rule table_certificate:
    input:
        table=f"results/{NAME}/certificate.csv",
    output:
        multiext(f"results/{NAME}/tables/certificate", ".csv", ".tex"),
        shown=report(
            f"results/{NAME}/tables/certificate.md",
            caption="../report/certificate.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/table_certificate.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        folder=subpath(output.shown, parent=True),
    shell:
        "normeq table certificate {input.table} --out-dir {params.folder} > {log} 2>&1"


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
