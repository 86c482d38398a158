RUN_CARDS = [f"results/runs/{run}/{NAME}.md" for run in EXPERIMENT.runs]


rule run_card:
    # The page of a run: its training, its accuracy at its own noise level, the verdict against the published value.
    input:
        record=ancient("results/runs/{run}/run.json"),
        table=run_table,
        config=CONFIG_RECORD,
        published=PUBLISHED,
    output:
        f"results/runs/{{run}}/{NAME}.md",
    log:
        f"logs/{NAME}/run_card/{{run}}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        folder=subpath(output[0], parent=True),
        published=published_option,
    shell:
        "normeq run-card {params.folder} --noise-levels {input.table} --config {input.config}"
        " {params.published} --out {output} > {log} 2>&1"


rule report:
    # One page with everything, to be opened anywhere without a network. (`snakemake --report` makes another one.)
    input:
        config=CONFIG_RECORD,
        tables=TABLES,
        figures=FIGURES,
        metrics=f"results/{NAME}/metrics.json",
        gallery=parts("gallery"),
        measured=TABLED_FILES,
        runs=ancient(expand("results/runs/{run}/run.json", run=EXPERIMENT.runs)),
    output:
        f"results/{NAME}/report.html",
    log:
        f"logs/{NAME}/report.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        shown=report_options,
    shell:
        "normeq report {output} --config {input.config} {params.shown} > {log} 2>&1"
