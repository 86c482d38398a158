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
