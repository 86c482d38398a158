# Figure of the report -> why there is none; empty where there is.
NO_FIGURE = {figure.name: figure.lacking(EXPERIMENT) for figure in figures() if figure.in_report}
FIGURES = [f"figures/{NAME}/{figure}.svg" for figure, reason in NO_FIGURE.items() if not reason]


for one in figures():
    if not one.in_report or one.reads == "runs":
        continue
    figure, kind, with_published = one.name, one.measurement, one.published
    kinds = [kind] if kind else []

    rule:
        name:
            f"figure_{figure}"
        input:
            shown=made_of(
                shown(kind) if kind else [],
                f"figure_{figure}",
                key(figure, *kinds, published=with_published),
                NO_FIGURE[figure],
            ),
        output:
            multiext(f"figures/{NAME}/{figure}", ".png", ".csv"),
            made=stamp(f"figure_{figure}"),
            shown=report(
                f"figures/{NAME}/{figure}.svg",
                caption=f"../report/figure_{figure}.rst",
                category="Figures",
            ),
        log:
            f"logs/{NAME}/figure_{figure}.log",
        conda:
            "../../environment.yml"
        resources:
            gpu=0,
            mem_mb=2000,
            runtime=30,
        params:
            command=figure.replace("_", "-"),
            published=published_option if with_published else [],
            out=subpath(output.shown, strip_suffix=".svg"),
            key=key(figure, *kinds, published=with_published),
        shell:
            "normeq figure {params.command} {input.shown:q} {params.published:q} --out {params.out:q}"
            " > {log:q} 2>&1 && echo {params.key} > {output.made:q}"


rule figure_training:
    input:
        runs=made_of(
            [ancient(f"results/runs/{run}/run.json") for run in EXPERIMENT.runs],
            "figure_training",
            key("training", runs=list(EXPERIMENT.runs)),
            NO_FIGURE["training"],
        ),
    output:
        multiext(f"figures/{NAME}/training", ".png", ".csv"),
        made=stamp("figure_training"),
        shown=report(
            f"figures/{NAME}/training.svg",
            caption="../report/figure_training.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_training.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        runs=[f"results/runs/{run}" for run in EXPERIMENT.runs],
        out=subpath(output.shown, strip_suffix=".svg"),
        key=key("training", runs=list(EXPERIMENT.runs)),
    shell:
        "normeq figure training {params.runs:q} --out {params.out:q} > {log:q} 2>&1 && echo {params.key} > {output.made:q}"
