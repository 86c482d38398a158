RUN_CARDS = [f"results/runs/{run}/{NAME}.md" for run in EXPERIMENT.runs]


rule run_card:
    # The summary of a training run: its training, its accuracy at its own noise level, the verdict against the published value.
    input:
        record=ancient("results/runs/{run}/run.json"),
        table=run_table,
        config=CONFIG_RECORD,
    output:
        card=f"results/runs/{{run}}/{NAME}.md",
        made=stamp("run_card-{run}"),
    log:
        f"logs/{NAME}/run_card/{{run}}.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=10,
    params:
        folder=subpath(output.card, parent=True),
        published=published_option,
        key=card_key,
    shell:
        "normeq run-card {params.folder:q} --noise-levels {input.table:q} --config {input.config:q}"
        " {params.published:q} --out {output.card:q} > {log:q} 2>&1 && echo {params.key} > {output.made:q}"


REPORT_KEY = key(
    "report",
    *EXPERIMENT.measurements,
    published=True,
    config=EXPERIMENT.recorded(),
    runs=list(EXPERIMENT.runs),
    shown=[*TABLES, *FIGURES],
)


rule report:
    # One page with everything, to be opened anywhere without a network. (`snakemake --report` makes another one.)
    input:
        config=CONFIG_RECORD,
        tables=made_of(TABLES, "report", REPORT_KEY),
        figures=FIGURES,
        metrics=f"results/{NAME}/metrics.json",
        gallery=parts("gallery"),
        measured=TABLED_FILES,
        runs=ancient(expand("results/runs/{run}/run.json", run=EXPERIMENT.runs)),
    output:
        page=f"results/{NAME}/report.html",
        made=stamp("report"),
    log:
        f"logs/{NAME}/report.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        shown=report_options,
        key=REPORT_KEY,
    shell:
        "normeq report {output.page:q} --config {input.config:q} {params.shown:q} > {log:q} 2>&1"
        " && echo {params.key} > {output.made:q}"


# What normeq.suite.report.poster shows.
POSTER = [figure for figure in FIGURES if Path(figure).stem in POSTER_FIGURES]
POSTER_CLAIMS = [table for table in TABLES if Path(table).stem == "claims"]
POSTER_KEY = key(
    "poster", *EXPERIMENT.measurements, config=EXPERIMENT.recorded(), shown=[*POSTER, *POSTER_CLAIMS]
)


rule poster:
    # On request: the page of the paper's poster. `normeq poster --pdf` prints it.
    input:
        config=CONFIG_RECORD,
        figures=made_of(POSTER, "poster", POSTER_KEY),
        claims=POSTER_CLAIMS,
    output:
        page=f"results/{NAME}/poster.html",
        made=stamp("poster"),
    log:
        f"logs/{NAME}/poster.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=10,
    params:
        figures=f"figures/{NAME}",
        claims=["--claims", *POSTER_CLAIMS] if POSTER_CLAIMS else [],
        key=POSTER_KEY,
    shell:
        "normeq poster {output.page:q} --config {input.config:q} --figures {params.figures:q} {params.claims:q} > {log:q} 2>&1"
        " && echo {params.key} > {output.made:q}"
